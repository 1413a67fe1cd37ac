"""Whatever bytes an archive has, reading it ends in items that are right, and in named errors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from archives.writer import Mailbox, digest_of, message, tar, tgz, zipped
from reinstate_service.model import Item, UnreadableItem
from reinstate_service.source.archives import ArchivesSource
from reinstate_service.source.archives.directory.names import id_for
from reinstate_service.testing import law

ANNA = id_for("account", "anna@example.com")
Damage = Callable[[bytes], bytes]


def _seed() -> list[tuple[str, bytes]]:
    box = Mailbox.with_folders()
    box.container(3, "tag")
    box.message(2, message(1), flags="u", tags=("tag",))
    box.contact(7, {"lastName": "Doe", "email": "doe@example.com"})
    box.document(16, "plan.odt", b"one", b"two")
    return box.entries()


ENTRIES = _seed()
SEEDS = [tar(ENTRIES), tgz(ENTRIES), zipped(ENTRIES), b""]


def _replaced(position: int, length: int, data: bytes) -> Damage:
    def damage(archive: bytes) -> bytes:
        at = position % (len(archive) + 1)
        return archive[:at] + data + archive[at + length :]

    return damage


def _repeated(position: int, length: int) -> Damage:
    def damage(archive: bytes) -> bytes:
        at = position % (len(archive) + 1)
        return archive[: at + length] + archive[at:]

    return damage


positions = st.integers(0, 1 << 20)
damages = st.builds(_replaced, positions, st.integers(0, 600), st.binary(max_size=600)) | st.builds(
    _repeated, positions, st.integers(0, 3000)
)


def _read(archive: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "anna@example.com.tgz").write_bytes(archive)
        source = ArchivesSource(folder)
        records = list(source.items(ANNA))
        ids = [record.id for record in records]
        assert len(ids) == len(set(ids)) == source.count_items(ANNA)
        folders = {one.id for one in source.containers(ANNA).folders}
        for record in records:
            if not isinstance(record, Item):
                assert isinstance(record, UnreadableItem)
                assert record.failure
                continue
            assert record.folder in folders or int(record.folder) <= 11
            content = b"".join(source.content(record))
            assert (len(content), digest_of(content)) == (record.size, record.digest)


@law(250)
@given(st.sampled_from(SEEDS), st.lists(damages, min_size=1, max_size=3))
def test_a_damaged_archive_ends_in_what_is_right_and_in_named_errors(
    seed: bytes, damage: list[Damage]
) -> None:
    for one in damage:
        seed = one(seed)
    _read(seed)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 40), 1 << 40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
METAS = [(name, msgspec.json.decode(data)) for name, data in ENTRIES if name.endswith(".meta")]


@law(250)
@given(st.lists(st.tuples(st.sampled_from(range(len(METAS))), st.data()), max_size=3))
def test_records_of_any_values_end_in_what_is_right_and_in_named_errors(
    changes: list[tuple[int, st.DataObject]],
) -> None:
    metas = [dict(meta) for _, meta in METAS]
    for number, data in changes:
        key = data.draw(st.sampled_from(sorted(metas[number])))
        metas[number][key] = data.draw(values)
    changed = {
        name: msgspec.json.encode(meta) for (name, _), meta in zip(METAS, metas, strict=True)
    }
    _read(tar([(name, changed.get(name, data)) for name, data in ENTRIES]))
