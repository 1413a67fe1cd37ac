"""The journal's commit is waited for while the next batch is written, and never passed over."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reinstate_journal import crashpoints, open_reader
from reinstate_journal.crashpoints import At, Point
from reinstate_journal.errors import JournalWriteFailed
from reinstate_journal.events import ItemRestored
from reinstate_service.operations.sample import write_many
from reinstate_service.operations.session import start_restore
from reinstate_service.restore import items
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options

ITEMS = 12
_PATIENCE = 60


@pytest.fixture
def backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The backup of one account, whose items are restored two at a time."""
    monkeypatch.setattr(items, "BATCH_ITEMS", 2)
    write_many(tmp_path / "backup", accounts=1, items=ITEMS)
    monkeypatch.setattr(crashpoints, "_watcher", None)
    return tmp_path / "backup"


def run(backup: Path) -> None:
    asked = Options(str(backup), f"maildir:{backup.parent / 'mail'}")
    start_restore(backup.parent / "j.db", asked, Observer(), threading.Event())


def recorded(backup: Path) -> int:
    with open_reader(backup.parent / "j.db") as reader:
        return sum(1 for _ in reader.read(types=[ItemRestored]))


def test_a_batch_is_decided_while_another_is_being_recorded(backup: Path) -> None:
    decided, waits = threading.Semaphore(0), list[bool]()

    def look(point: Point) -> None:
        behind = threading.current_thread().name.startswith("behind")
        if point is At.BATCH_DECIDED:
            decided.release()
        elif point is At.COMMIT_ASKED and behind and not waits:
            for _ in range(3):
                waits.append(decided.acquire(timeout=_PATIENCE))

    crashpoints.watch(look)
    run(backup)
    assert waits == [True] * 3
    assert recorded(backup) == ITEMS


def test_a_run_ends_when_what_is_recorded_behind_cannot_be(backup: Path) -> None:
    def look(point: Point) -> None:
        behind = threading.current_thread().name.startswith("behind")
        if point is At.COMMIT_ASKED and behind:
            raise sqlite3.OperationalError("disk I/O error")

    crashpoints.watch(look)
    with pytest.raises(JournalWriteFailed, match="disk I/O error"):
        run(backup)
    assert recorded(backup) == 0
    crashpoints.watch(list[Point]().append)
    run(backup)
    assert recorded(backup) == ITEMS
