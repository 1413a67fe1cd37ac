"""`reinstate backup build --from archives:DIR`: what archives become, and stay."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archives import directory, example
from archives.writer import Mailbox, Stored, message, only, tgz, without, write
from reinstate_cli.main import answer
from reinstate_journal.errors import UsageError
from reinstate_service.destination.open import open_destination
from reinstate_service.model import AccountRef, Flag, Item
from reinstate_service.operations.backup_build import BuildSummary
from reinstate_service.operations.backup_check import check_backup
from reinstate_service.operations.backup_import import build_from_export
from reinstate_service.source.archives import ArchivesSource
from reinstate_service.source.archives.directory.names import id_for
from reinstate_service.source.backup_path import BackupPathSource

INBOX, TRASH, JUNK = 2, 3, 4
ANNA = id_for("account", "anna@example.com")


class Building:
    """A folder of archives with one account, and the backup that is built from it, a second
    after the other."""

    def __init__(self, path: Path) -> None:
        self.archives, self.backup, self.clock = path / "archives", path / "backup", 0
        self.archives.mkdir()
        self.box = Mailbox.with_folders()
        self.numbers = [self.box.message(INBOX, message(n), flags="u") for n in range(3)]
        self.junk = self.box.message(JUNK, message(9))
        self.export()

    def export(self, data: bytes | None = None) -> None:
        """Puts an archive of all that the mailbox holds, or of `data`, in the place of the last."""
        file = self.archives / "anna@example.com.tgz"
        file.write_bytes(tgz(self.box.entries()) if data is None else data)

    def build(self) -> BuildSummary:
        self.clock += 1000
        export = ArchivesSource(self.archives)
        return build_from_export(export, self.backup, clock=lambda: self.clock)

    def find(self, number: int) -> Stored:
        (found,) = (one for one in self.box.stored if one.meta["id"] == number)
        return found

    def remove(self, number: int) -> None:
        self.box.stored.remove(self.find(number))

    def items(self, at: int | None = None) -> dict[str, Item]:
        """What is there, by id."""
        return {
            item.id: item
            for item in BackupPathSource(self.backup, at).items(ANNA)
            if isinstance(item, Item) and not item.deleted
        }


@pytest.fixture
def building(tmp_path: Path) -> Building:
    return Building(tmp_path)


def test_a_built_backup_says_what_the_archives_say(tmp_path: Path) -> None:
    example.build(tmp_path / "archives")
    archives = ArchivesSource(tmp_path / "archives")
    build_from_export(archives, tmp_path / "backup")
    built = BackupPathSource(tmp_path / "backup")
    checking = check_backup(built)
    assert [finding for finding in checking if not finding.harmless] == []
    assert list(built.domains()) == list(archives.domains())
    assert list(built.classes_of_service()) == list(archives.classes_of_service())
    assert list(built.distribution_lists()) == list(archives.distribution_lists())
    refs = [ref for ref in built.accounts() if isinstance(ref, AccountRef)]
    assert refs == list(archives.accounts())
    for ref in refs:
        assert built.account(ref.id) == archives.account(ref.id)
        assert built.containers(ref.id) == archives.containers(ref.id)
        found = list(built.items(ref.id))
        assert found == list(archives.items(ref.id))
        for item in found:
            assert isinstance(item, Item)
            assert list(built.content(item)) == list(archives.content(item))


def test_the_same_archives_add_nothing(building: Building) -> None:
    first = building.build()
    assert (first.items_added, first.skipped) == (4, ())
    assert building.build() == BuildSummary(1, 0, 0, 0, 0, 0, ())


def test_newer_archives_add_states_and_the_older_ones_stay(building: Building) -> None:
    building.build()
    first, second, third = building.numbers
    building.remove(first)
    building.find(second).meta["FlagStr"] = "f"
    new = building.box.message(INBOX, message(20))
    building.export()
    assert building.build() == BuildSummary(1, 0, 0, 1, 1, 1, ())
    assert building.items().keys() == {str(n) for n in (second, third, new, building.junk)}
    assert building.items()[str(second)].flags == Flag.SEEN | Flag.FLAGGED
    before = building.items(at=1500)
    assert before.keys() == {str(n) for n in (*building.numbers, building.junk)}
    assert before[str(second)].flags == Flag(0)


def test_what_an_export_leaves_out_is_not_taken_for_deleted(building: Building) -> None:
    building.build()
    for entries in (
        building.box.entries(without(JUNK)),
        building.box.entries(only(TRASH)),
        building.box.entries(only(JUNK)),
    ):
        building.export(tgz(entries))
        assert building.build().items_deleted == 0
    building.export(tgz(building.box.entries())[:-200])
    cut_off = building.build()
    assert cut_off.items_deleted == 0
    assert "ends early" in "".join(cut_off.skipped)
    assert len(building.items()) == 4


def test_a_folder_that_is_gone_is_recorded_as_that(building: Building) -> None:
    folder = building.box.container(1, "Work", vt=5)
    building.export()
    building.build()
    building.remove(folder)
    building.export()
    building.build()

    def names(at: int | None) -> set[str]:
        held = BackupPathSource(building.backup, at).containers(ANNA)
        return {folder.name for folder in held.folders}

    assert "Work" in names(1500)
    assert "Work" not in names(None)


def test_an_account_that_a_newer_directory_does_not_have_is_gone(tmp_path: Path) -> None:
    archives, backup = tmp_path / "archives", tmp_path / "backup"
    archives.mkdir()
    ldif, entries = archives / "directory.ldif", directory.example()
    ldif.write_bytes(directory.zmslapcat(entries))
    assert build_from_export(ArchivesSource(archives), backup).accounts_deleted == 0
    fewer = [one for one in entries if "uid=bruno,ou=people" not in one.dn]
    assert len(fewer) < len(entries)
    ldif.write_bytes(directory.zmslapcat(fewer))
    assert build_from_export(ArchivesSource(archives), backup).accounts_deleted == 1


def test_without_a_directory_no_account_is_taken_for_gone(building: Building) -> None:
    other = write(building.archives, "bruno@example.com.tgz", building.box.entries())
    building.build()
    other.unlink()
    assert building.build().accounts_deleted == 0


def test_archives_of_another_product_are_refused(building: Building) -> None:
    building.build()
    ldif = building.archives / "directory.ldif"
    ldif.write_bytes(directory.zmslapcat(directory.example()))
    with pytest.raises(UsageError, match="is of generic"):
        building.build()


def test_an_item_that_cannot_be_read_is_skipped_and_told(
    building: Building, capsys: pytest.CaptureFixture[str]
) -> None:
    building.box.message(INBOX, message(5), blob_digest="A" * 43 + "=")
    building.export()
    arguments = ["backup", "build", str(building.backup), "--from", f"archives:{building.archives}"]
    assert answer(arguments) == 3
    told = capsys.readouterr()
    assert "4 items added" in told.out
    assert "skipped: anna@example.com" in told.err


def test_of_two_exports_the_older_state_is_restored_with_at(
    building: Building, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = ["backup", "build", str(building.backup), "--from", f"archives:{building.archives}"]
    assert answer(build) == 0
    first = BackupPathSource(building.backup).identity().last_scan
    assert first is not None
    building.remove(building.numbers[0])
    building.find(building.numbers[1]).meta["FlagStr"] = "f"
    building.export()
    assert answer(build) == 0
    between = datetime.fromtimestamp(first / 1000, UTC).isoformat()

    def restored(name: str, *options: str) -> list[Flag]:
        where = [str(building.backup), f"maildir:{tmp_path / name}"]
        arguments = ["restore", *where, "--journal", str(tmp_path / f"{name}.db"), *options]
        assert answer(arguments) == 0, capsys.readouterr().err
        destination = open_destination(f"maildir:{tmp_path / name}", create=False)
        with closing(destination), destination.mailbox("anna@example.com") as mailbox:
            return sorted(
                stored.flags for stored in mailbox.contents() if stored.path == ("INBOX",)
            )

    assert restored("older", "--at", between) == [Flag(0), Flag(0), Flag(0)]
    assert restored("newer") == [Flag(0), Flag.SEEN | Flag.FLAGGED]


def test_a_backup_is_not_built_into_what_it_is_built_from(building: Building) -> None:
    with pytest.raises(UsageError, match="one in the other"):
        build_from_export(ArchivesSource(building.archives), building.archives / "backup")
