"""What is done costs a further run no more than a look at its stamp, also within an account."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from reinstate_journal import open_journal
from reinstate_journal.errors import Interrupted
from reinstate_service.operations.sample import write_many
from reinstate_service.operations.session import opened
from reinstate_service.restore import items
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import run_restore
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.source.backup_path.listing import Listing
from reinstate_service.source.contract import ItemRecord

ITEMS = 12


class Watched(BackupPathSource):
    """Remembers whose records were listed, and which items were asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.listed: set[str] = set()
        self.asked: list[str] = []

    def listing(self, account: str) -> Listing:
        self.listed.add(account)
        return super().listing(account)

    def items(self, account: str, after: str = "") -> Iterator[ItemRecord]:
        for record in super().items(account, after):
            self.asked.append(record.id)
            yield record


class Looking(Observer):
    """What had been listed when the first item was restored, and how many were counted and
    restored; stops the run after so many."""

    def __init__(self, source: Watched, most: int) -> None:
        self.source = source
        self.stop = threading.Event()
        self.listed: set[str] | None = None
        self.counted = self.restored = self.already = 0
        self._most = most

    def restore(self, restore: str, accounts: int, items: int) -> None:  # noqa: ARG002 - items count
        self.counted = items

    def items(self, *, restored: int, already: int, **_others: int) -> None:
        if restored and self.listed is None:
            self.listed = set(self.source.listed)
        self.restored += restored
        self.already += already
        if self.restored >= self._most:
            self.stop.set()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    write_many(tmp_path / "backup", accounts=4, items=ITEMS)
    return tmp_path / "backup"


def run(backup: Path, most: int = 1000, **options: object) -> Looking:
    """A run that is stopped when it has restored so many items."""
    asked = replace(Options(str(backup), f"maildir:{backup.parent / 'mail'}"), **options)
    looking = Looking(Watched(backup), most)
    with open_journal(backup.parent / "j.db") as journal, opened(asked) as destination:
        try:
            run_restore(
                looking.source,
                destination,
                journal,
                asked,
                version="1",
                observer=looking,
                stop=looking.stop,
            )
        except Interrupted:
            assert looking.restored >= most
    return looking


def test_before_the_first_new_item_nothing_is_listed_but_the_account_that_has_it(
    backup: Path,
) -> None:
    assert run(backup).counted == ITEMS
    with BackupWriter(backup) as writer:
        account = max(path.name for path in (backup / "accounts").iterdir())
        writer.put_item(account, writer.next_id(account), content=b"A: b\n\nc", folder="2", date=0)
        writer.finish_scan()

    again = run(backup)

    assert again.listed == {account}
    assert again.counted == ITEMS + 1


ONE = [str(number) for number in range(1000, 1014)]


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The backup of one account, whose items are restored two at a time."""
    monkeypatch.setattr(items, "BATCH_ITEMS", 2)
    write_many(tmp_path / "backup", accounts=1, items=len(ONE))
    return tmp_path / "backup"


def put(backup: Path, item: str, content: bytes) -> None:
    """A scan finds this."""
    (account,) = (path.name for path in (backup / "accounts").iterdir())
    with BackupWriter(backup, clock=lambda: 2_000_000_000_000) as writer:
        writer.put_item(account, item, content=content, folder="2", date=0)
        writer.finish_scan()


def test_a_run_begins_behind_what_was_recorded_of_an_account_in_work(one: Path) -> None:
    """Two more batches may be under way when it is stopped."""
    done = run(one, most=6).restored
    assert done in {6, 8, 10}
    again = run(one)
    assert again.source.asked == ONE[done:]
    assert (again.already, again.restored, again.counted) == (done, len(ONE) - done, len(ONE))
    assert len(list((one.parent / "mail").glob("*/*/Maildir/**/cur/*"))) == len(ONE)
    assert run(one).source.asked == []


def test_a_run_begins_anew_where_the_backup_has_changed(one: Path) -> None:
    done = run(one, most=6).restored
    put(one, ONE[1], b"Subject: changed\r\n\r\n")
    put(one, "999", b"Subject: new\r\n\r\n")
    again = run(one)
    assert again.source.asked == ["999", *ONE]
    assert (again.already, again.restored) == (done - 1, len(ONE) + 2 - done)


def test_a_run_begins_anew_where_other_items_are_chosen(one: Path) -> None:
    put(one, ONE[1], b"Subject: large\r\n\r\n" + b"x" * 4000)
    run(one, most=5, max_file_size=2000)
    again = run(one, most=1, max_file_size=1900)
    assert again.source.asked[:2] == ONE[:2]
    last = run(one)
    assert last.source.asked == ONE
    assert len(list((one.parent / "mail").glob("*/*/Maildir/**/cur/*"))) == len(ONE)


def test_a_run_looks_at_everything_again_where_an_item_had_failed(one: Path) -> None:
    (blob, *_) = sorted((one / "items").glob("*/*"))
    packed = blob.read_bytes()
    blob.unlink()
    run(one)
    blob.write_bytes(packed)
    again = run(one)
    assert again.source.asked == ONE
    assert again.restored == 1
