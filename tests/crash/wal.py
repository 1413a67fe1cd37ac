"""Where SQLite's write-ahead log can be cut (https://www.sqlite.org/fileformat2.html#walformat).

A header of 32 bytes, then frames: a header of 24 bytes and a page. A frame whose header
names a size of the database ends a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crash.power import PowerCutDisk
from crash.recording import Wrote

_HEADER, _FRAME_HEADER = 32, 24
#: Every class of places, and the one where pages of the log are being written into the
#: database.
CLASSES = (
    "in the header",
    "in a frame's header",
    "in a page",
    "between two frames",
    "before the frame that commits",
    "during a checkpoint",
)


def cuts(disk: PowerCutDisk, journal: str) -> Iterator[tuple[str, dict[str, int]]]:
    """The classes that what is not flushed now can be cut at, each with a place in it: how many
    bytes are left of the writes to a file."""
    database, log = disk.node(journal), disk.node(f"{journal}-wal")
    if log is None:
        return
    if database is not None and (pages := _writes(database.unflushed)):
        yield "during a checkpoint", {journal: sum(len(page.data) for page in pages) // 2}
    content, _ = log.after(log.unflushed)
    page_size = int.from_bytes(content[8:12])
    left = 0
    for write in _writes(log.unflushed):
        for within in {0, 1, len(write.data) // 2}:
            kind = _class(content, write.offset + within, page_size)
            if kind:
                yield kind, {f"{journal}-wal": left + within}
        left += len(write.data)


def _writes(changes: Sequence[object]) -> list[Wrote]:
    return [change for change in changes if isinstance(change, Wrote)]


def _class(log: bytes, offset: int, page_size: int) -> str:
    """What a cut before the byte at this offset is."""
    if offset < _HEADER:
        return "in the header" if offset else ""
    within = (offset - _HEADER) % (_FRAME_HEADER + page_size)
    if within == 0:
        commits = any(log[offset + 4 : offset + 8])
        return "before the frame that commits" if commits else "between two frames"
    return "in a frame's header" if within < _FRAME_HEADER else "in a page"
