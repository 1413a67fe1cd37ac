"""Bytes that are read forward only: a file, or what a gzip file unpacks to."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 256 << 10
_GZIP_MAGIC = b"\x1f\x8b"
#: zlib's window bits for a gzip member (RFC 1952).
_GZIP = 31


class Broken(Exception):
    """What is read is not what the format says; the text says what."""


class Ended(Broken):
    """It ends where the format says that more follows."""


class ByteStream:
    """Exactly as many bytes as are asked for, in order. Never holds more than one piece and
    what was put back."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self._at = 0
        self._passed = 0

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._passed + self._at

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer than `size` at the end. Raises Broken."""
        while len(self._held) - self._at < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._hold(self._held[self._at :] + piece)
        return self._held[self._at : self._at + size]

    def read(self, size: int) -> bytes:
        """The next `size` bytes; `size` is small. Raises Ended."""
        found = self.peek(size)
        if len(found) < size:
            raise Ended(f"at byte {self.position + len(found)}")
        self._at += size
        return found

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes in pieces. Raises Ended."""
        while size:
            found = self.some(size)
            if not found:
                raise Ended(f"at byte {self.position}")
            size -= len(found)
            yield found

    def some(self, most: int) -> bytes:
        """At least one of the next bytes, at most `most`; none at the end."""
        if self._at == len(self._held):
            self._hold(next(self._pieces, b""))
        found = self._held[self._at : self._at + most]
        self._at += len(found)
        return found

    def put_back(self, data: bytes) -> None:
        """Lets `data`, the end of what was read, be read again."""
        self._at -= len(data)

    def _hold(self, data: bytes) -> None:
        self._passed += self._at
        self._held, self._at = data, 0


def unpacked(file: Iterator[bytes]) -> ByteStream:
    """The file, or what it unpacks to if it is a gzip file."""
    stream = ByteStream(file)
    if stream.peek(2) == _GZIP_MAGIC:
        return ByteStream(_gunzipped(stream))
    return stream


def _gunzipped(packed: ByteStream) -> Iterator[bytes]:
    """Every member (RFC 1952 §2.2), up to where it is damaged. Raises Broken."""
    unpack = zlib.decompressobj(_GZIP)
    while True:
        if unpack.eof:
            # Media and copies fill up with zeros, and gzip itself ignores what follows.
            while packed.peek(1) == b"\0":
                packed.read(1)
            if packed.peek(2) != _GZIP_MAGIC:
                return
            unpack = zlib.decompressobj(_GZIP)
        data = packed.some(PIECE)
        try:
            yield from _inflated(unpack, data)
        except zlib.error as error:
            raise Broken(f"its gzip data does not unpack at byte {packed.position}") from error
        if unpack.eof:
            packed.put_back(unpack.unused_data)
        elif not data:
            raise Ended(f"its gzip data at byte {packed.position}")


def _inflated(unpack: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """All that comes out when `data` goes in. Raises zlib.error, behind what came before it."""
    while not unpack.eof:
        before = unpack.copy()
        try:
            found = unpack.decompress(data, PIECE)
        except zlib.error:
            # With the error goes what the same call had unpacked already.
            for at in range(len(data)):
                if found := before.decompress(data[at : at + 1]):
                    yield found
            raise
        if not found:
            return
        yield found
        data = unpack.unconsumed_tail
