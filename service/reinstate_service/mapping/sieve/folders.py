"""Which arguments of which commands and tests name a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reinstate_service.mapping.sieve.parser import Argument, Call

#: Where the folder stands among the positional arguments, counted from the last, because
#: positional arguments come after all tagged ones (RFC 5228 §2.6.2): an unknown tag with
#: a value of its own then moves nothing. RFC 5228 §4.1, RFC 5490 §3, RFC 8579 §3.
_POSITIONAL = {
    "fileinto": -1,
    "mailboxexists": -1,
    "metadataexists": -2,
    "metadata": -3,
    "specialuse_exists": -2,
}
#: Tags whose value never is a positional argument, wherever a lax server lets them stand:
#: RFC 5232 §4, RFC 9042 §4, RFC 8579 §4, RFC 5228 §2.7.3, RFC 5231 §4, RFC 8580 §3.
_VALUED = frozenset(
    {":flags", ":mailboxid", ":specialuse", ":comparator", ":count", ":value", ":fcc"}
)
#: Tags whose value is a folder: RFC 8580 §3 for any command, and Cyrus' `snooze`.
_FCC = ":fcc"
_SNOOZE = ("snooze", ":mailbox")


class FolderArgument(NamedTuple):
    """A string that names a folder: the index of its token and the call it belongs to."""

    token: int
    call: Call


def folder_arguments(calls: Iterable[Call]) -> Iterator[FolderArgument]:
    """Every string argument that names a folder, each once; lists give one per string."""
    for call in calls:
        for argument in (*_tagged(call), *_positional(call)):
            for token in argument.strings:
                yield FolderArgument(token, call)


def _positional(call: Call) -> Sequence[Argument]:
    place = _POSITIONAL.get(call.name)
    if place is None:
        return ()
    plain, tag = [], ""
    for argument in call.arguments:
        if not argument.tag and tag not in _VALUED:
            plain.append(argument)
        tag = argument.tag
    return plain[place : place + 1 or None] if len(plain) >= -place else ()


def _tagged(call: Call) -> Iterator[Argument]:
    for tagged, argument in zip(call.arguments, call.arguments[1:], strict=False):
        if tagged.tag == _FCC or (call.name, tagged.tag) == _SNOOZE:
            yield argument
