"""Un-gzips, by Intel's ISA-L where python-isal is installed and else by zlib.

Both give the same bytes, ISA-L in about half the time. What a blob is worth is told by its
digest in either case, never by what unpacked it. `Packed` is what is not to be unpacked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Protocol, cast

try:
    from isal import isal_zlib
except ImportError:  # pyproject.toml asks for it only where it has wheels
    INFLATERS: tuple[Any, ...] = (zlib,)
else:
    INFLATERS = (isal_zlib, zlib)

#: What an unpacker raises for bytes that do not unpack.
DAMAGED: tuple[type[Exception], ...] = tuple(each.error for each in INFLATERS)
#: What a gzip file begins with (RFC 1952 §2.3.1).
MAGIC = b"\x1f\x8b"
_GZIP = 31  # zlib's window bits for a gzip member


class Unpacker(Protocol):
    """Unpacks one gzip member (RFC 1952 §2.3), as zlib's decompression objects do."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended, with the checksum and the size that it claims."""

    @property
    def unused_data(self) -> bytes:
        """What follows the member in the data that ended it."""

    @property
    def unconsumed_tail(self) -> bytes:
        """What is to be given again, because `decompress` was limited."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """At most `max_length` bytes of what `data` unpacks to. Raises one of DAMAGED."""


def unpacker() -> Unpacker:
    """A fresh one, of the first of INFLATERS."""
    return cast("Unpacker", INFLATERS[0].decompressobj(_GZIP))


class Packed(Protocol):
    """An item's content as a gzip file: one member (RFC 1952 §2.3) and nothing behind it. What
    it unpacks to was found to be right before this was made."""

    @property
    def descriptor(self) -> int:
        """The open file, until `close`."""

    @property
    def size(self) -> int:
        """How many bytes it unpacks to."""

    @property
    def head(self) -> bytes:
        """How it begins: at least a kilobyte, where there is so much."""

    def pieces(self) -> Iterator[bytes]:
        """The file as it is, in pieces of bounded size. Whoever sees the end knows that they are
        what was checked. Raises OSError, and what `require_unchanged` raises."""

    def require_unchanged(self) -> None:
        """Raises an error of the item if the file was changed since it was checked: to be asked
        after `descriptor` was used."""

    def close(self) -> None:
        """Lets go of the file."""
