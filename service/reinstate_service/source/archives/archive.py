"""An archive's entries, whichever of its formats it has: told by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reinstate_service.source.archives.bytestream import PIECE, Ended, unpacked
from reinstate_service.source.archives.entries import Entry
from reinstate_service.source.archives.tape import tar_entries
from reinstate_service.source.archives.zipped import LOCAL, zip_entries

#: So much is read behind the last entry, to get to a gzip file's checksum.
_BEHIND = 1 << 20


def read_entries(path: Path) -> Iterator[Entry]:
    """Every entry of the archive, in its order, in one pass; up to where it is damaged.

    What is not read of an entry is passed over. Raises Broken, OSError.
    """
    # A pipe of this name must not hang the reader.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        stream = unpacked(iter(lambda: file.read(PIECE), b""))
        start = stream.peek(4)
        if not start:
            raise Ended("it is empty")
        yield from zip_entries(stream) if start == LOCAL else tar_entries(stream)
        behind = 0
        while behind < _BEHIND and (piece := stream.some(PIECE)):
            behind += len(piece)
