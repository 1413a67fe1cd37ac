"""What is done costs a further run no more than a look at its stamp."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from reinstate_journal import open_journal
from reinstate_service.operations.sample import write_many
from reinstate_service.operations.session import opened
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import run_restore
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.source.backup_path.listing import Listing

ITEMS = 12


class Watched(BackupPathSource):
    """Remembers whose records were listed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.listed: set[str] = set()

    def listing(self, account: str) -> Listing:
        self.listed.add(account)
        return super().listing(account)


class UntilTheFirstItem(Observer):
    """What had been listed when the first item was restored, and how many were counted."""

    def __init__(self, source: Watched) -> None:
        self._source = source
        self.listed: set[str] | None = None
        self.counted = 0

    def restore(self, restore: str, accounts: int, items: int) -> None:  # noqa: ARG002 - items count
        self.counted = items

    def items(self, *, restored: int, **_others: int) -> None:
        if restored and self.listed is None:
            self.listed = set(self._source.listed)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    write_many(tmp_path / "backup", accounts=4, items=ITEMS)
    return tmp_path / "backup"


def run(backup: Path) -> UntilTheFirstItem:
    options = Options(str(backup), f"maildir:{backup.parent / 'mail'}")
    source = Watched(backup)
    observer = UntilTheFirstItem(source)
    with open_journal(backup.parent / "j.db") as journal, opened(options) as destination:
        run_restore(
            source,
            destination,
            journal,
            options,
            version="1",
            observer=observer,
            stop=threading.Event(),
        )
    return observer


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
