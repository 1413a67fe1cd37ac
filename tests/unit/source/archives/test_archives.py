"""Archives with every awkwardness that the format has: what comes out, and what is said."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

from archives import directory
from archives.writer import (
    FIRST_DATE,
    PACKINGS,
    Mailbox,
    digest_of,
    message,
    only,
    without,
    write,
)
from reinstate_journal.errors import BackupError
from reinstate_service.model import (
    AbsentItem,
    Flag,
    Grant,
    GranteeType,
    Item,
    ItemType,
    Product,
    Role,
    UnreadableItem,
)
from reinstate_service.source.archives import ArchivesSource
from reinstate_service.source.archives.acl import metadata_of
from reinstate_service.source.archives.bencode import encode
from reinstate_service.source.archives.contacts import contact_uid
from reinstate_service.source.archives.directory.names import id_for
from reinstate_service.source.archives.errors import IndexLost
from reinstate_service.source.contract import BlobCorrupt, ItemRecord, NotABackup

ANNA = id_for("account", "anna@example.com")
INBOX, TRASH, JUNK, CONTACTS, BRIEFCASE = 2, 3, 4, 7, 16


@pytest.fixture
def box() -> Mailbox:
    return Mailbox.with_folders()


def records(folder: Path, account: str = ANNA) -> list[ItemRecord]:
    """What a source that has never seen the folder before says."""
    return list(ArchivesSource(folder).items(account))


def items(folder: Path, account: str = ANNA) -> list[Item]:
    found = records(folder, account)
    assert all(isinstance(one, Item) for one in found), found
    return [one for one in found if isinstance(one, Item)]


def contents(folder: Path, account: str = ANNA) -> dict[str, bytes]:
    source = ArchivesSource(folder)
    return {
        item.id: b"".join(source.content(item))
        for item in source.items(account)
        if isinstance(item, Item)
    }


def failures(folder: Path, account: str = ANNA) -> list[tuple[str, str]]:
    return [
        (one.id, one.failure) for one in records(folder, account) if isinstance(one, UnreadableItem)
    ]


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_gives_the_same(box: Mailbox, tmp_path: Path, packing: str) -> None:
    first = box.message(INBOX, message(1), flags="uf", tags=("a:b", "c\\d"))
    second = box.message(INBOX, message(2, b"x" * 700_000))
    write(tmp_path, f"anna@example.com.{packing}", box.entries())
    assert contents(tmp_path) == {
        str(first): message(1),
        str(second): message(2, b"x" * 700_000),
    }
    found = items(tmp_path)[0]
    assert found == Item(
        str(first),
        ItemType.MESSAGE,
        "2",
        (FIRST_DATE + first) * 1000,
        len(message(1)),
        digest_of(message(1)),
        Flag.FLAGGED,
        ("a:b", "c\\d"),
        first,
    )


def test_a_stored_zip_is_read_as_well(box: Mailbox, tmp_path: Path) -> None:
    number = box.message(INBOX, message(1))
    packed = zipped_stored(box)
    (tmp_path / "anna@example.com.zip").write_bytes(packed)
    assert contents(tmp_path) == {str(number): message(1)}


def zipped_stored(box: Mailbox) -> bytes:
    import zipfile  # noqa: PLC0415

    from archives.writer import zipped  # noqa: PLC0415

    return zipped(box.entries(), zipfile.ZIP_STORED)


def test_a_folder_of_1201_items_has_them_all(box: Mailbox, tmp_path: Path) -> None:
    numbers = [box.message(INBOX, message(number)) for number in range(1201)]
    entries = box.entries()
    assert sum(name.startswith("Inbox!2/") for name, _ in entries) == 2 * 201
    write(tmp_path, "anna@example.com.tgz", entries)
    assert [item.id for item in items(tmp_path)] == [str(number) for number in numbers]
    assert {item.folder for item in items(tmp_path)} == {"2"}


def test_several_archives_are_one_and_the_newest_state_of_an_item_counts(
    box: Mailbox, tmp_path: Path
) -> None:
    kept, moved = box.message(INBOX, message(1)), box.message(INBOX, message(2), flags="u")
    older = write(tmp_path, "anna@example.com-2025.tgz", box.entries())
    box.stored[-1].meta |= {
        "folder_id": TRASH,
        "Path": "/Trash/",
        "FlagStr": "",
        "mod_metadata": 90,
    }
    new = box.message(JUNK, message(3))
    newer = write(tmp_path, "anna@example.com.zip", box.entries(only(TRASH, JUNK)))
    # Not the files' times but the mailbox's own count tells which state is the newer.
    os.utime(older, (FIRST_DATE + 9, FIRST_DATE + 9))
    os.utime(newer, (FIRST_DATE, FIRST_DATE))
    found = {item.id: item for item in items(tmp_path)}
    assert found.keys() == {str(kept), str(moved), str(new)}
    assert (found[str(moved)].folder, found[str(moved)].flags) == ("3", Flag.SEEN)
    assert found[str(moved)].other_folders == ("2",)


def test_content_that_the_server_filled_up_with_blanks_is_not_restored(
    box: Mailbox, tmp_path: Path
) -> None:
    whole = message(1)
    number = box.message(INBOX, b"x" * 9 + b" " * 9, padded=True, blob_digest=digest_of(whole))
    write(tmp_path, "anna@example.com.tgz", box.entries())
    assert failures(tmp_path) == [(str(number), "ContentPadded")]
    box.stored[-1].body, box.stored[-1].padded = whole, False
    write(tmp_path, "anna@example.com.old.zip", box.entries(only(INBOX)))
    (tmp_path / "anna@example.com-old.zip").write_bytes(
        (tmp_path / "anna@example.com.old.zip").read_bytes()
    )
    assert contents(tmp_path) == {str(number): whole}


def test_content_that_is_not_what_its_digest_names_is_not_restored(
    box: Mailbox, tmp_path: Path
) -> None:
    number = box.message(INBOX, message(1), blob_digest=digest_of(message(2)))
    box.message(INBOX, message(3), blob_digest="")
    sha1 = "hqVYYFXRhSsKJJDNCYwlEuGmp3o="
    box.message(INBOX, message(4), blob_digest=sha1)
    box.message(INBOX, message(5), blob_digest="of another kind")
    box.message(INBOX, message(6), blob_digest=digest_of(message(6)).replace(",", "/"))
    write(tmp_path, "anna@example.com.tgz", box.entries())
    assert failures(tmp_path) == [(str(number), "BlobCorrupt"), (str(number + 2), "BlobCorrupt")]


def test_an_export_without_meta_says_so(box: Mailbox, tmp_path: Path) -> None:
    box.message(INBOX, message(1))
    entries = [entry for entry in box.entries() if not entry[0].endswith(".meta")]
    write(tmp_path, "anna@example.com.tgz", entries)
    assert failures(tmp_path) == [("anna@example.com.tgz:1", "MetaMissing")]


def test_tags_of_old_releases_are_told_by_their_numbers(box: Mailbox, tmp_path: Path) -> None:
    tag = box.container(3, "Bleu")
    box.message(INBOX, message(1), TagNames="", TagStr=f"{tag},999")
    box.message(INBOX, message(2), TagNames="", TagStr=":Rot:Grün")
    write(tmp_path, "anna@example.com.tgz", box.entries())
    assert [item.tags for item in items(tmp_path)] == [("Bleu",), ("Rot", "Grün")]


def test_names_of_entries_are_never_used(box: Mailbox, tmp_path: Path) -> None:
    number = box.message(INBOX, message(1))
    entries = [
        (name.replace("Inbox/", "../../../../etc/cron.d/\x1b[2J"), content)
        for name, content in box.entries()
    ]
    folder = tmp_path / "archives"
    folder.mkdir()
    write(folder, "anna@example.com.tgz", entries)
    assert contents(folder) == {str(number): message(1)}
    assert [one.name for one in tmp_path.iterdir()] == ["archives"]


def test_a_contact_with_slashes_in_its_name_and_one_that_differs_in_case_are_two(
    box: Mailbox, tmp_path: Path
) -> None:
    box.contact(CONTACTS, {"lastName": "K / NETCOM/9TH", "firstName": "../A"})
    box.contact(CONTACTS, {"lastName": "k / netcom/9th", "firstName": "../a"})
    write(tmp_path, "anna@example.com.tgz", box.entries())
    cards = [card.decode() for card in contents(tmp_path).values()]
    assert ["N:K / NETCOM/9TH;../A" in card for card in cards] == [True, False]


def test_emoji_and_broken_texts_in_metadata_end_in_a_contact_or_in_an_error(
    box: Mailbox, tmp_path: Path
) -> None:
    good = box.contact(CONTACTS, {"lastName": "Ünsal 🗓", "notes": "👩‍💻" * 9})
    bad = box.contact(CONTACTS, {"lastName": "x"})
    box.stored[-1].meta["metadata"] = "d3:fldd8:lastName1:😀e1:vi10ee"
    write(tmp_path, "anna@example.com.tgz", box.entries())
    found = contents(tmp_path)
    assert "Ünsal 🗓" in found[str(good)].decode()
    assert failures(tmp_path) == [(str(bad), "RecordMalformed")]


def test_groups_keep_their_members_also_of_another_account(tmp_path: Path) -> None:
    boxes = {name: Mailbox.with_folders() for name in ("anna", "bruno")}
    accounts = {name: id_for("account", f"{name}@example.com") for name in boxes}
    contact = {name: box.contact(CONTACTS, {"lastName": name}) for name, box in boxes.items()}
    for name, other in (("anna", "bruno"), ("bruno", "anna")):
        members = [
            {"t": "C", "v": str(contact[name])},
            {"t": "C", "v": f"{accounts[other]}:{contact[other]}"},
            {"t": "G", "v": "uid=carla,ou=people,dc=example,dc=com"},
            {"t": "C", "v": "99999"},
        ]
        fields = {"lastName": "G", "type": "group", "groupMember": encode({"m": members})}  # type: ignore[dict-item]
        boxes[name].contact(CONTACTS, fields)  # type: ignore[arg-type]
        write(tmp_path, f"{name}@example.com.tgz", boxes[name].entries())
    uids = [contact_uid({}, accounts[name], str(contact[name])) for name in ("anna", "bruno")]
    card = list(contents(tmp_path).values())[1].decode().replace("\r\n ", "")
    assert [line for line in card.splitlines() if "MEMBER" in line] == [
        f"MEMBER:urn:uuid:{uids[0]}",
        f"MEMBER:urn:uuid:{uids[1]}",
        "MEMBER:mailto:carla@example.com",
        "X-ZIMBRA-MEMBER;TYPE=C:99999",
    ]


def test_what_was_read_of_another_account_for_a_group_alone_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REINSTATE_CACHE", str(tmp_path / "cache"))
    bruno = id_for("account", "bruno@example.com")
    box = Mailbox.with_folders()
    members = encode({"m": [{"t": "C", "v": f"{bruno}:257"}]})
    box.contact(CONTACTS, {"lastName": "G", "type": "group", "groupMember": members})
    (tmp_path / "archives").mkdir()
    write(tmp_path / "archives", "anna@example.com.tgz", box.entries())
    write(tmp_path / "archives", "bruno@example.com.tgz", box.entries())
    assert len(items(tmp_path / "archives")) == 1
    gc.collect()
    assert [one.suffix for one in (tmp_path / "cache").iterdir()] == [".index"]


def test_versions_of_a_document_are_files_of_their_own(box: Mailbox, tmp_path: Path) -> None:
    box.document(BRIEFCASE, "plan.odt", b"one", b"two", b"three")
    box.document(BRIEFCASE, "x.meta", b"meta")
    write(tmp_path, "anna@example.com.tgz", box.entries())
    names = {
        item.name: content
        for item, content in zip(items(tmp_path), contents(tmp_path).values(), strict=True)
    }
    assert names == {
        "plan.odt": b"three",
        "x.meta": b"meta",
        "plan (version 1).odt": b"one",
        "plan (version 2).odt": b"two",
    }


def test_folders_without_records_are_made_from_paths(tmp_path: Path) -> None:
    box = Mailbox.with_folders()
    deep = box.container(1, "Deep", box.container(1, "Very"))
    number = box.message(deep, message(1))
    box.message(INBOX, message(2))
    write(tmp_path, "anna@example.com.tgz", box.entries(only(INBOX, deep)))
    source = ArchivesSource(tmp_path)
    folders = {folder.name: folder for folder in source.containers(ANNA).folders}
    assert folders.keys() == {"Inbox", "Very", "Deep"}
    assert (folders["Inbox"].id, folders["Inbox"].role) == ("2", Role.INBOX)
    assert folders["Deep"].parent == folders["Very"].id
    assert folders["Deep"].id == str(deep)
    assert folders["Very"].parent == ""
    assert int(folders["Very"].id) >= 1 << 31
    assert ArchivesSource(tmp_path).containers(ANNA) == source.containers(ANNA)
    assert {item.id: item.folder for item in items(tmp_path)}[str(number)] == str(deep)


def test_folders_mountpoints_searches_and_tags_have_what_their_records_say(
    box: Mailbox, tmp_path: Path
) -> None:
    grants = [Grant(directory.BRUNO, GranteeType.USER, "rw"), Grant("", GranteeType.PUBLIC, "r")]
    shared = box.container(1, "Shared", vt=11, c=0x01FF8000, flags="i*", **metadata_of(grants))
    feed = box.container(1, "News", shared, url="https://example.com/feed")
    mount = box.container(13, "Bruno's", shared, aid=directory.BRUNO, id=261, vt=6, c=1)
    search = box.container(2, "Unread", q="is:unread", t="message")
    tag = box.container(3, "Work", c=3)
    write(tmp_path, "anna@example.com.tgz", box.entries())
    write_directory(tmp_path)
    held = ArchivesSource(tmp_path).containers(directory.ANNA)
    folders = {folder.id: folder for folder in held.folders}
    assert not {"1", "8", "11"} & folders.keys()
    one = folders[str(shared)]
    assert (one.view, one.colour, one.inherits) == (ItemType.APPOINTMENT, "#ff8000", False)
    assert one.grants == (
        Grant(directory.BRUNO, GranteeType.USER, "rw", "bruno@example.com"),
        Grant("", GranteeType.PUBLIC, "r"),
    )
    assert one.subscribed
    assert not folders[str(feed)].subscribed
    assert (folders[str(feed)].parent, folders[str(feed)].url) == (
        one.id,
        "https://example.com/feed",
    )
    (mountpoint,) = held.mountpoints
    assert (mountpoint.id, mountpoint.parent) == (str(mount), one.id)
    assert (mountpoint.owner, mountpoint.remote) == (directory.BRUNO, "261")
    assert (mountpoint.view, mountpoint.colour) == (ItemType.CONTACT, "blue")
    assert [(one.id, one.query, one.types) for one in held.searches] == [
        (str(search), "is:unread", "message")
    ]
    assert [(one.id, one.name, one.colour) for one in held.tags] == [(str(tag), "Work", "green")]


@pytest.mark.parametrize(
    ("system", "role"), [(20, Role.ARCHIVE), (15, None)], ids=["Carbonio", "Zimbra"]
)
def test_folder_20_is_the_archive_in_carbonio_alone(
    tmp_path: Path, system: int, role: Role | None
) -> None:
    box = Mailbox.with_folders([(2, 1, "Inbox", 5), (20, 1, "Twenty", 0)])
    if system != 20:
        box.container(1, "Tasks", number=system)
    write(tmp_path, "anna@example.com.tgz", box.entries())
    folders = ArchivesSource(tmp_path).containers(ANNA).folders
    assert {folder.id: folder.role for folder in folders}["20"] is role


def test_who_has_subscribed_to_nothing_sees_everything(box: Mailbox, tmp_path: Path) -> None:
    write(tmp_path, "anna@example.com.tgz", box.entries())
    assert all(one.subscribed for one in ArchivesSource(tmp_path).containers(ANNA).folders)


def write_directory(folder: Path) -> None:
    (folder / "all.ldif").write_bytes(directory.zmslapcat(directory.example()))


def test_without_a_directory_accounts_come_from_the_names(box: Mailbox, tmp_path: Path) -> None:
    for name in ("anna@example.com.tgz", "Anna@example.com_2.tgz", "b.c@my-firm.co.uk-2024.tar"):
        write(tmp_path, name, box.entries())
    for name in ("readme.txt", "export.tgz", ".anna@example.com.tgz.part"):
        (tmp_path / name).write_bytes(b"")
    source = ArchivesSource(tmp_path)
    assert [ref.address for ref in source.accounts()] == ["anna@example.com", "b.c@my-firm.co.uk"]
    assert [domain.name for domain in source.domains()] == ["example.com", "my-firm.co.uk"]
    assert source.identity().product is Product.GENERIC
    assert source.folder.nameless == ("export.tgz",)


def test_an_archive_belongs_to_the_longest_address_or_alias_of_the_directory(
    box: Mailbox, tmp_path: Path
) -> None:
    write_directory(tmp_path)
    for number, name in enumerate(
        ("ROSSI@example.com.junk.tgz", "anna@example.com.tgz", "bru@example.com (2).zip")
    ):
        box = Mailbox.with_folders()
        box.message(INBOX, message(number), id=300 + number)
        write(tmp_path, name, box.entries())
    write(tmp_path, "anna@example.com.au.tgz", Mailbox.with_folders().entries())
    source = ArchivesSource(tmp_path)
    assert [one.id for one in items(tmp_path, directory.ANNA)] == ["300", "301"]
    assert [one.id for one in items(tmp_path, directory.BRUNO)] == ["302"]
    assert list(source.folder.undescribed.values()) == ["anna@example.com.au"]
    assert source.account(directory.ANNA).display_name == "Anna Rossi ✉"


def test_a_moment_counts_only_the_archives_that_were_there(box: Mailbox, tmp_path: Path) -> None:
    first = box.message(INBOX, message(1), flags="u")
    older = write(tmp_path, "anna@example.com-1.tgz", box.entries())
    box.stored[-1].meta |= {"FlagStr": "", "mod_metadata": 99}
    second = box.message(INBOX, message(2))
    newer = write(tmp_path, "anna@example.com-2.tgz", box.entries())
    os.utime(older, (FIRST_DATE, FIRST_DATE))
    os.utime(newer, (FIRST_DATE + 60, FIRST_DATE + 60))
    source = ArchivesSource(tmp_path, FIRST_DATE * 1000)
    before, later = source.items(ANNA)
    assert isinstance(before, Item)
    assert (before.id, before.flags, later) == (str(first), Flag(0), AbsentItem(str(second)))
    assert source.count_items(ANNA) == 2


def test_the_index_is_kept_until_an_archive_changes(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = tmp_path / "archives", tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("REINSTATE_CACHE", str(cache))
    box.message(INBOX, message(1))
    archive = write(folder, "anna@example.com.tgz", box.entries())
    known, times = records(folder), archive.stat()
    state = ArchivesSource(folder).state(ANNA)
    archive.write_bytes(bytes(times.st_size))
    os.utime(archive, ns=(times.st_mtime_ns, times.st_mtime_ns))
    assert records(folder) == known
    assert [one.stat().st_mode & 0o777 for one in (cache, *cache.iterdir())] == [0o700, 0o600]
    with pytest.raises(BlobCorrupt):
        contents(folder)
    box.message(INBOX, message(2))
    write(folder, "anna@example.com.tgz", box.entries())
    assert ArchivesSource(folder).state(ANNA) != state
    assert len(contents(folder)) == 2
    assert len(list(cache.iterdir())) == 1, "the index of the former state is gone"
    (index,) = cache.iterdir()
    index.write_bytes(b"x" * 4096)
    assert len(contents(folder)) == 2


def test_an_archive_that_changes_while_it_is_read_is_looked_at_again(
    box: Mailbox, tmp_path: Path
) -> None:
    box.message(INBOX, message(1))
    write(tmp_path, "anna@example.com.tgz", box.entries())
    source = ArchivesSource(tmp_path)
    (known,) = source.items(ANNA)
    state = source.state(ANNA)
    box.message(INBOX, message(2))
    write(tmp_path, "anna@example.com.tgz", box.entries())
    assert list(source.items(ANNA)) == [known]
    assert source.state(ANNA) == state, "what was read is what the state is of"
    assert ArchivesSource(tmp_path).state(ANNA) != state
    assert len(items(tmp_path)) == 2


def test_a_cache_that_is_emptied_meanwhile_is_a_named_error(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = tmp_path / "archives", tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("REINSTATE_CACHE", str(cache))
    write(folder, "anna@example.com.tgz", box.entries())
    source = ArchivesSource(folder)
    source.count_items(ANNA)
    shutil.rmtree(cache)
    for ask in (source.count_items, source.containers, lambda account: list(source.items(account))):
        with pytest.raises(IndexLost):
            ask(ANNA)
    assert len(list(ArchivesSource(folder).containers(ANNA).folders)) > 10


def test_without_a_place_for_the_cache_indexes_go_with_the_process(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    monkeypatch.setenv("REINSTATE_CACHE", str(tmp_path / "archives" / "anna@example.com.tgz" / "x"))
    number = box.message(INBOX, message(1))
    write(folder, "anna@example.com.tgz", box.entries())
    assert contents(folder) == {str(number): message(1)}


def test_a_folder_without_archives_is_no_backup(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(NotABackup):
            ArchivesSource(path).identity()


def test_an_archive_that_may_not_be_read_is_an_error_of_its_account(
    box: Mailbox, tmp_path: Path
) -> None:
    box.message(INBOX, message(1))
    archive = write(tmp_path, "anna@example.com.tgz", box.entries())
    source = ArchivesSource(tmp_path)
    assert len(list(source.accounts())) == 1
    archive.unlink()
    for ask in (source.state, source.items, source.containers, source.count_items):
        with pytest.raises(BackupError, match=r"anna@example\.com\.tgz"):
            ask(ANNA)


def test_trash_that_was_left_out_is_a_folder_without_items(box: Mailbox, tmp_path: Path) -> None:
    box.message(TRASH, message(1))
    write(tmp_path, "anna@example.com.tgz", box.entries(without(TRASH)))
    source = ArchivesSource(tmp_path)
    assert list(source.items(ANNA)) == []
    assert "Trash" in {folder.name for folder in source.containers(ANNA).folders}
