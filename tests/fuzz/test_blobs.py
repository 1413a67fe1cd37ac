"""Whatever a blob is, its item comes out whole or there is a named error, in bounded memory."""

from __future__ import annotations

import base64
import gzip
import hashlib
import tempfile
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import holds
from fuzz.mutation import Bytes, byte_damages
from reinstate_service.model import Item, ItemType
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.contract import ItemError

BLOBS = Row(
    "9 bad input",
    "a blob is gzipped several times, in many or empty members, with a header of megabytes, a"
    " bomb, cut off, damaged, or of another size than its item says",
    "what `backup check` lists",
    "the item's bytes, or a named error, and never more in memory than a few pieces",
    "tests/fuzz/test_blobs.py",
)
#: What reading a blob may take beyond what it has handed out: a few pieces of a megabyte.
ROOM = 12 << 20
_EMPTY = gzip.compress(b"", mtime=0)


class Blob(NamedTuple):
    """`content` as it lies on the disk, gzipped `levels` times, each time with so many empty
    members around it and a file name of so many bytes in the header (RFC 1952 §2.3.1)."""

    content: bytes
    levels: int
    empty: int
    name: int
    claims: int
    damages: list[Bytes]

    def packed(self) -> bytes:
        """The bytes of the blob."""
        data = self.content
        for _ in range(self.levels):
            member = gzip.compress(data, 1, mtime=0)
            if self.name:
                member = (
                    member[:3] + b"\x08" + member[4:10] + b"n" * self.name + b"\0" + member[10:]
                )
            data = _EMPTY * self.empty + member + _EMPTY * self.empty
        for damage in self.damages:
            data = damage.on(data)
        return data


_contents = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", bytes(24 << 20), bytes(3 << 20), b"\x1f\x8b", gzip.compress(b"inner", mtime=0)]
    ),
)
blobs = st.builds(
    Blob,
    _contents,
    st.integers(0, 3),
    st.sampled_from([0, 0, 1, 1_000]),
    st.sampled_from([0, 0, 1, 5 << 20]),
    st.sampled_from([0, 0, 0, -1, 1, 1 << 40, -(24 << 20)]),
    st.lists(byte_damages, max_size=2),
)


def _digest_of_the_one_member(pieces: Iterator[bytes]) -> bytes:
    """Of what a gzip file unpacks to that has nothing behind its one member."""
    unpack, found = zlib.decompressobj(31), hashlib.sha256()
    for piece in pieces:
        rest = piece
        while rest:
            assert not unpack.eof
            found.update(unpack.decompress(rest, 1 << 20))
            assert not unpack.unused_data
            rest = unpack.unconsumed_tail
    assert unpack.eof
    return found.digest()


def test_any_blob_is_its_item_or_a_named_error_in_bounded_memory(memory: Path) -> None:
    def law(blob: Blob) -> None:
        digest = base64.b64encode(hashlib.sha256(blob.content).digest()).decode().replace("/", ",")
        claimed = max(len(blob.content) + blob.claims, 0)
        item = Item("300", ItemType.MESSAGE, "2", 0, claimed, digest)
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            place = Path(folder) / "items" / digest[:2] / digest
            place.parent.mkdir(parents=True)
            place.write_bytes(blob.packed())
            found, whole, kept = hashlib.sha256(), False, list[bytes]()
            tracemalloc.start()
            source = BackupPathSource(folder)
            try:
                packed = source.packed(item)
                if packed is not None:
                    with closing(packed):
                        kept.append(_digest_of_the_one_member(packed.pieces()))
                for piece in source.content(item):
                    found.update(piece)
                whole = True
            except ItemError:
                pass
            finally:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
        assert whole or not kept
        if blob.levels == 1 and not (blob.empty or blob.damages or blob.claims):
            assert kept
        if kept:
            assert kept == [hashlib.sha256(blob.content).digest()]
        if whole:
            assert found.digest() == hashlib.sha256(blob.content).digest()
            assert claimed == len(blob.content)
        # What lies between two layers of gzip may take no more than 64 KiB beyond the content.
        fair = blob.levels < 2 or (blob.levels == 2 and blob.empty <= 1 and blob.name <= 1)
        if fair and not blob.damages and not blob.claims:
            assert whole
        assert peak < ROOM, f"{peak >> 20} MiB"
        ran(BLOBS)

    holds(law, blobs, 40)
