"""The Backup Path in particular: states, numbers, damage."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

import damage
from reinstate_journal.errors import BackupError
from reinstate_service.model import (
    AbsentItem,
    Account,
    AccountRef,
    Domain,
    Flag,
    Folder,
    Item,
    ItemType,
    Product,
    Role,
    UnreadableItem,
)
from reinstate_service.source import numbers
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.source.contract import (
    AccountUnreadable,
    BlobCorrupt,
    BlobMissing,
    BlobTooLarge,
    RecordUnreadable,
    UnsafeName,
)

ACCOUNT = "6f1ed002-ab56-4c5b-8d0a-000000000001"
OTHER = "6f1ed002-ab56-4c5b-8d0a-000000000002"
TEXT = b"Subject: one\r\n\r\n" + b"a body that is long enough to be damaged " * 40


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """One account with an inbox and the items 300 to 302."""
    path = tmp_path / "backup"
    with BackupWriter(path, "server", clock=lambda: 1000, durable=False) as writer:
        writer.put_account(Account(ACCOUNT, "a@example.com"))
        writer.put_folder(ACCOUNT, Folder("2", "", "Inbox", role=Role.INBOX))
        for number in range(300, 303):
            content = TEXT + b"%d" % number
            writer.put_item(ACCOUNT, str(number), content=content, folder="2", date=0)
        writer.finish_scan(2000)
    return path


def items(backup: Path, at: int | None = None) -> list[object]:
    return list(BackupPathSource(backup, at).items(ACCOUNT))


def first(backup: Path) -> Item:
    item = items(backup)[0]
    assert isinstance(item, Item)
    return item


def content(backup: Path, item: Item) -> bytes:
    return b"".join(BackupPathSource(backup).content(item))


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (damage.lose_blob, BlobMissing),
        (damage.flip_blob_byte, BlobCorrupt),
        (damage.truncate_blob, BlobCorrupt),
        (damage.append_to_blob, BlobCorrupt),
        (damage.inflate_blob, BlobTooLarge),
        (lambda path, digest: damage.swap_blob(path, digest, b"other"), BlobCorrupt),
        (lambda path, digest: damage.blob_path(path, digest).write_bytes(b""), BlobCorrupt),
    ],
)
def test_a_damaged_blob_is_named_and_the_others_are_read(
    backup: Path,
    harm: object,
    error: type[Exception],
) -> None:
    item = first(backup)
    assert callable(harm)
    harm(backup, item.digest)
    with pytest.raises(error):
        content(backup, item)
    others = [each for each in items(backup)[1:] if isinstance(each, Item)]
    assert [content(backup, each)[-3:] for each in others] == [b"301", b"302"]


def test_a_blob_that_is_a_link_is_not_followed(backup: Path, tmp_path: Path) -> None:
    item = first(backup)
    (tmp_path / "outside").write_bytes(gzip.compress(TEXT + b"300"))
    damage.lose_blob(backup, item.digest)
    damage.blob_path(backup, item.digest).symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafeName):
        content(backup, item)


def test_a_folder_of_blobs_that_is_a_link_is_not_followed(backup: Path, tmp_path: Path) -> None:
    item = first(backup)
    folder = damage.blob_path(backup, item.digest).parent
    folder.rename(tmp_path / "outside")
    folder.symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafeName):
        content(backup, item)


def test_a_large_blob_streams_in_bounded_pieces(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    (tmp_path / "file").write_bytes(data)
    with BackupWriter(tmp_path / "b", durable=False) as writer:
        stored = writer.put_item(ACCOUNT, "300", content=tmp_path / "file", folder="2", date=0)
    for times in (1, 2):
        pieces = list(BackupPathSource(tmp_path / "b").content(stored))
        assert max(map(len, pieces)) <= 1 << 20
        assert b"".join(pieces) == data
        assert BackupPathSource(tmp_path / "b").inspect_blob(stored) == times
        damage.gzip_blob_again(tmp_path / "b", stored.digest)
    with pytest.raises(BlobCorrupt):
        list(BackupPathSource(tmp_path / "b").content(stored))


def test_a_size_that_the_record_has_wrong_is_found(backup: Path) -> None:
    item = first(backup)
    for size, error in ((item.size - 1, BlobTooLarge), (item.size + 1, BlobCorrupt)):
        wrong = Item("1", ItemType.MESSAGE, "2", 0, size, item.digest)
        with pytest.raises(error):
            content(backup, wrong)


def test_a_sha1_digest_of_old_data_is_checked_too(backup: Path) -> None:
    digest = "qvTGHdzF6KLavt4PO0gs2a6pQ00="  # of "hello"
    damage.blob_path(backup, digest).parent.mkdir(exist_ok=True)
    damage.blob_path(backup, digest).write_bytes(gzip.compress(b"hello"))
    item = Item("1", ItemType.MESSAGE, "2", 0, 5, digest)
    assert content(backup, item) == b"hello"
    damage.swap_blob(backup, digest, b"jello")
    with pytest.raises(BlobCorrupt):
        content(backup, item)


@pytest.mark.parametrize("harm", [damage.malform_record, damage.make_record_foreign])
def test_a_malformed_record_is_reported_in_its_place(backup: Path, harm: object) -> None:
    assert callable(harm)
    harm(backup, ACCOUNT, "301")
    found = items(backup)
    assert isinstance(found[1], UnreadableItem)
    assert (found[1].id, found[1].failure) == ("301", "RecordMalformed")
    assert [type(found[0]), type(found[2])] == [Item, Item]
    assert BackupPathSource(backup).count_items(ACCOUNT) == 3


def test_a_record_that_is_not_there_is_unreadable(backup: Path) -> None:
    with pytest.raises(RecordUnreadable):
        BackupPathSource(backup).states(ACCOUNT, "999")
    with pytest.raises(UnsafeName):
        BackupPathSource(backup).states(ACCOUNT, "../../account_info")


def test_what_does_not_belong_among_records_is_reported_and_never_followed(
    backup: Path, tmp_path: Path
) -> None:
    folder = backup / "accounts" / ACCOUNT / "items"
    (tmp_path / "outside").write_text("[]")
    damage.link_record(backup, ACCOUNT, "301", tmp_path / "outside")
    (folder / "00" / "name").write_text("[]")
    (folder / "00" / "0300").write_text("[]")
    (folder / "00" / "301").write_text("[]")
    (folder / "00" / "400").mkdir()
    (folder / "xyz").mkdir()
    (folder / "77").symlink_to(tmp_path)
    (folder / "00" / ".300.new").write_text("left by a writer that was killed")
    found = items(backup)
    assert [item.id for item in found if isinstance(item, Item)] == ["300", "302"]
    unsafe = [item for item in found if isinstance(item, UnreadableItem)]
    assert {item.failure for item in unsafe} == {"UnsafeName"}
    assert sorted(item.id for item in unsafe) == [
        "00/0300",
        "00/301",
        "00/400",
        "00/name",
        "01/301",
        "77",
        "xyz",
    ]
    assert BackupPathSource(backup).count_items(ACCOUNT) == len(found)


def test_a_broken_account_comes_last_and_the_others_are_listed(backup: Path) -> None:
    with BackupWriter(backup, durable=False) as writer:
        writer.put_account(Account(OTHER, "b@example.com"))
    damage.malform_account(backup, ACCOUNT)
    (backup / "accounts" / "not-a-uuid").mkdir()
    found = list(BackupPathSource(backup).accounts())
    assert found[0] == AccountRef(OTHER, "b@example.com")
    broken = [each for each in found[1:] if isinstance(each, AccountUnreadable)]
    assert [each.fields["account"] for each in broken] == [ACCOUNT, "not-a-uuid"]


def test_an_account_deleted_and_made_again_is_two_accounts(tmp_path: Path) -> None:
    with BackupWriter(tmp_path, durable=False) as writer:
        writer.put_account(Account(ACCOUNT, "a@example.com"), 1000)
        writer.delete_account(ACCOUNT, 2000)
        writer.put_account(Account(OTHER, "a@example.com"), 3000)

    def at(moment: int | None) -> list[tuple[str, bool]]:
        refs = BackupPathSource(tmp_path, moment).accounts()
        return [(ref.id, ref.deleted) for ref in refs if isinstance(ref, AccountRef)]

    assert at(500) == []
    assert at(1500) == [(ACCOUNT, False)]
    assert at(2500) == [(ACCOUNT, True)]
    assert at(None) == [(ACCOUNT, True), (OTHER, False)]


def test_an_item_has_at_every_moment_the_blob_it_had_then(backup: Path) -> None:
    with BackupWriter(backup, durable=False) as writer:
        for text, start in ((b"one", 5000), (b"two", 6000)):
            writer.put_item(ACCOUNT, "400", content=text, folder="2", date=0, start=start)
        writer.delete_item(ACCOUNT, "400", 7000)
    assert items(backup, 4999)[-1] == AbsentItem("400")
    for moment, text, deleted in (
        (5999, b"one", False),
        (6000, b"two", False),
        (7000, b"two", True),
    ):
        item = items(backup, moment)[-1]
        assert isinstance(item, Item)
        assert (content(backup, item), item.deleted) == (text, deleted)


def test_an_item_names_the_other_folders_that_it_had_this_content_in(backup: Path) -> None:
    steps = ((TEXT, "5"), (TEXT, "6"), (TEXT, "5"), (b"another", "7"), (b"another", "6"))
    with BackupWriter(backup, durable=False) as writer:
        for when, (text, folder) in enumerate(steps, start=3000):
            writer.put_item(ACCOUNT, "310", content=text, folder=folder, date=0, start=when)
    known = [items(backup, when)[-1] for when in range(3000, 3005)]
    assert [one.other_folders for one in known if isinstance(one, Item)] == [
        ("6",),
        ("5",),
        ("6",),
        ("6",),
        ("7",),
    ]
    assert first(backup).other_folders == ()


def test_the_stamp_changes_when_a_record_is_added_or_rewritten(backup: Path) -> None:
    seen = {BackupPathSource(backup).state(ACCOUNT)}
    with BackupWriter(backup, durable=False) as writer:
        writer.put_item(ACCOUNT, "500", content=b"x", folder="2", date=0)
        seen.add(BackupPathSource(backup).state(ACCOUNT))
        writer.delete_item(ACCOUNT, "300")
        seen.add(BackupPathSource(backup).state(ACCOUNT))
    assert len(seen) == 3


def test_unknown_keys_are_passed_over_and_kept(backup: Path) -> None:
    record = damage.record_path(backup, ACCOUNT, "300")
    states = json.loads(record.read_text())
    record.write_text(json.dumps([{**states[0], "transaction": "t1", "more": {"a": [1]}}]))
    assert isinstance(items(backup)[0], Item)
    with BackupWriter(backup, durable=False) as writer:
        writer.delete_item(ACCOUNT, "300", 9000)
    first_state, last_state = json.loads(record.read_text())
    assert first_state["transaction"] == last_state["transaction"] == "t1"
    assert (first_state["end"], last_state["start"], last_state["deleted"]) == (9000, 9000, True)


def test_writing_the_same_again_changes_nothing(backup: Path) -> None:
    before = damage.snapshot(backup)
    with BackupWriter(backup, durable=False) as writer:
        assert not writer.put_account(Account(ACCOUNT, "a@example.com"))
        assert not writer.put_folder(ACCOUNT, Folder("2", "", "Inbox", role=Role.INBOX))
        writer.put_item(ACCOUNT, "300", content=TEXT + b"300", folder="2", date=0)
    assert damage.snapshot(backup) == before


def test_a_record_never_changes_between_container_and_item(backup: Path) -> None:
    with BackupWriter(backup, durable=False) as writer, pytest.raises(ValueError, match="both"):
        writer.put_folder(ACCOUNT, Folder("300", "", "Folder"))
    assert isinstance(items(backup)[0], Item)


def test_a_deleted_folder_is_only_shown_to_who_asks(backup: Path) -> None:
    with BackupWriter(backup, durable=False) as writer:
        writer.put_folder(ACCOUNT, Folder("600", "", "Gone"))
        writer.delete_item(ACCOUNT, "600")
    source = BackupPathSource(backup)
    assert [folder.id for folder in source.containers(ACCOUNT).folders] == ["2"]
    assert [f.id for f in source.containers(ACCOUNT, deleted=True).folders] == ["2", "600"]


def test_a_deleted_domain_is_not_listed(tmp_path: Path) -> None:
    with BackupWriter(tmp_path, durable=False) as writer:
        writer.put_domain(Domain("d1", "example.com"), 1000)
        writer.delete_domain("d1", 2000)
    assert list(BackupPathSource(tmp_path).domains()) == []
    assert [d.name for d in BackupPathSource(tmp_path, 1500).domains()] == ["example.com"]


def test_numbers_are_read_per_product() -> None:
    assert numbers.role_of("20", Product.CARBONIO) is Role.ARCHIVE
    assert numbers.role_of("20", Product.ZIMBRA) is None
    assert numbers.role_of("4", Product.ZIMBRA) is Role.JUNK
    assert numbers.view_of("10", Product.ZIMBRA) is ItemType.APPOINTMENT
    assert numbers.view_of("300", Product.CARBONIO) is ItemType.MESSAGE


def test_flag_characters_stand_for_flags_and_others_are_passed_over() -> None:
    assert numbers.flags_of("") == Flag.SEEN
    assert numbers.flags_of("u") == Flag(0)
    assert numbers.flags_of("sarf!") == Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED
    for value in range(128):
        assert numbers.flags_of(numbers.characters_of(Flag(value), "sa")) == Flag(value)


def test_ids_that_are_none_are_refused_when_written(tmp_path: Path) -> None:
    with BackupWriter(tmp_path, durable=False) as writer:
        with pytest.raises(UnsafeName):
            writer.put_account(Account("../x", "a@example.com"))
        with pytest.raises(ValueError, match="file name"):
            writer.put_domain(Domain("../x", "example.com"))
        with pytest.raises(ValueError, match="no number"):
            writer.put_item(ACCOUNT, "x/1", content=b"", folder="2", date=0)
        with pytest.raises(ValueError, match="product's own"):
            writer.put_folder(ACCOUNT, Folder("1", "", "Root"))
        with pytest.raises(ValueError, match="cannot be"):
            writer.put_folder(ACCOUNT, Folder("2", "", "Inbox", role=Role.SENT))


def test_an_index_that_names_a_folder_twice_is_not_believed(backup: Path) -> None:
    stat = backup / "accounts" / ACCOUNT / "account_stat"
    index = json.loads(stat.read_text())
    stat.write_text(json.dumps({**index, "containers": index["containers"] * 3}))
    source = BackupPathSource(backup)
    assert [folder.id for folder in source.containers(ACCOUNT).folders] == ["2"]
    assert source.count_items(ACCOUNT) == 3


def test_a_name_that_is_no_text_is_told_in_text(backup: Path) -> None:
    """So that JSON and any terminal can hold what is wrong."""
    for folder in ("server/domains", "accounts"):
        (backup / folder).mkdir(parents=True, exist_ok=True)
        Path(os.fsdecode(os.fsencode(backup / folder) + b"/\xff")).write_bytes(b"[]")
    source = BackupPathSource(backup)
    with pytest.raises(BackupError, match=r"\\xff") as refused:
        list(source.domains())
    str(refused.value).encode()
    unreadable = [str(ref) for ref in source.accounts() if isinstance(ref, AccountUnreadable)]
    assert [text.encode().count(b"\\xff") for text in unreadable] == [1]
