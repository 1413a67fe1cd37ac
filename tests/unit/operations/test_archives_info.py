"""`reinstate backup info archives:DIR`, and what a run says of archives that are not whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archives import directory
from archives.calendars import components, items_of, stored
from archives.example import EVENT, build
from archives.writer import Mailbox, message, only, without, write
from reinstate_journal import open_reader
from reinstate_service.model import Grant, GranteeType
from reinstate_service.operations.backup_info import backup_accounts, backup_folders, backup_info
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.source.archives import ArchivesSource
from reinstate_service.source.archives.acl import metadata_of
from running import restore_here, run

INBOX, TRASH = 2, 3
STRANGER = "5a000000-0000-4000-8000-000000000001"


def missing(folder: Path) -> dict[str, list[str]]:
    """What is missing, by place."""
    found: dict[str, list[str]] = {}
    for one in ArchivesSource(folder).missing():
        found.setdefault(one.place, []).append(one.what)
    return found


def test_info_counts_what_is_in_the_archives(tmp_path: Path) -> None:
    example = build(tmp_path / "archives")
    info = backup_info(ArchivesSource(example.path))
    assert info.items == {"appointment": 1, "chat": 1, "contact": 2, "document": 3, "message": 9}
    assert (info.accounts, info.domains, info.mountpoints, info.blobs) == (5, 1, 1, 4)
    assert info.blob_bytes == sum(
        file.stat().st_size for file in example.path.iterdir() if file.suffix != ".ldif"
    )
    assert 0 < info.scratch_bytes < info.content_bytes
    rows = {row.address: row.items for row in backup_accounts(ArchivesSource(example.path))}
    assert (rows["anna@example.com"], rows["room@example.com"]) == (12, 0)
    folders = backup_folders(ArchivesSource(example.path), "anna@example.com")
    assert {row.path: row.items for row in folders}["Team", "Pläne 🗓"] == 1


def test_what_a_calendar_item_has_lost_is_told_with_its_number(tmp_path: Path) -> None:
    box = Mailbox.with_folders()
    (event,) = items_of(*components(EVENT))
    made = stored(event, [], inline=5)
    made.metadata["inv0"]["frag"] = "The series"
    number = box.calendar_item(10, made.metadata, None)
    write(tmp_path, "anna@example.com.tgz", box.entries())
    assert (
        f"item {number}: the text of inv0 is not in the archive"
        in missing(tmp_path)["anna@example.com"]
    )


def test_what_an_export_left_out_is_told_by_account(tmp_path: Path) -> None:
    example = build(tmp_path / "archives")
    said = missing(example.path)
    assert said["room@example.com"] == ["no archive of its name"]
    assert any("nothing is in Trash" in what for what in said["anna@example.com"])
    assert not any("Junk" in what for what in said["anna@example.com"])
    assert "gal@example.com" not in said, "accounts of the system need no archive"
    assert any("zimbraPreAuthKey" in what for what in said["directory.ldif"])


def test_without_a_directory_that_comes_first(tmp_path: Path) -> None:
    box = Mailbox.with_folders()
    for folder in (INBOX, TRASH, 4):
        box.message(folder, message(folder))
    write(tmp_path, "anna@example.com.tgz", box.entries(only(INBOX)))
    (tmp_path / "export.tgz").write_bytes(b"")
    first, *_ = ArchivesSource(tmp_path).missing()
    assert not first.place
    assert "no directory" in first.what
    said = missing(tmp_path)
    assert said["export.tgz"] == ["it is not restored: its name begins with no address"]
    (no_records,) = said["anna@example.com"]
    assert "no records of folders" in no_records


def test_shares_that_lead_out_of_the_archives_are_told(tmp_path: Path) -> None:
    box = Mailbox()
    grants = [
        Grant(STRANGER, GranteeType.USER, "r", "somebody@elsewhere.example"),
        Grant("guest@elsewhere.example", GranteeType.GUEST, "r"),
        Grant(directory.BRUNO, GranteeType.USER, "r"),
    ]
    box.container(1, "USER_ROOT", 11, number=1, **metadata_of(grants))
    box.container(1, "Shared", **metadata_of(grants))
    box.container(13, "Gone", aid=STRANGER, id=2)
    box.container(13, "Bruno's", aid=directory.BRUNO, id=2)
    write(tmp_path, "anna@example.com.tgz", box.entries())
    (tmp_path / "all.ldif").write_bytes(directory.ldapsearch(directory.example()))
    write(tmp_path, "new@example.com.tgz", Mailbox.with_folders().entries())
    said = missing(tmp_path)
    assert said["anna@example.com"] == [
        f"mountpoint Gone shows a folder of {STRANGER}, not here",
        "mountpoint Bruno's shows a folder of bruno@example.com, who has no archive",
        "it shares its whole mailbox: there is no folder to give that grant on",
        "folder Shared is shared with somebody@elsewhere.example, not here",
        "folder Shared is shared with guest@elsewhere.example, an outside guest",
    ]
    assert said["new@example.com"][0] == "no entry in the directory: it has mail only"


def test_the_command_prints_both(tmp_path: Path) -> None:
    example = build(tmp_path / "archives")
    archive = example.path / "anna@example.com.tgz"
    archive.write_bytes(archive.read_bytes()[:-200])
    shown = run("backup", "info", f"archives:{example.path}")
    assert "items: message" in shown
    assert "  anna@example.com: ArchiveTruncated: 1, which the report" in shown
    told = json.loads(run("backup", "info", f"archives:{example.path}", "--json"))
    assert {"place": "room@example.com", "what": "no archive of its name"} in told["missing"]
    run("backup", "accounts", f"archives:{example.path}")
    run("backup", "folders", f"archives:{example.path}", "anna@example.com")
    for words in (
        ["check"],
        ["item", "anna@example.com", "257"],
        ["extract", "--to", "x", "--digest", "y"],
    ):
        verb, *rest = words
        run("backup", verb, f"archives:{example.path}", *rest, expect=2)


class Hearing(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two accounts without a directory."""
    path = tmp_path / "archives"
    path.mkdir()
    for name in ("anna", "bruno"):
        box = Mailbox.with_folders()
        for number in range(3):
            box.message(INBOX, message(number))
        write(path, f"{name}@example.com.tgz", box.entries(without()))
    return path


