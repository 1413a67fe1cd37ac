"""The account's Sieve scripts, kept over ManageSieve.

What runs on delivery is one script. If more than the incoming one is to run, because the user
has an active script already or the administrator's run around it, it is `reinstate`, which
includes the others (RFC 6609) and is none of the account's own. Ours are called
`reinstate.incoming` and so on there, so that none of the user's is in their way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reinstate_service.destination.contract import Missing, Refused
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.managesieve import ManageSieve
from reinstate_service.model import Filters

#: The script that includes the others.
INCLUDING = "reinstate"
_OURS = ("before", "incoming", "after", "outgoing")
_PREFIX = f"{INCLUDING}."
#: Leads the name, here, of a script of the user's that is called like one of ours.
_USERS = "./"


def install(sieve: ManageSieve, filters: Filters) -> Sequence[str]:
    """Stores the scripts that there are, and sees to it that those for what comes in are run;
    what the user has active is run between `before` and `incoming`. Raises Refused."""
    texts = {
        "before": filters.before,
        "incoming": filters.incoming,
        "after": filters.after,
        "outgoing": filters.outgoing,
    }
    stored = {name: text for name, text in texts.items() if text}
    there = sieve.scripts()
    for name, text in stored.items():
        if _there(name) not in there or sieve.script(_there(name)) != text:
            sieve.store(_there(name), text)
    run = [name for name in ("before", "incoming", "after") if name in stored]
    if run:
        _activate(sieve, run)
    return list(stored)


def scripts(sieve: ManageSieve) -> Mapping[str, str]:
    """Every script by its name, without the one that includes them."""
    return {_here(name): sieve.script(name) for name in sieve.scripts() if name != INCLUDING}


def replace(sieve: ManageSieve, name: str, text: str) -> None:
    """Puts the text in a script's place at once. Raises Missing, Refused."""
    if _there(name) not in sieve.scripts() or name == INCLUDING:
        raise Missing(what=f"Sieve script {name!r}")
    sieve.store(_there(name), text)


def _there(name: str) -> str:
    """The script's name on the server."""
    return f"{_PREFIX}{name}" if name in _OURS else name.removeprefix(_USERS)


def _here(name: str) -> str:
    """The name of a script of the server's."""
    ours = name.removeprefix(_PREFIX)
    if name != ours and ours in _OURS:
        return ours
    return f"{_USERS}{name}" if name in _OURS else name


def _activate(sieve: ManageSieve, run: Sequence[str]) -> None:
    active = next((name for name, is_active in sieve.scripts().items() if is_active), "")
    running = included(sieve.script(INCLUDING)) if active == INCLUDING else [active]
    users = [name for name in running if name and _here(name) not in _OURS]
    first = [_there(name) for name in run if name == "before"]
    wanted = [*first, *users, *(_there(name) for name in run if name != "before")]
    if len(wanted) == 1:
        if active != wanted[0]:
            sieve.activate(wanted[0])
        return
    if "include" not in sieve.extensions:
        detail = f"the server cannot run {', '.join(wanted)} together: it has no include"
        raise Refused(detail=detail)
    text = including(wanted)
    if active != INCLUDING or sieve.script(INCLUDING) != text:
        try:
            sieve.store(INCLUDING, text)
        except ServerRefuses as error:
            raise Refused(detail=f"{', '.join(wanted)} together: {error}") from None
    sieve.activate(INCLUDING)


def including(names: Sequence[str]) -> str:
    """A script that runs those of the names, one after another."""
    lines = (f"include :personal {_string(name)};\r\n" for name in names)
    return 'require "include";\r\n' + "".join(lines)


def included(text: str) -> list[str]:
    """The names in a script that `including` has made."""
    lines = (line for line in text.splitlines() if line.startswith("include :personal "))
    return [_unquoted(line.removeprefix("include :personal ").removesuffix(";")) for line in lines]


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
