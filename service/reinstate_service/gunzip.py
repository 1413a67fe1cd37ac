"""Un-gzips, by Intel's ISA-L where python-isal is installed and else by zlib.

Both give the same bytes, ISA-L in about half the time. What a blob is worth is told by its
digest in either case, never by what unpacked it.
"""

from __future__ import annotations

import zlib
from typing import Any, Protocol, cast

try:
    from isal import isal_zlib
except ImportError:  # pyproject.toml asks for it only where it has wheels
    INFLATERS: tuple[Any, ...] = (zlib,)
else:
    INFLATERS = (isal_zlib, zlib)

#: What an unpacker raises for bytes that do not unpack.
DAMAGED: tuple[type[Exception], ...] = tuple(each.error for each in INFLATERS)
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
