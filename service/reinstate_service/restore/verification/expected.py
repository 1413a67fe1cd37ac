"""An item as it was restored, against one that lies on the destination: pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import reduce

import msgspec

from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import Flag, Path

#: The length of a digest that is a SHA-256; old backups have SHA-1, which no destination tells.
SHA_256 = 44
#: What is told of an item whose date is another one.
DATE = "another date"
_FLAGS = {
    Flag.SEEN: "\\Seen",
    Flag.ANSWERED: "\\Answered",
    Flag.FLAGGED: "\\Flagged",
    Flag.DRAFT: "\\Draft",
    Flag.DELETED: "\\Deleted",
    Flag.FORWARDED: "$Forwarded",
    Flag.MDN_SENT: "$MDNSent",
}


def without(flags: Flag, keywords: Container[str]) -> Flag:
    """The flags that are none of the keywords."""
    gone = (flag for flag, text in _FLAGS.items() if text in keywords)
    return reduce(lambda left, flag: left & ~flag, gone, flags)


class Expected(msgspec.Struct, frozen=True, gc=False):
    """An item as it was restored. Date (milliseconds), flags and keywords are None where the
    backup could not be asked."""

    item: str
    path: Path
    digest: str
    size: int
    date: int | None = None
    flags: Flag | None = None
    keywords: tuple[str, ...] | None = None


def same_bytes(wanted: Expected, stored: StoredItem) -> bool:
    """Whether the bytes are the same, as far as is known."""
    if stored.digest and len(wanted.digest) == SHA_256:
        return stored.digest == wanted.digest
    return stored.size == wanted.size


def untouched(wanted: Expected, stored: StoredItem) -> bool:
    """Whether it lies where it was put, as it was put there."""
    return (
        stored.path == wanted.path
        and same_bytes(wanted, stored)
        and next(changes(wanted, stored), None) is None
    )


def changes(wanted: Expected, stored: StoredItem) -> Iterator[str]:
    """What was done to an item, save that it was moved."""
    if wanted.flags is not None and wanted.flags != stored.flags:
        added = [text for flag, text in _FLAGS.items() if flag in stored.flags & ~wanted.flags]
        removed = [text for flag, text in _FLAGS.items() if flag in wanted.flags & ~stored.flags]
        yield f"flags {_signed(added, removed)}"
    if wanted.keywords is not None:
        before = {keyword.casefold(): keyword for keyword in wanted.keywords}
        after = {keyword.casefold(): keyword for keyword in stored.keywords}
        if before.keys() != after.keys():
            added = sorted(after[key] for key in after.keys() - before.keys())
            removed = sorted(before[key] for key in before.keys() - after.keys())
            yield f"keywords {_signed(added, removed)}"
    if wanted.date is not None and wanted.date // 1000 != stored.date // 1000:
        yield DATE


def _signed(added: Iterable[str], removed: Iterable[str]) -> str:
    return " ".join([*(f"+{one}" for one in added), *(f"-{one}" for one in removed)])
