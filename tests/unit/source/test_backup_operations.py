"""`reinstate backup info|accounts|folders|item|extract|check`, as functions, over the sample."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

import damage
from reinstate_journal.errors import UsageError
from reinstate_service.model import GranteeType, Item
from reinstate_service.operations import sample as samples
from reinstate_service.operations.backup_check import Finding, check_backup
from reinstate_service.operations.backup_info import (
    backup_accounts,
    backup_folders,
    backup_info,
    backup_item,
    extract,
)
from reinstate_service.operations.sample import Sample, build_sample, demo_messages, write_many
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.contract import BlobMissing

SHARED = Path("/work/shared/data/messages")


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return build_sample(tmp_path / "backup", demo_messages(60))


def account(sample: Sample, address: str) -> samples.SampleAccount:
    return next(each for each in sample.accounts if each.address == address and not each.deleted)


def messages(sample: Sample, address: str) -> list[Item]:
    folders = account(sample, address).folders
    return [item for folder in folders if folder.id == "2" for item in folder.items]


def check(sample: Sample) -> list[Finding]:
    return list(check_backup(BackupPathSource(sample.path)))


def test_the_sample_is_the_same_whenever_it_is_made(sample: Sample, tmp_path: Path) -> None:
    again = build_sample(tmp_path / "again", demo_messages(60))
    assert again.accounts == sample.accounts
    for file in (tmp_path / "again").rglob("*"):
        if file.is_file():
            other = Path(sample.path) / file.relative_to(tmp_path / "again")
            assert file.read_bytes() == other.read_bytes()


def test_the_sample_holds_every_message_at_least_once(tmp_path: Path) -> None:
    files = sorted(SHARED.glob("*.eml")) if SHARED.is_dir() else []
    given = [file.read_bytes() for file in files] or demo_messages(103)
    made = build_sample(tmp_path / "backup", given)
    source = BackupPathSource(made.path)
    held = {
        b"".join(source.content(item))
        for each in made.accounts
        for folder in each.folders
        for item in folder.items
    }
    assert set(given) <= held


def test_the_sample_has_one_of_everything(sample: Sample) -> None:
    source = BackupPathSource(sample.path)
    anna = account(sample, "anna@example.com")
    full = source.account(anna.id)
    assert all(
        (
            full.aliases,
            full.identities,
            full.signatures,
            full.data_sources,
            full.quota,
            full.out_of_office,
            full.filters.incoming,
            full.filters.outgoing,
        )
    )
    work = next(f for f in source.containers(anna.id).folders if f.name == "Work")
    assert {grant.type for grant in work.grants} == {GranteeType.USER, GranteeType.LIST}
    paths = {folder.path for folder in anna.folders}
    assert {("Work", "Projects", "2026"), ("Workshop",), ("v1.2",), ("日本語",)} <= paths
    assert sum(each.system for each in sample.accounts) == 1
    assert sum(each.deleted for each in sample.accounts) == 1


def test_info_counts_what_the_sample_holds(sample: Sample) -> None:
    info = backup_info(BackupPathSource(sample.path), samples.LAST_SCAN + 5000)
    items = [item for each in sample.accounts for f in each.folders for item in f.items]
    assert (info.accounts, info.accounts_deleted, info.domains) == (14, 1, 3)
    assert sum(info.items.values()) == sum(not item.deleted for item in items)
    assert info.deleted == sum(item.deleted for item in items)
    assert info.age == 5000
    assert info.blobs == len(list(Path(sample.path).glob("items/*/*")))
    assert msgspec.json.encode(info)


def test_accounts_and_folders_count_their_items(sample: Sample) -> None:
    source = BackupPathSource(sample.path)
    expected = {each.id: each for each in sample.accounts}
    for row in backup_accounts(source):
        assert row.items == sum(len(folder.items) for folder in expected[row.id].folders)
    rows = {row.id: row for row in backup_folders(source, "bruno@example.com")}
    for folder in account(sample, "bruno@example.com").folders:
        assert rows[folder.id].path == folder.path
        assert rows[folder.id].items + rows[folder.id].deleted == len(folder.items)
    assert rows["320"].owner == account(sample, "anna@example.com").id


def test_item_shows_every_state(sample: Sample) -> None:
    source = BackupPathSource(sample.path)
    states = backup_item(source, "anna@example.com", "1005").states
    assert [state.get("deleted", False) for state in states] == [False, True]
    assert [state["type"] for state in states] == ["message", "message"]


def test_extract_writes_what_an_item_or_a_digest_names(sample: Sample, tmp_path: Path) -> None:
    source = BackupPathSource(sample.path)
    item = messages(sample, "anna@example.com")[0]
    one = extract(source, tmp_path / "1", account="anna@example.com", item=item.id)
    two = extract(source, tmp_path / "2", digest=item.digest)
    assert (one.size, one.digest) == (two.size, two.digest) == (item.size, item.digest)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        extract(source, tmp_path / "1", digest=item.digest)
    with pytest.raises(UsageError, match="no account"):
        extract(source, tmp_path / "3", account="nobody@example.com", item=item.id)
    damage.lose_blob(Path(sample.path), item.digest)
    with pytest.raises(BlobMissing):
        extract(source, tmp_path / "3", digest=item.digest)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["1", "2", "backup"]


def test_check_of_the_sample_finds_its_two_dangling_mountpoints(sample: Sample) -> None:
    assert [(each.id, each.failure) for each in check(sample)] == [
        ("320", "UnknownAccount"),
        ("321", "UnknownFolder"),
    ]


def test_check_names_every_kind_of_damage_where_it_is(sample: Sample) -> None:
    path = Path(sample.path)
    anna = account(sample, "anna@example.com")
    items = [item for f in anna.folders if f.path[0] in {"Work", "Inbox"} for item in f.items]
    harms = {
        "BlobMissing": damage.lose_blob,
        "BlobCorrupt": damage.truncate_blob,
        "BlobTooLarge": damage.inflate_blob,
        "DoubleGzip": damage.gzip_blob_again,
    }
    digests = {}
    for (failure, harm), item in zip(harms.items(), items, strict=False):
        harm(path, item.digest)
        digests[item.digest] = failure
    damage.malform_record(path, anna.id, "900")
    damage.malform_account(path, account(sample, "grace@example.org").id)
    orphan = "A" * 43 + "="
    (path / "items" / "AA").mkdir(exist_ok=True)
    damage.blob_path(path, orphan).write_bytes(gzip.compress(b"x"))
    checking = check_backup(BackupPathSource(path))
    found = list(checking)
    for item in items[: len(harms)]:
        assert (item.id, digests[item.digest]) in {
            (each.id, each.failure) for each in found if each.account == anna.id
        }
    failures = {(each.id, each.failure) for each in found}
    assert {
        ("900", "RecordMalformed"),
        (orphan, "OrphanBlob"),
        ("", "AccountUnreadable"),
    } <= failures
    assert checking.counts.damaged
    assert sum(checking.counts.findings.values()) == len(found)
    assert [each.failure for each in found if each.harmless]


def test_many_items_are_spread_over_the_accounts(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 7, 100)
    source = BackupPathSource(tmp_path / "backup")
    counts = [row.items for row in backup_accounts(source)]
    assert (len(counts), sum(counts), max(counts) - min(counts)) == (7, 100, 1)
    assert list(check_backup(source)) == []
