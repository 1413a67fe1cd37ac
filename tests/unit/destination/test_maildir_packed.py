"""Messages that are stored as the backup's gzip files, and those that cannot be."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import damage
import odd_gzip
from odd_gzip import ADDRESS, BLOBS, LOOKALIKES, MESSAGE, Blob, write_odd_backup
from reinstate_journal import open_reader
from reinstate_journal.errors import DestinationError, UsageError
from reinstate_service.destination.contract import StoredItem, every_item
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.maildir.destination import needs_unpacking
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.open import open_destination
from reinstate_service.operations.page.figures import gather
from reinstate_service.operations.page.page import render
from reinstate_service.operations.report import make_report
from reinstate_service.restore.options import Options
from running import restore_here, run

PLAIN = {name: blob for name, blob in BLOBS.items() if name not in LOOKALIKES}


class Place:
    """A backup, and a destination with its journal."""

    def __init__(self, folder: Path, blobs: dict[str, Blob]) -> None:
        self.blobs = blobs
        self.backup = folder / "backup"
        self.tree = folder / "mail"
        self.journal = folder / "reinstate.db"
        write_odd_backup(self.backup, blobs)

    def restore(self, compress: str, **options: object) -> None:
        """Restores what is not there yet."""
        asked = Options(str(self.backup), f"maildir:{self.tree}", compress=compress, **options)  # type: ignore[arg-type]
        restore_here(self.journal, asked)

    def files(self) -> list[Path]:
        """The messages' files, in the order of the backup."""
        cur = self.tree / "example.test" / "alice" / "Maildir" / "cur"
        return sorted(cur.iterdir(), key=lambda file: int(file.name.partition(".")[0]))

    def stored(self, read: Callable[[str], bool] = every_item) -> list[StoredItem]:
        """The messages as the destination reads them back."""
        destination = open_destination(f"maildir:{self.tree}", create=False)
        with destination.mailbox(ADDRESS) as mailbox:
            found = sorted(mailbox.contents(read), key=lambda item: item.date)
        destination.close()
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Every kind of blob."""
    return Place(tmp_path, BLOBS)


def test_the_backups_gzip_file_is_stored_where_a_server_reads_it(place: Place) -> None:
    place.restore("keep")
    for file, item, (name, blob) in zip(
        place.files(), odd_gzip.items(place.backup), BLOBS.items(), strict=True
    ):
        assert f",S={len(blob.content)}:" in file.name, name
        assert int(file.stat().st_mtime * 1000) == item.date, name
        if blob.kept:
            assert file.read_bytes() == blob.blob, name
        elif name in LOOKALIKES:
            assert odd_gzip.unpacked(file.read_bytes()) == blob.content, name
        else:
            assert file.read_bytes() == blob.content, name


def test_what_is_stored_packed_is_read_back_as_the_backup_has_it(place: Place) -> None:
    place.restore("keep")
    wanted = [(odd_gzip.digest(blob.content), len(blob.content)) for blob in BLOBS.values()]
    assert [(one.digest, one.size) for one in place.stored()] == wanted
    quick = place.stored(lambda _: False)
    assert [(one.digest, one.size) for one in quick] == [("", size) for _, size in wanted]


def test_a_packed_message_that_was_cut_off_or_damaged_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path, {"a": BLOBS["ordinary"], "b": BLOBS["named"], "c": BLOBS["large"]})
    place.restore("keep")
    cut, flipped, longer = place.files()
    os.truncate(cut, cut.stat().st_size - 3)
    flipped.write_bytes(damage_in_the_middle(flipped.read_bytes()))
    with longer.open("ab") as file:
        file.write(b"garbage")
    whole = place.stored()
    for one, blob in zip(whole, place.blobs.values(), strict=True):
        assert one.digest != odd_gzip.digest(blob.content)
    sizes = [one.size for one in place.stored(lambda _: False)]
    assert sizes[0] == cut.stat().st_size
    assert sizes[2] == longer.stat().st_size


def damage_in_the_middle(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


@pytest.mark.parametrize("harm", [damage.flip_blob_byte, damage.truncate_blob, damage.lose_blob])
def test_no_blob_is_stored_whose_digest_is_wrong(
    tmp_path: Path, harm: Callable[[Path, str], None]
) -> None:
    place = Place(tmp_path, {"good": BLOBS["ordinary"], "bad": BLOBS["named"]})
    harm(place.backup, odd_gzip.items(place.backup)[1].digest)
    place.restore("keep")
    (only,) = place.stored()
    assert only.digest == odd_gzip.digest(BLOBS["ordinary"].content)
    assert not list((place.tree / "example.test" / "alice" / "Maildir" / "tmp").iterdir())
    with open_reader(place.journal) as reader:
        assert [one.failure[:4] for one in make_report(reader).failures] == ["Blob"]


@pytest.mark.parametrize(("first", "second"), [("none", "keep"), ("keep", "none")])
def test_a_restore_goes_on_in_the_other_way_and_does_nothing_twice(
    tmp_path: Path, first: str, second: str
) -> None:
    place = Place(tmp_path, PLAIN)
    place.restore(first, max_file_size=len(MESSAGE))
    before = len(place.files())
    place.restore(second)
    assert before < len(place.files()) == len(PLAIN)
    assert [one.digest for one in place.stored()] == [
        odd_gzip.digest(blob.content) for blob in PLAIN.values()
    ]
    assert needs_unpacking(place.tree)


def test_a_tree_that_has_ever_been_packed_keeps_packing_what_looks_so(tmp_path: Path) -> None:
    place = Place(tmp_path, {"a": BLOBS["ordinary"]})
    place.restore("keep")
    further = Place(tmp_path / "more", LOOKALIKES)
    asked = Options(str(further.backup), f"maildir:{place.tree}")
    restore_here(further.journal, asked)
    stored = {one.digest for one in place.stored()}
    assert {odd_gzip.digest(blob.content) for blob in LOOKALIKES.values()} <= stored


def test_a_tree_with_plain_messages_that_look_packed_is_not_packed_later(tmp_path: Path) -> None:
    place = Place(tmp_path, BLOBS)
    place.restore("none")
    assert not needs_unpacking(place.tree)
    contents = [blob.content for blob in BLOBS.values()]
    assert [file.read_bytes() for file in place.files()] == contents
    with pytest.raises(DestinationError, match="without --compress keep"):
        place.restore("keep")
    assert [one.digest for one in place.stored()] == [odd_gzip.digest(one) for one in contents]


def test_the_report_tells_what_was_saved_in_all_runs(place: Place) -> None:
    def saved() -> tuple[int, int, int]:
        with open_reader(place.journal) as reader:
            found = make_report(reader).saved
        return found.messages, found.shared, found.bytes

    place.restore("none", provisioning_only=True)
    assert saved() == (0, 0, 0)
    place.restore("keep", max_file_size=len(MESSAGE))
    few, _, _ = saved()
    place.restore("keep")
    kept = [blob for blob in BLOBS.values() if blob.kept]
    messages, shared, size = saved()
    assert 0 < few < messages == len(kept)
    plain = sum(len(blob.content) for blob in kept)
    assert size == plain - (0 if shared else sum(len(blob.blob) for blob in kept))
    assert f"saved by {messages} messages" in run("report", "--journal", place.journal)
    with open_reader(place.journal) as reader:
        page = render(gather(reader))
    row = f'<td>packed or shared</td><td class="number">{messages}</td><td>{size / 2**20:.1f} MiB'
    assert f"{row} saved" in page


def test_the_backup_is_not_touched(place: Place) -> None:
    def state() -> dict[Path, tuple[int, ...]]:
        found = {}
        for path in (place.backup / "items").rglob("*"):
            status = path.stat()
            kept = (status.st_ino, status.st_nlink, status.st_mtime_ns, status.st_ctime_ns)
            found[path] = (*kept, status.st_uid, status.st_mode, status.st_size)
        return found

    before = state()
    place.restore("keep")
    assert state() == before


def test_where_blocks_cannot_be_shared_bytes_are_copied_and_the_system_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk("maildir:/x")
    (tmp_path / "a").write_bytes(b"content")
    asked = []

    def refuse(*call: object) -> int:
        asked.append(call)
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    with (tmp_path / "a").open("rb") as source, (tmp_path / "b").open("wb") as target:
        assert not disk.clone(source.fileno(), target.fileno())
        assert not disk.clone(source.fileno(), target.fileno())
    assert len(asked) == 1


def test_only_a_maildir_keeps(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="maildir"):
        open_destination("memory:", compress="keep")
    with pytest.raises(UsageError, match="none or keep"):
        open_destination(f"maildir:{tmp_path}/mail", compress="gzip")
    MaildirDestination(tmp_path / "mail", keep=True).close()
    assert needs_unpacking(tmp_path / "mail")


def test_a_message_of_a_zlib_save_reads_as_well(tmp_path: Path) -> None:
    place = Place(tmp_path, {"a": BLOBS["ordinary"]})
    place.restore("keep")
    file = place.files()[0]
    file.write_bytes(gzip.compress(MESSAGE[:50]) + gzip.compress(MESSAGE[50:]))
    (only,) = place.stored()
    assert only.digest == odd_gzip.digest(MESSAGE)
