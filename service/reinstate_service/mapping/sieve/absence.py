"""The absence reply as `vacation` (RFC 5230), within its time (RFC 5260).

It goes in front of the script that runs before the user's own, so that a message is answered
wherever it is filed. As in Zimbra, a sender is answered once in seven days and spam never.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from reinstate_service.mapping.sieve.lexer import quoted, tokens
from reinstate_service.mapping.sieve.parser import Fault, parse
from reinstate_service.mapping.sieve.vocabulary import required
from reinstate_service.mapping.sieve.words import listed
from reinstate_service.model import OutOfOffice

_NEEDED = ("vacation", "date", "relational")
_DAYS = 7


def with_absence(
    script: str, absence: OutOfOffice | None, addresses: Sequence[str], extensions: Sequence[str]
) -> str:
    """The script with the absence reply in front, if there is one that is switched on.

    `addresses` are those for which the account answers. The script stays as it is where the
    extensions do not suffice, or where it does not parse.
    """
    lexed = tokens(script)
    calls = parse(lexed)
    if (
        absence is None
        or not absence.enabled
        or isinstance(calls, Fault)
        or not {*_NEEDED} <= {*extensions}
    ):
        return script
    names = dict.fromkeys((*required(calls, lexed), *_NEEDED))
    texts = [token.text for token in lexed]
    for call in calls:
        if call.name == "require":
            texts[call.first : call.last + 1] = [""] * (call.last + 1 - call.first)
    rest = "".join(texts).removeprefix("\ufeff").lstrip("\r\n")
    reply = (
        f"require {listed(names)};\n"
        "# The absence reply\n"
        f"if allof ({', '.join(_conditions(absence))}) {{\n"
        f"    vacation :days {_DAYS} :addresses {listed(addresses)} {quoted(absence.text)};\n"
        "}\n"
    )
    return reply + rest


def _conditions(absence: OutOfOffice) -> list[str]:
    bounds = (("ge", absence.start), ("lt", absence.until))
    return ['not header :contains "X-Spam-Flag" "YES"'] + [
        f'currentdate :zone "+0000" :value "{relation}" "iso8601" "{_moment(moment)}"'
        for relation, moment in bounds
        if moment is not None
    ]


def _moment(milliseconds: int) -> str:
    """As `iso8601` of RFC 5260 §4.2 has it in UTC; such texts compare like their times."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat(timespec="seconds")
