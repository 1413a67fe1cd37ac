"""One entry of an archive, whichever format that has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Entry:
    """Its name is only ever compared, never used as a path; `strange` says what it is if it is
    neither file nor folder. `pieces` can be read once, before the next entry."""

    name: str
    pieces: Iterator[bytes]
    folder: bool = False
    strange: str = ""


class TooLong(Exception):
    """The entry has more bytes than were allowed."""


def whole(pieces: Iterator[bytes], limit: int) -> bytes:
    """All pieces, at most `limit` bytes. Raises TooLong, Broken."""
    found, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooLong
        found.append(piece)
    return b"".join(found)
