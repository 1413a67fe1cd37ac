"""Messages that lie in a Maildir as gzip files, as Dovecot's zlib plugin serves them.

The plugin unpacks whatever begins as a compressed file does, and takes the size before the
packing from the file's name (`S=`). What it reads, and what not, was tried on Dovecot 2.3.19:
docs/destinations.md has the table.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from itertools import chain

from reinstate_service.destination.maildir.looking import opened_file
from reinstate_service.gunzip import DAMAGED, MAGIC, unpacker

#: What begins like this the plugin takes for gzip, bzip2, xz, zstd or lz4.
_SIGNATURES = (MAGIC, b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"Dovecot-LZ4\r*\x9b\xc5")
_LONGEST_SIGNATURE = max(map(len, _SIGNATURES))
#: Flags of RFC 1952 §2.3.1: the file is text, and the file's name is told.
_FTEXT, _FNAME = 1, 8
_HEADER = 10
#: The plugin finds the end of a header only in the first block that it reads.
_LONGEST_NAME = 1000
_PLAIN_SIZE = re.compile(r",S=(\d+)")
_PIECE = 1 << 18


def is_served(head: bytes) -> bool:
    """Whether the plugin reads a gzip file of one member that begins so. Comments, further
    fields and a checksum of the header are rare, and not relied upon."""
    flags = head[3] & ~_FTEXT
    return flags == 0 or (flags == _FNAME and b"\0" in head[_HEADER : _HEADER + _LONGEST_NAME])


def is_taken_for_packed(head: bytes) -> bool:
    """Whether the plugin may take content that begins so for a compressed file."""
    if len(head) < _LONGEST_SIGNATURE and any(one.startswith(head) for one in _SIGNATURES):
        return True
    return head.startswith(_SIGNATURES)


class Damaged(Exception):
    """A file begins as a gzip file and does not unpack."""


class Packing:
    """Packs content that would be taken for a compressed file: the same bytes each time."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(wbits=31)

    def pack(self, piece: bytes) -> bytes:
        """What is to be written for a piece of the content."""
        return self._packer.compress(piece)

    def end(self) -> bytes:
        """What is to be written at last."""
        return self._packer.flush()


def unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What the plugin makes of a file, given in pieces. Raises Damaged, at any piece."""
    first = next(pieces, b"")
    if not first.startswith(MAGIC):
        yield first
        yield from pieces
        return
    unpack = unpacker()
    for piece in chain([first], pieces):
        rest = piece
        while rest:
            if unpack.eof:
                unpack = unpacker()
            try:
                yield unpack.decompress(rest, _PIECE)
            except DAMAGED as error:
                raise Damaged from error
            rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    if not unpack.eof:
        raise Damaged


def plain_size(directory: int, file_name: str, length: int) -> int:
    """The size of a message whose file has `length` bytes: that in its name, if the file is a
    gzip file that ends with it (RFC 1952 §2.3.1, modulo 2^32), else the file's. Raises OSError."""
    told = _PLAIN_SIZE.search(file_name)
    if told is None or (size := int(told[1])) == length:
        return length
    with opened_file(file_name, directory) as descriptor:
        packed = os.pread(descriptor, len(MAGIC), 0) == MAGIC
        end = os.pread(descriptor, 4, max(length - 4, 0))
    return size if packed and int.from_bytes(end, "little") == size % (1 << 32) else length
