"""Blobs that can be handed on without being unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reinstate_service.gunzip import DAMAGED, MAGIC, unpacker
from reinstate_service.source.contract import BlobCorrupt

if TYPE_CHECKING:
    from hashlib import _Hash

_PIECE = 1 << 20


class PackedBlob:
    """See `Packed`. A blob of one piece is held in memory, so that what is handed on is what was
    checked; of a larger one, the file must not have changed meanwhile."""

    def __init__(self, descriptor: int, digest: str, size: int) -> None:
        """Takes the open file; `size` is that of its content."""
        self.descriptor = descriptor
        self.size = size
        self._digest = digest
        self._stamp = _stamp(descriptor)
        # Not a megabyte for a blob of a few kilobytes: that alone would take 17 us.
        self.head = os.pread(descriptor, min(self._stamp[0], _PIECE), 0)

    def holds(self, hashed: _Hash, wanted: bytes) -> bool:
        """Whether it is one gzip member and nothing else, whose content has the size and, by the
        fresh `hashed`, the digest that are wanted. Raises OSError."""
        if not self.head.startswith(MAGIC):
            return False
        unpack, size = unpacker(), 0
        try:
            if len(self.head) == self._stamp[0] and self.size <= _PIECE:  # ordinarily
                whole = unpack.decompress(self.head, self.size + 1)
                hashed.update(whole)
                alone = unpack.eof and not unpack.unused_data
                return alone and len(whole) == self.size and hashed.digest() == wanted
            for piece in self.pieces():
                rest = piece
                while rest:
                    if unpack.eof:
                        return False
                    out = unpack.decompress(rest, min(self.size - size + 1, _PIECE))
                    hashed.update(out)
                    size += len(out)
                    if size > self.size or unpack.unused_data:
                        return False
                    rest = unpack.unconsumed_tail
        except DAMAGED:
            return False
        return unpack.eof and size == self.size and hashed.digest() == wanted

    def pieces(self) -> Iterator[bytes]:
        """See `Packed`. Raises BlobCorrupt at the end if the file was changed meanwhile."""
        yield self.head
        offset = len(self.head)
        while offset < self._stamp[0] and (piece := os.pread(self.descriptor, _PIECE, offset)):
            offset += len(piece)
            yield piece
        self.require_unchanged()

    def require_unchanged(self) -> None:
        """See `Packed`. Raises BlobCorrupt."""
        if _stamp(self.descriptor) != self._stamp:
            raise BlobCorrupt(digest=self._digest, detail="it was changed while it was read")

    def close(self) -> None:
        """See `Packed`."""
        os.close(self.descriptor)


def _stamp(descriptor: int) -> tuple[int, int, int]:
    """Size, modification and change time: whoever writes to the file changes one of them."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
