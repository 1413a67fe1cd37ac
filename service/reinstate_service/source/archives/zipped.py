"""The entries of a zip file, read from its local headers (APPNOTE.TXT 4.3.7) in one pass.

The directory at the end, which the standard library's reader begins with, is what a file
that was cut off does not have.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from reinstate_service.source.archives.bytestream import PIECE, Broken, ByteStream, Ended
from reinstate_service.source.archives.entries import Entry

LOCAL = b"PK\x03\x04"
_AFTER = (b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06")
_DESCRIPTOR = b"PK\x07\x08"
_ENCRYPTED, _DESCRIBED_BEHIND = 0x1, 0x8
_STORED, _DEFLATED = 0, 8
_ZIP64 = 0x0001
_UNKNOWN = 0xFFFFFFFF


def zip_entries(stream: ByteStream) -> Iterator[Entry]:
    """Every entry up to the directory. Raises Broken."""
    while (signature := stream.read(4)) not in _AFTER:
        if signature != LOCAL:
            raise Broken(f"there is no entry at byte {stream.position - 4}")
        entry = _entry(stream)
        yield entry
        for _ in entry.pieces:
            pass


def _entry(stream: ByteStream) -> Entry:
    fields = struct.unpack("<HHHHHIIIHH", stream.read(26))
    _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    name = stream.read(name_length).decode(errors="replace")
    packed, size = _sizes(stream.read(extra_length), packed, size)
    if flags & _ENCRYPTED:
        raise Broken(f"it is encrypted at byte {stream.position}")
    behind = bool(flags & _DESCRIBED_BEHIND)
    if method == _DEFLATED:
        content = _inflated(stream, None if behind else (crc, packed, size))
    elif method == _STORED and not behind:
        content = _checked(stream.pieces(packed), crc, stream)
    else:
        raise Broken(f"its packing {method} is not read at byte {stream.position}")
    return Entry(name, content, folder=name.endswith("/"))


def _sizes(extra: bytes, packed: int, size: int) -> tuple[int, int]:
    """The packed and the real size; both stand in an extra field (4.5.3) where they are large."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _ZIP64 and length >= 16 and _UNKNOWN in {packed, size}:
            real, small = struct.unpack_from("<QQ", extra[4:].ljust(16, b"\0"))
            return small, real
        extra = extra[4 + length :]
    return packed, size


def _checked(pieces: Iterator[bytes], crc: int, stream: ByteStream) -> Iterator[bytes]:
    found = 0
    for piece in pieces:
        found = zlib.crc32(piece, found)
        yield piece
    if found != crc:
        raise Broken(f"an entry has another checksum at byte {stream.position}")


def _inflated(stream: ByteStream, told: tuple[int, int, int] | None) -> Iterator[bytes]:
    """What the entry unpacks to; `told` is its checksum and sizes, None if they come behind."""
    unpack, crc, size, begin = zlib.decompressobj(-15), 0, 0, stream.position
    while not unpack.eof:
        data = stream.some(PIECE)
        if not data:
            raise Ended(f"at byte {stream.position}")
        while data and not unpack.eof:
            try:
                piece = unpack.decompress(data, PIECE)
            except zlib.error as error:
                raise Broken(f"an entry does not unpack at byte {stream.position}") from error
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            if piece:
                yield piece
            data = unpack.unconsumed_tail
    stream.put_back(unpack.unused_data)
    found = (crc, stream.position - begin, size)
    if (told or _behind(stream, found)) != found:
        raise Broken(f"an entry has another size or checksum at byte {stream.position}")


def _behind(stream: ByteStream, found: tuple[int, int, int]) -> tuple[int, int, int]:
    """The descriptor (4.3.9): its signature is optional, its sizes take four or eight bytes."""
    first = stream.read(4)
    crc = int.from_bytes(stream.read(4) if first == _DESCRIPTOR else first, "little")
    packed, size = struct.unpack("<II", stream.peek(8).ljust(8, b"\0"))
    if (packed, size) == (found[1], found[2]):
        stream.read(8)
        return crc, packed, size
    packed, size = struct.unpack("<QQ", stream.read(16))
    return crc, packed, size
