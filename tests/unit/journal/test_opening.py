"""Who may open a journal, and which files are one."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from reinstate_journal import open_journal, open_reader
from reinstate_journal.catalogue import Catalogue, Event
from reinstate_journal.check import check
from reinstate_journal.errors import (
    JournalDamaged,
    JournalError,
    JournalInUse,
    JournalMissing,
    JournalTooNew,
)
from reinstate_journal.events import PhaseStarted
from reinstate_journal.journal import Journal
from reinstate_journal.sqlite.tail import TAIL

OPEN = """
import sys
from reinstate_journal import open_journal
from reinstate_journal.errors import JournalInUse
try:
    open_journal(sys.argv[1]).close()
except JournalInUse as error:
    print(error)
"""


def open_elsewhere(path: Path) -> str:
    """What a second process has to say when it opens the journal to write."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, path], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def alter(path: Path, statement: str) -> None:
    raw = sqlite3.connect(path)
    raw.execute(statement)
    raw.commit()
    raw.close()


def test_a_second_process_is_told_who_writes(journal: Journal, path: Path) -> None:
    told = open_elsewhere(path)
    assert f"process {os.getpid()} on {socket.gethostname()}" in told
    journal.close()
    assert open_elsewhere(path) == ""


def test_a_second_writer_in_this_process_is_refused_too(journal: Journal, path: Path) -> None:
    with pytest.raises(JournalInUse):
        open_journal(path)
    assert journal.append("a", 0, [PhaseStarted(1, 1)]) == 1


def test_a_writer_that_could_not_open_leaves_no_lock(path: Path) -> None:
    path.write_bytes(b"garbage, and much of it " * 100)
    for _ in range(2):
        with pytest.raises(JournalDamaged):
            open_journal(path)


def test_closing_twice_is_allowed_and_a_closed_journal_answers_clearly(journal: Journal) -> None:
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append("a", 0, [PhaseStarted(1, 1)])
    with pytest.raises(JournalError, match="closed"):
        journal.head()


@pytest.mark.parametrize("place", [0, 1])
def test_a_stream_that_is_not_found_by_its_name_is_refused(
    journal: Journal, path: Path, place: int
) -> None:
    """A flipped bit in the row or in the index: the stream would begin anew."""
    journal.append("a stream of events", 0, [PhaseStarted(1, 1)])
    journal.close()
    pieces = path.read_bytes().split(b"a stream")
    assert len(pieces) == 3
    path.write_bytes(
        b"a stream".join(pieces[: place + 1]) + b"b stream" + b"a stream".join(pieces[place + 1 :])
    )
    with pytest.raises(JournalDamaged, match=r"follow|its streams"):
        open_journal(path)


def test_a_stream_of_another_length_than_its_events_is_refused(
    journal: Journal, path: Path
) -> None:
    journal.append("a", 0, [PhaseStarted(1, 1)])
    journal.close()
    alter(path, "UPDATE streams SET version = 2")
    with pytest.raises(JournalDamaged, match="stream a has another length"):
        open_journal(path)


def test_only_the_owner_may_read_a_journal(journal: Journal, path: Path) -> None:
    journal.append("a", 0, [PhaseStarted(1, 1)])
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file.name


