"""What `check` finds, and how projections come back. Row damage: tests/property."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from reinstate_journal import open_journal, open_reader
from reinstate_journal.chain import link
from reinstate_journal.check import Finding, check
from reinstate_journal.errors import JournalMissing, JournalOutdated
from reinstate_journal.events import AccountCreated, ItemRestored, ItemSkipped, account_stream
from reinstate_journal.journal import Journal

ANNA = account_stream("r1", "a1")


@pytest.fixture
def closed(journal: Journal, path: Path) -> Path:
    """The file of a journal with a few events that nobody has open."""
    first = [AccountCreated("a1", "anna@x.test"), ItemRestored("1", "2", "d" * 44, 7)]
    journal.append(ANNA, 0, first)
    journal.append(ANNA, 2, [ItemSkipped("2", "2", "deleted")])
    journal.close()
    return path


def alter(path: Path, *statements: str) -> None:
    raw = sqlite3.connect(path)
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()


def test_a_sound_journal_gives_no_findings(closed: Path) -> None:
    assert check(closed) == []


def test_a_journal_that_is_written_right_now_can_be_checked(journal: Journal) -> None:
    journal.append(ANNA, 0, [AccountCreated("a1", "anna@x.test")])
    assert check(journal.path) == []


def test_checking_no_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalMissing):
        check(tmp_path / "nowhere.db")


def test_garbage_is_a_finding(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    (finding,) = check(path)
    assert "not a database" in finding.message


def test_a_changed_event_is_found_at_its_position(closed: Path) -> None:
    alter(closed, "UPDATE events SET data = replace(data, '7', '8') WHERE position = 2")
    assert Finding("it does not follow from the event before it (chain)", 2) in check(closed)


def test_data_that_is_not_of_its_type_or_not_text_is_found(closed: Path) -> None:
    alter(closed, "UPDATE events SET data = '{}' WHERE position = 2")
    assert any("is not a ItemRestored" in finding.message for finding in check(closed))
    alter(closed, "UPDATE events SET data = CAST(x'ff7b7d' AS TEXT) WHERE position = 2")
    assert check(closed)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP VIEW log",
        "DROP INDEX troubles",
        "CREATE TABLE songs (title TEXT)",
        "CREATE TRIGGER evil AFTER INSERT ON events BEGIN DELETE FROM events; END",
        "ALTER TABLE steps ADD COLUMN more",
    ],
)
def test_a_changed_schema_is_found(closed: Path, statement: str) -> None:
    alter(closed, statement)
    assert check(closed)


def test_a_flipped_byte_in_any_page_never_shows_a_traceback(closed: Path) -> None:
    sound = closed.read_bytes()
    for offset in range(0, len(sound), 997):
        damaged = bytearray(sound)
        damaged[offset] ^= 0xFF
        closed.write_bytes(damaged)
        check(closed)


def test_a_broken_projection_is_found_and_rebuilding_mends_it(closed: Path) -> None:
    alter(closed, "UPDATE tallies SET count = 9", "DELETE FROM accounts")
    messages = [finding.message for finding in check(closed)]
    assert len(messages) == 2
    assert "tallies" in messages[1]
    with open_journal(closed) as journal:
        journal.rebuild()
    assert check(closed) == []


OUTDATED = [
    ("UPDATE projections SET version = 0", "DROP TABLE steps"),
    ("DELETE FROM projections", "DROP TABLE accounts", "DROP TABLE folders"),
]


@pytest.mark.parametrize("statements", [*OUTDATED, ("UPDATE projections SET position = 77",)])
def test_projections_of_another_version_are_made_anew_by_the_next_writer(
    closed: Path, statements: tuple[str, ...]
) -> None:
    alter(closed, *statements)
    assert check(closed)
    with open_journal(closed) as journal:
        (skipped, done) = sorted(journal.progress.tallies(ANNA), key=lambda tally: tally.bytes)
        assert (skipped.count, done.count, done.bytes) == (1, 1, 7)
    assert check(closed) == []


@pytest.mark.parametrize("statements", OUTDATED)
def test_the_first_reader_after_another_version_makes_the_projections_anew(
    closed: Path, statements: tuple[str, ...]
) -> None:
    alter(closed, *statements)
    with open_reader(closed) as reader:
        assert sum(tally.count for tally in reader.progress.tallies(ANNA)) == 2
    assert check(closed) == []


def test_a_reader_says_who_else_writes_with_another_version(journal: Journal, path: Path) -> None:
    alter(path, *OUTDATED[0])
    with pytest.raises(
        JournalOutdated, match=f"another version of reinstate, process {os.getpid()}"
    ):
        open_reader(path)
    assert journal.head()


def test_projections_that_lag_behind_are_brought_up(closed: Path) -> None:
    alter(
        closed,
        "UPDATE projections SET position = 2",
        "DELETE FROM steps WHERE position = 3",
        "DELETE FROM tallies WHERE outcome = 1",
    )
    with open_journal(closed):
        pass
    assert check(closed) == []


@pytest.mark.parametrize("count", [4_999, 5_000, 5_001, 10_000])
def test_the_end_of_the_events_may_be_that_of_a_page(
    journal: Journal, path: Path, count: int
) -> None:
    journal.append(ANNA, 0, [ItemRestored(str(n), "2", "d" * 44, n) for n in range(count)])
    journal.close()
    assert check(path) == []
    alter(path, f"DELETE FROM events WHERE position = {count}")
    assert any("the end was cut" in finding.message for finding in check(path))


def test_a_flood_of_findings_ends(journal: Journal, path: Path) -> None:
    journal.append(ANNA, 0, [ItemRestored(str(n), "2", "d", n) for n in range(1500)])
    journal.close()
    alter(path, "UPDATE events SET recorded_at = recorded_at + 1")
    found = check(path)
    assert len(found) == 1001
    assert "more" in found[-1].message


def test_damage_is_named_where_it_is_however_many_events_there_are(
    journal: Journal, path: Path
) -> None:
    journal.append(ANNA, 0, [ItemRestored(str(n), "2", "d" * 44, n) for n in range(12_000)])
    journal.close()
    assert check(path) == []
    alter(
        path,
        "UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 3",
        "UPDATE events SET data = replace(data, 'ddd', 'eee') WHERE position = 7000",
        "UPDATE events SET data = CAST(data AS BLOB) WHERE position = 11000",
    )
    assert check(path)[:-1] == [
        Finding("it is dated before the event before it", 3),
        Finding("it does not follow from the event before it (chain)", 3),
        Finding("it does not follow from the event before it (chain)", 7000),
        Finding("a column is not of its type", 11000),
        Finding("version 11001 does not follow in stream 1", 11001),
    ]


@pytest.mark.parametrize("column", ["stream", "version", "shape", "recorded_at"])
@pytest.mark.parametrize("value", ["1.5", "'1 and more'", "x'31'", "CAST(x'ff' AS TEXT)"])
def test_a_value_that_is_no_integer_is_found_where_it_is(
    closed: Path, column: str, value: str
) -> None:
    alter(closed, f"UPDATE events SET {column} = {value} WHERE position = 2")
    assert Finding("a column is not of its type", 2) in check(closed)


def test_json_that_goes_over_lines_is_sound_and_its_projections_are_compared(closed: Path) -> None:
    append_by_hand(closed, '{"item":"3",\n"folder":"2","digest":"e","size":1}')
    assert len(check(closed)) == 3  # the checkpoint, and that steps and tallies lag behind
    with open_journal(closed) as journal:
        journal.rebuild()
    assert check(closed) == []
    alter(closed, "DELETE FROM steps WHERE position = 4")
    (finding,) = check(closed)
    assert "steps" in finding.message


def append_by_hand(path: Path, data: str) -> None:
    """One more ItemRestored, rightly chained, with data as another writer might have put it."""
    with closing(sqlite3.connect(path)) as raw, raw:
        (kind,) = raw.execute("SELECT id FROM shapes WHERE type = 'ItemRestored'").fetchone()
        last, at, chain = raw.execute(
            "SELECT position, recorded_at, chain FROM events ORDER BY position DESC"
        ).fetchone()
        new = last + 1
        row = new, ANNA.encode(), new, b"ItemRestored", ItemRestored.schema, at, data.encode()
        chain = link(chain, *row)
        raw.execute(
            "INSERT INTO events VALUES (?, 1, ?, ?, ?, ?, ?)", (new, new, kind, at, data, chain)
        )
        raw.execute("UPDATE streams SET version = ?", (new,))
        raw.execute("UPDATE head SET position = ?, chain = ?", (new, chain))


def test_a_journal_is_sound_while_another_thread_appends_to_it(journal: Journal) -> None:
    item, ends = ItemRestored("1", "2", "d" * 44, 7), threading.Event()

    def append() -> int:
        version = 0
        while not ends.is_set():
            version = journal.append(ANNA, version, [item] * 500)
        return version

    with ThreadPoolExecutor(1) as beside:
        appended = beside.submit(append)
        try:
            found = [finding for _ in range(10) for finding in check(journal.path)]
        finally:
            ends.set()
    assert found == []
    assert appended.result()


def test_one_row_of_a_projection_that_differs_is_named(journal: Journal, path: Path) -> None:
    journal.append(ANNA, 0, [ItemRestored(str(n), "2", "d" * 44, n) for n in range(6_000)])
    journal.close()
    alter(path, "UPDATE steps SET position = 1 WHERE step = 'item 5432 dddddddd'")
    (finding,) = check(path)
    assert "(1, 'item 5432 dddddddd', 0, None, None, 1) should be" in finding.message


def test_damage_before_a_page_of_the_file_that_cannot_be_read_is_named_too(
    journal: Journal, path: Path
) -> None:
    journal.append(ANNA, 0, [ItemRestored(str(n), "2", "d" * 44, n) for n in range(4_000)])
    journal.close()
    alter(path, "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 10")
    content = bytearray(path.read_bytes())
    page = content.index(b'"item":"3000"') // 4096 * 4096
    content[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    found = check(path)
    assert Finding("it does not follow from the event before it (chain)", 10) in found
    assert found[-1] == Finding("database disk image is malformed")


@pytest.mark.parametrize("table", ["stream", "shape"])
def test_a_number_that_was_not_given_by_first_appearance_is_found(closed: Path, table: str) -> None:
    alter(
        closed,
        f"UPDATE {table}s SET id = 0 WHERE id = 1",
        f"UPDATE events SET {table} = 0 WHERE {table} = 1",
    )
    assert Finding(f"{table} 0 is not numbered by its first event", 1) in check(closed)
