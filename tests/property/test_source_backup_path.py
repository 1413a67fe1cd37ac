"""Laws of the Backup Path, over whatever Hypothesis can think of."""

from __future__ import annotations

import base64
import gzip
import hashlib
import tempfile
from functools import partial
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from damage import blob_path, record_path
from reinstate_service.model import (
    AbsentItem,
    Account,
    Flag,
    Folder,
    Grant,
    GranteeType,
    Item,
    ItemType,
    Mountpoint,
    SavedSearch,
    Tag,
    UnreadableItem,
)
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.source.contract import ItemError

ACCOUNT = "6f1ed002-ab56-4c5b-8d0a-000000000001"
quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
millis = st.integers(0, 2_000_000_000_000)
flags = st.sampled_from(list(range(128))).map(Flag)
kinds = st.sampled_from(list(ItemType))
own_ids = st.integers(257, 9999).map(str)
folders = st.builds(
    Folder,
    own_ids,
    st.sampled_from(["", "2", "300"]),
    text,
    kinds,
    colour=text,
    subscribed=st.booleans(),
    url=text,
    grants=st.lists(
        st.builds(Grant, text, st.sampled_from(list(GranteeType)), text, text), max_size=2
    ).map(tuple),
)
mountpoints = st.builds(Mountpoint, own_ids, st.just(""), text, text, text, kinds, text)
searches = st.builds(SavedSearch, own_ids, st.just(""), text, text, text)
tags = st.builds(Tag, own_ids, text, text)
packed = partial(gzip.compress, mtime=0)
contents = st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(packed))


def writer(path: Path) -> BackupWriter:
    return BackupWriter(path, "server", clock=lambda: 0, durable=False)


@quickly
@given(
    st.lists(st.one_of(folders, mountpoints, searches, tags), max_size=6, unique_by=lambda c: c.id),
    st.lists(
        st.tuples(
            st.integers(10_000, 2**59).map(str),
            kinds,
            millis,
            flags,
            st.lists(text, max_size=2),
            st.one_of(st.none(), st.integers(1, 2**32 - 1)),
            text,
            contents,
        ),
        max_size=6,
        unique_by=lambda each: each[0],
    ),
)
def test_what_is_written_is_read_back(containers: list[object], items: list[tuple]) -> None:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        with writer(path) as backup:
            backup.put_account(ACCOUNT_OBJECT)
            for each in containers:
                match each:
                    case Folder():
                        backup.put_folder(ACCOUNT, each)
                    case Mountpoint():
                        backup.put_mountpoint(ACCOUNT, each)
                    case SavedSearch():
                        backup.put_search(ACCOUNT, each)
                    case Tag():
                        backup.put_tag(ACCOUNT, each)
            written = [
                backup.put_item(
                    ACCOUNT,
                    identifier,
                    content=content,
                    folder="2",
                    date=date,
                    type=kind,
                    flags=flag,
                    tags=tuple(tagged),
                    imap_uid=uid,
                    name=name,
                )
                for identifier, kind, date, flag, tagged, uid, name, content in items
            ]
            backup.finish_scan()
        source = BackupPathSource(path)
        held = source.containers(ACCOUNT)
        found = [*held.folders, *held.mountpoints, *held.searches, *held.tags]
        assert sorted(found, key=lambda c: int(c.id)) == sorted(
            containers,
            key=lambda c: int(c.id),  # type: ignore[attr-defined]
        )
        assert list(source.items(ACCOUNT)) == sorted(written, key=lambda item: int(item.id))
        for item, (*_, content) in zip(written, items, strict=True):
            assert b"".join(source.content(item)) == content
        # A stale index changes nothing: it is only ever a short cut.
        (path / "accounts" / ACCOUNT / "account_stat").unlink()
        assert BackupPathSource(path).containers(ACCOUNT) == held
        assert BackupPathSource(path).count_items(ACCOUNT) == len(items)


ACCOUNT_OBJECT = Account(ACCOUNT, "a@example.com")


@quickly
@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.sampled_from(["put", "delete"]), flags),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 500),
)
def test_at_any_moment_the_item_is_as_a_naive_history_says(
    steps: list[tuple[int, str, Flag]], moment: int
) -> None:
    history: list[tuple[int, Item]] = []
    now = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        with writer(path) as backup:
            for pause, action, flag in steps:
                now += pause
                if action == "put":
                    item = backup.put_item(
                        ACCOUNT,
                        "300",
                        content=b"%d" % flag,
                        folder="2",
                        date=0,
                        flags=flag,
                        start=now,
                    )
                    history.append((now, item))
                elif backup.delete_item(ACCOUNT, "300", now):
                    last = history[-1][1]
                    history.append((now, msgspec.structs.replace(last, deleted=True)))
            backup.put_account(ACCOUNT_OBJECT, 0)
        if not history:
            return
        past = [item for start, item in history if start <= moment]
        expected = past[-1] if past else AbsentItem("300")
        assert list(BackupPathSource(path, moment).items(ACCOUNT)) == [expected]
        assert list(BackupPathSource(path).items(ACCOUNT)) == [history[-1][1]]


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["type", "start", "end", "folder", "size", "digest", "deleted"]),
                text,
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=12,
)


@quickly
@given(st.one_of(st.binary(max_size=300), json_like.map(lambda value: repr(value).encode("utf-8"))))
@example(b"[" * 100_000)
@example(b'[{"type":"message","start":1' + b"0" * 400 + b"}]")
@example(b'[{"type":"tag","name":"\xff","start":1}]')
@example(b"[]")
@example(b"")
def test_any_bytes_as_a_record_are_an_item_or_a_named_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        with writer(path) as backup:
            backup.put_account(ACCOUNT_OBJECT)
            backup.put_item(ACCOUNT, "300", content=b"x", folder="2", date=0)
            backup.finish_scan()
        record_path(path, ACCOUNT, "300").write_bytes(data)
        source = BackupPathSource(path)
        (found,) = source.items(ACCOUNT) or (None,)
        assert isinstance(found, Item | UnreadableItem)
        if isinstance(found, UnreadableItem):
            assert found.failure == "RecordMalformed"
        assert source.count_items(ACCOUNT) == 1


@quickly
@given(
    st.one_of(
        st.binary(max_size=300),
        contents.map(packed),
        st.tuples(contents.map(packed), st.integers(0, 60)).map(lambda p: p[0][: p[1]]),
        st.tuples(contents.map(packed), st.binary(max_size=9)).map(lambda p: p[0] + p[1]),
    ),
    st.binary(max_size=100),
    st.integers(0, 120),
)
def test_any_bytes_as_a_blob_give_the_right_content_or_a_named_error(
    data: bytes, content: bytes, size: int
) -> None:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode().replace("/", ",")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        writer(path).close()
        blob = blob_path(path, digest)
        blob.parent.mkdir()
        blob.write_bytes(data)
        try:
            found = b"".join(
                BackupPathSource(path).content(Item("1", ItemType.MESSAGE, "2", 0, size, digest))
            )
        except ItemError:
            return
        assert found == content
        assert len(found) == size


@quickly
@given(contents, st.integers(0, 2))
def test_a_blob_gzipped_up_to_twice_is_its_content(content: bytes, times: int) -> None:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode().replace("/", ",")
    data = content
    for _ in range(times):
        data = packed(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup"
        writer(path).close()
        blob_path(path, digest).parent.mkdir()
        blob_path(path, digest).write_bytes(data)
        source = BackupPathSource(path)
        item = Item("1", ItemType.MESSAGE, "2", 0, len(content), digest)
        assert b"".join(source.content(item)) == content
        assert b"".join(source.blob(digest)) == content