def options(folder: Path) -> Options:
    return Options(f"archives:{folder}", f"maildir:{folder.parent / 'mail'}")


def failures(journal: Path) -> list[tuple[str, str]]:
    with open_reader(journal) as reader:
        (restore,) = reader.progress.restores()
        events = [one.event for one in reader.progress.failures(restore.restore)]
    return [(getattr(one, "item", ""), getattr(one, "failure", "")) for one in events]


def test_a_truncated_archive_gives_all_before_and_is_no_success_until_it_is_whole(
    folder: Path,
) -> None:
    journal, archive = folder.parent / "r.db", folder / "anna@example.com.tgz"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-40])
    hearing = Hearing()
    assert restore_here(journal, options(folder), hearing).outcome == "incomplete"
    assert failures(journal) == [("anna@example.com.tgz", "ArchiveTruncated")]
    assert "accounts have mail only" in hearing.notices[0]
    assert restore_here(journal, options(folder)).outcome == "incomplete"
    archive.write_bytes(whole)
    assert restore_here(journal, options(folder)).outcome == "finished"
    assert failures(journal) == []
    with open_reader(journal) as reader:
        before = sum(1 for _ in reader.read())
    assert restore_here(journal, options(folder)).outcome == "finished"
    with open_reader(journal) as reader:
        assert sum(1 for _ in reader.read()) == before


def test_an_archive_that_cannot_be_read_is_a_matter_of_its_account_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, bruno = folder.parent / "r.db", folder / "bruno@example.com.tgz"
    monkeypatch.setattr("os.open", _refusing(bruno))
    assert restore_here(journal, options(folder)).outcome == "incomplete"
    assert [failure for _, failure in failures(journal)] == []
    with open_reader(journal) as reader:
        (restore,) = reader.progress.restores()
        states = {one.address: one.state for one in reader.progress.accounts(restore.restore)}
    assert states == {"anna@example.com": "completed", "bruno@example.com": "failed"}
    monkeypatch.undo()
    assert restore_here(journal, options(folder)).outcome == "finished"


def test_a_scratch_folder_that_is_not_there_fails_accounts_until_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = folder.parent / "r.db"
    monkeypatch.setenv("TMPDIR", str(folder / "nowhere"))
    assert restore_here(journal, options(folder)).outcome == "incomplete"
    with open_reader(journal) as reader:
        (restore,) = reader.progress.restores()
        accounts = list(reader.progress.accounts(restore.restore))
    assert {one.state for one in accounts} == {"failed"}
    monkeypatch.undo()
    assert restore_here(journal, options(folder)).outcome == "finished"


def _refusing(refused: Path) -> Callable[..., int]:
    real = os.open

    def opened(path: object, *arguments: object, **more: object) -> int:
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **more)  # type: ignore[arg-type]

    return opened


def test_a_copy_of_an_archive_adds_nothing(folder: Path) -> None:
    journal = folder.parent / "r.db"
    assert restore_here(journal, options(folder)).outcome == "finished"
    (folder / "anna@example.com-again.zip").write_bytes(
        (folder / "anna@example.com.tgz").read_bytes()
    )
    assert restore_here(journal, options(folder)).outcome == "finished"
    assert len([*(folder.parent / "mail").rglob("cur/*")]) == 6
