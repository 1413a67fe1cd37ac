"""Group commit: many threads, one transaction; and what a failed commit does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check
from reinstate_journal.errors import JournalWriteFailed, VersionConflict
from reinstate_journal.events import CATALOGUE, ItemRestored, PhaseStarted
from reinstate_journal.journal import Journal
from reinstate_journal.sqlite.writer import SqliteJournal


def items(count: int, start: int = 0) -> list[ItemRestored]:
    return [ItemRestored(str(start + n), "2", "d" * 44, n) for n in range(count)]


class HeldCommits:
    """Keeps every commit of a journal waiting until enough requests have gathered."""

    def __init__(self, journal: SqliteJournal) -> None:
        self.committer = journal._committer
        self.commits = 0
        self.committer._connection.set_trace_callback(self._count)

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    def gather(self, requests: int, work: threading.Event) -> None:
        with self.committer._commit:
            work.set()
            while len(self.committer._queue) < requests:
                os.sched_yield()


def test_what_has_gathered_is_committed_in_one_transaction(path: Path) -> None:
    journal = SqliteJournal(path)
    held = HeldCommits(journal)
    work = threading.Event()

    def append(worker: int) -> int | str:
        work.wait()
        try:
            return journal.append(f"w{worker}", 5 if worker == 3 else 0, items(worker + 1))
        except VersionConflict as conflict:
            return str(conflict)

    with journal, ThreadPoolExecutor(8) as pool:
        results = pool.map(append, range(8))
        held.gather(8, work)
        assert list(results) == [
            1, 2, 3, "Stream w3 is at version 0, not at 5", 5, 6, 7, 8,
        ]  # fmt: skip
        assert held.commits == 1
        assert journal.version("w3") == 0
        assert journal.head().position == 32
    assert check(path) == []


def test_two_of_a_group_for_one_version_give_one_conflict(path: Path) -> None:
    journal = SqliteJournal(path)
    held = HeldCommits(journal)
    work = threading.Event()

    def append(_: int) -> bool:
        work.wait()
        try:
            journal.append("same", 0, items(2))
        except VersionConflict:
            return False
        return True

    with journal, ThreadPoolExecutor(4) as pool:
        results = pool.map(append, range(4))
        held.gather(4, work)
        assert sorted(results) == [False, False, False, True]
        assert journal.version("same") == 2


def test_many_threads_append_without_gaps_and_see_what_they_appended(journal: Journal) -> None:
    def work(worker: int) -> None:
        stream = f"restore/1/{worker}"
        for version in range(0, 60, 3):
            assert journal.append(stream, version, items(3, version)) == version + 3
            steps = [item.step() for item in items(3, version)]
            assert len(journal.progress.ended(stream, steps)) == 3
            assert journal.version(stream) == version + 3

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert [row.position for row in journal.read()] == list(range(1, 361))
    assert check(journal.path) == []


def append_forever(journal: SqliteJournal, acknowledged: list[int]) -> None:
    while True:
        version = acknowledged[-1]
        acknowledged.append(journal.append("a", version, items(100, version)))


def fill(journal: SqliteJournal) -> int:
    """Let the journal run into a disk without room; return the acknowledged version."""
    connection = journal._committer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    acknowledged = [0]
    with pytest.raises(JournalWriteFailed, match="full"):
        append_forever(journal, acknowledged)
    return acknowledged[-1]


def test_a_full_disk_fails_the_append_and_every_later_one(path: Path) -> None:
    journal = SqliteJournal(path)
    with journal:
        version = fill(journal)
        journal._committer._connection.execute("PRAGMA max_page_count = 1000000")
        with pytest.raises(JournalWriteFailed, match="full"):
            journal.append("a", version, items(1))
        with pytest.raises(JournalWriteFailed):
            journal.rebuild()
        assert journal.version("a") == version
        assert version > 0
    assert check(path) == []
    with open_journal(path) as again:
        assert again.append("a", version, items(1)) == version + 1


def test_a_failed_commit_fails_everybody_in_its_group(path: Path) -> None:
    journal = SqliteJournal(path)
    held = HeldCommits(journal)
    work = threading.Event()
    connection = journal._committer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    def append(worker: int) -> str:
        work.wait()
        with pytest.raises((JournalWriteFailed, VersionConflict)) as raised:
            journal.append(f"w{worker}", int(worker == 0), items(200))
        return type(raised.value).__name__

    with journal, ThreadPoolExecutor(3) as pool:
        results = pool.map(append, range(3))
        held.gather(3, work)
        assert sorted(results) in (
            ["JournalWriteFailed", "JournalWriteFailed", "VersionConflict"],
            ["JournalWriteFailed", "JournalWriteFailed", "JournalWriteFailed"],
        )
        assert journal.head().position == 0
    assert check(path) == []


def test_a_projection_that_breaks_writes_nothing(path: Path) -> None:
    too_large = ItemRestored("1", "2", "d", 2**70)
    with open_journal(path) as journal, pytest.raises(JournalWriteFailed):
        journal.append("a", 0, [too_large])
    assert check(path) == []
    with open_reader(path) as reader:
        assert reader.head().position == 0


APPEND_FOREVER = """
import sys
from reinstate_journal import open_journal
from reinstate_journal.events import ItemRestored
with open_journal(sys.argv[1]) as journal:
    version = 0
    while True:
        batch = [ItemRestored(str(version + n), "2", "d" * 44, n) for n in range(50)]
        version = journal.append("restore/1/x", version, batch)
        print(version, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_every_acknowledged_event_survives_a_kill(path: Path, acknowledged: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", APPEND_FOREVER, path], stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        for _ in range(acknowledged):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        told = child.stdout.read().split("\n")
        last = max([acknowledged * 50, *(int(line) for line in told[:-1] if line)])
    assert child.returncode == -signal.SIGKILL
    with open_journal(path) as journal:
        version = journal.version("restore/1/x")
        assert version >= last
        assert version % 50 == 0
        assert sum(1 for _ in journal.read()) == version
        assert journal.append("restore/1/x", version, [PhaseStarted(1, 1)]) == version + 1
    assert check(path, CATALOGUE) == []
