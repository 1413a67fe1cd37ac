"""The hash that ties each event to all before it. Pure; anybody can recompute it.

    chain(0) = 32 zero bytes
    chain(n) = SHA-256(chain(n-1) || header || stream || type || data)

The header is six big-endian signed 64-bit numbers (position, version, schema,
recorded_at, length of stream, length of type); the three texts are UTF-8. The
lengths make the encoding unambiguous: two different events never give the same
bytes.
"""

from __future__ import annotations

import struct
from hashlib import sha256

GENESIS = bytes(32)

_HEADER = struct.Struct(">6q")


def link(  # noqa: PLR0917 - the columns of a row, in their order
    previous: bytes,
    position: int,
    stream: bytes,
    version: int,
    type_name: bytes,
    schema: int,
    recorded_at: int,
    data: bytes,
) -> bytes:
    """The chain of one event after `previous`; 32 bytes. Texts are given as UTF-8."""
    header = _HEADER.pack(position, version, schema, recorded_at, len(stream), len(type_name))
    return sha256(b"".join((previous, header, stream, type_name, data))).digest()
