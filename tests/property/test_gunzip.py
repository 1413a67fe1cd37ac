"""The inflaters are one as good as the other."""

from __future__ import annotations

import gzip
import platform
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.mutation import Bytes, byte_damages
from reinstate_service import gunzip
from reinstate_service.testing import law

_texts = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda unit, times: unit * times, st.binary(max_size=9), st.integers(0, 20_000)),
)
_damages = st.one_of(st.just([]), st.lists(byte_damages, max_size=2))


def unpacked(inflater: Any, packed: bytes, piece: int, limit: int) -> tuple[bytes, bytes] | None:
    """The member that `packed` begins with, and what follows it; None if it is damaged."""
    unpack, found, at = inflater.decompressobj(31), [], 0
    rest = b""
    while not unpack.eof:
        if not rest:
            rest, at = packed[at : at + piece], at + piece
        if not rest:
            return None
        try:
            found.append(unpack.decompress(rest, limit))
        except inflater.error:
            return None
        assert len(found[-1]) <= limit
        rest = unpack.unconsumed_tail
    return b"".join(found), unpack.unused_data + packed[at:]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="there are no wheels")
def test_where_there_are_wheels_isal_comes_before_zlib() -> None:
    assert [each.__name__ for each in gunzip.INFLATERS] == ["isal.isal_zlib", "zlib"]


@law()
@given(_texts, st.integers(1, 9), st.integers(1, 5000), st.integers(1, 5000), _damages)
def test_all_inflaters_unpack_the_same_and_refuse_the_same(
    content: bytes, level: int, piece: int, limit: int, damages: list[Bytes]
) -> None:
    packed = gzip.compress(content, level, mtime=0) + b"\x1f\x8bmore"
    for damage in damages:
        packed = damage.on(packed)
    first, *others = (unpacked(each, packed, piece, limit) for each in gunzip.INFLATERS)
    assert all(other == first for other in others)
    if not damages:
        assert first == (content, b"\x1f\x8bmore")