def test_a_reader_of_no_journal_is_told_so_and_makes_none(path: Path) -> None:
    with pytest.raises(JournalMissing, match=str(path)):
        open_reader(path)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"no journal at all " * 500, b"x", b"SQLite format 3\0" * 99])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for opening in (open_reader, open_journal):
        with pytest.raises(JournalDamaged):
            opening(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_not_touched(path: Path) -> None:
    alter(path, "CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    for opening in (open_reader, open_journal):
        with pytest.raises(JournalDamaged, match="not a journal"):
            opening(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_journal_for_the_writer_only(path: Path) -> None:
    path.touch()
    with pytest.raises(JournalDamaged):
        open_reader(path)
    with open_journal(path) as journal:
        assert journal.head().position == 0


def test_a_folder_or_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="not a file"):
        open_journal(tmp_path)
    with pytest.raises(JournalError, match="No such file"):
        open_journal(tmp_path / "nowhere" / "journal.db")


def test_a_path_with_signs_of_uris_works(tmp_path: Path) -> None:
    path = tmp_path / "what? 100% #1 & más.db"
    with open_journal(path) as journal:
        journal.append("a", 0, [PhaseStarted(1, 1)])
        with open_reader(path) as reader:
            assert reader.version("a") == 1
    assert {file.name for file in tmp_path.iterdir()} == {path.name, path.name + ".lock"}


def test_a_later_format_is_too_new(journal: Journal, path: Path) -> None:
    journal.close()
    alter(path, "PRAGMA user_version = 99")
    for opening in (open_reader, open_journal, check):
        with pytest.raises(JournalTooNew, match="format 99"):
            opening(path)


def test_an_event_of_a_later_shape_or_unknown_type_is_too_new(path: Path) -> None:
    later = later_catalogue()
    with open_journal(path, catalogue=later) as journal:
        reader = open_reader(path)
        journal.append("a", 0, [later.types["PhaseStarted"](1, 1, "moon")])  # type: ignore[call-arg]
    with reader, pytest.raises(JournalTooNew):
        list(reader.read())
    for opening in (open_reader, open_journal, check):
        with pytest.raises(JournalTooNew, match="PhaseStarted of schema 2"):
            opening(path)
    empty = Catalogue([])
    with pytest.raises(JournalTooNew, match="PhaseStarted"):
        open_journal(path, catalogue=empty)


def test_a_writer_refuses_a_journal_whose_end_was_cut(journal: Journal, path: Path) -> None:
    journal.append("a", 0, [PhaseStarted(1, 1), PhaseStarted(1, 2)])
    journal.close()
    alter(path, "DELETE FROM events WHERE position = 2")
    with pytest.raises(JournalDamaged, match="last event"):
        open_journal(path)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE events SET data = replace(data, '7', '8') WHERE position = {}",
        "UPDATE events SET data = CAST(data AS BLOB) WHERE position = {}",
        "UPDATE events SET data = CAST(x'ff' AS TEXT) WHERE position = {}",
        "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = {}",
        "UPDATE events SET stream = 99 WHERE position = {}",
        "DELETE FROM events WHERE position = {}",
    ],
)
@pytest.mark.parametrize("known", [3, TAIL + 2])
def test_a_writer_refuses_a_journal_whose_last_events_were_changed(
    path: Path, harm: str, known: int
) -> None:
    with open_journal(path) as journal:
        journal.append("a", 0, [PhaseStarted(7, 1)] * known)
    open_journal(path).close()
    for position in (known - 1, known - 2):
        copy = path.with_name(f"{position}.db")
        shutil.copyfile(path, copy)
        alter(copy, harm.format(position))
        with pytest.raises(JournalDamaged):
            open_journal(copy)


def test_what_was_changed_before_the_last_events_is_found_by_check_alone(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append("a", 0, [PhaseStarted(7, 1)] * (TAIL + 2))
    alter(path, "UPDATE events SET data = replace(data, '7', '8') WHERE position = 1")
    open_journal(path).close()
    assert next(iter(check(path))).position == 1


class NameGiven(Event, frozen=True):
    """Today's shape; until schema 2 the name was one text."""

    schema = 3
    first: str
    last: str


def split_name(old: dict[str, str]) -> dict[str, str]:
    first, _, last = old["name"].partition(" ")
    return {"first": first, "surname": last}


def rename_surname(old: dict[str, str]) -> dict[str, str]:
    return {"first": old["first"], "last": old["surname"]}


def later_catalogue() -> Catalogue:
    """The catalogue of a version to come."""

    class PhaseStarted(Event, frozen=True):
        schema = 2
        run: int
        phase: int
        moon: str

    return Catalogue([PhaseStarted], {("PhaseStarted", 1): dict})


def old_catalogue() -> Catalogue:
    """The catalogue as the first version of the code had it."""

    class NameGiven(Event, frozen=True):
        name: str

    return Catalogue([NameGiven])


def test_an_old_event_is_upcast_when_read_and_its_row_stays(path: Path) -> None:
    old = old_catalogue()
    with open_journal(path, catalogue=old) as journal:
        journal.append("people", 0, [old.types["NameGiven"](name="Ada Lovelace")])  # type: ignore[call-arg]
    new = Catalogue([NameGiven], {("NameGiven", 1): split_name, ("NameGiven", 2): rename_surname})
    with open_journal(path, catalogue=new) as journal:
        journal.append("people", 1, [NameGiven("Alan", "Turing")])
        rows = list(journal.read())
        journal.rebuild()
    assert [row.event for row in rows] == [
        NameGiven("Ada", "Lovelace"),
        NameGiven("Alan", "Turing"),
    ]
    assert [row.schema for row in rows] == [1, 3]
    assert rows[0].data == '{"name":"Ada Lovelace"}'
    assert check(path, new) == []
    with pytest.raises(JournalTooNew):
        open_reader(path, catalogue=old)


def test_a_name_too_long_for_the_disk_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="too long"):
        open_reader(tmp_path / ("if " * 100))
