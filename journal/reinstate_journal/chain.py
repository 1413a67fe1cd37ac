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
from collections.abc import Iterable
from hashlib import sha256

GENESIS = bytes(32)

_PLACE = struct.Struct(">2q")
_REST = struct.Struct(">4q")


def common(stream: bytes, type_name: bytes, schema: int, recorded_at: int) -> bytes:
    """What events of one stream and shape that were recorded at one moment have in common: all
    that is hashed between position and version on one side and data on the other."""
    rest = _REST.pack(schema, recorded_at, len(stream), len(type_name))
    return b"".join((rest, stream, type_name))


def links(
    previous: bytes,
    positions: Iterable[int],
    versions: Iterable[int],
    common: bytes,
    data: Iterable[bytes],
) -> list[bytes]:
    """The chains of events that follow each other behind `previous` and have `common` in common;
    32 bytes each."""
    place, found = _PLACE.pack, []
    for position, version, text in zip(positions, versions, data, strict=True):
        previous = sha256(previous + place(position, version) + common + text).digest()
        found.append(previous)
    return found


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
    rest = common(stream, type_name, schema, recorded_at)
    return links(previous, (position,), (version,), rest, (data,))[0]
