"""Readers beside a writer, and copies made while it writes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import pytest

from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check
from reinstate_journal.errors import JournalWriteFailed, UsageError
from reinstate_journal.events import ItemRestored
from reinstate_journal.journal import Journal


def items(count: int, start: int = 0) -> list[ItemRestored]:
    return [ItemRestored(str(start + n), "2", "d" * 44, n) for n in range(count)]


class Writing:
    """Appends to a journal in its own thread for as long as it is entered."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.begun = threading.Event()

    def _write(self) -> None:
        version = 0
        while not self._enough.is_set():
            version = self._journal.append("restore/1/x", version, items(20, version))
            self.begun.set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.begun.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()


def test_a_reader_sees_whole_transactions_while_the_writer_goes_on(
    journal: Journal, path: Path
) -> None:
    with open_reader(path) as reader, Writing(journal):
        before = 0
        for _ in range(30):
            rows = list(reader.read("restore/1/x"))
            assert len(rows) % 20 == 0
            assert len(rows) >= before
            before = len(rows)
            (tally,) = reader.progress.tallies("restore/1/x")
            assert tally.count >= before


def test_a_copy_made_while_writing_is_a_sound_journal(
    journal: Journal, path: Path, tmp_path: Path
) -> None:
    copies = [tmp_path / f"copy {number}.db" for number in range(3)]
    with Writing(journal):
        for copy in copies:
            journal.backup(copy)
    for copy in copies:
        assert check(copy) == []
        assert copy.stat().st_mode & 0o777 == 0o600
    with open_reader(copies[0]) as first, open_reader(path) as original:
        head = first.head()
        assert next(original.read(after=head.position - 1)).chain == head.chain
    assert not list(tmp_path.glob(".*"))


def test_a_copy_is_one_file_and_becomes_a_journal_that_is_written(
    journal: Journal, tmp_path: Path
) -> None:
    journal.append("a", 0, items(3))
    copy = tmp_path / "copy.db"
    journal.backup(copy)
    assert {file.name for file in tmp_path.glob("copy*")} == {"copy.db"}
    with open_journal(copy) as restored:
        assert restored.append("a", 3, items(1)) == 4
    assert check(copy) == []


def test_a_copy_never_replaces_a_file(journal: Journal, path: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    for target in (there, path):
        with pytest.raises(UsageError, match="exists already"):
            journal.backup(target)
    assert there.read_text() == "mine"


def test_a_copy_that_cannot_be_written_is_a_clear_error(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalWriteFailed, match="No such file"):
        journal.backup(tmp_path / "nowhere" / "copy.db")


def test_a_reader_can_make_a_copy_too(journal: Journal, path: Path, tmp_path: Path) -> None:
    journal.append("a", 0, items(3))
    with open_reader(path) as reader:
        reader.backup(tmp_path / "copy.db")
    assert check(tmp_path / "copy.db") == []
