"""Appending to streams and reading them back."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from reinstate_journal import open_journal
from reinstate_journal.catalogue import Event, UnknownShape
from reinstate_journal.chain import GENESIS, link
from reinstate_journal.check import check
from reinstate_journal.errors import VersionConflict
from reinstate_journal.events import DomainCreated, ItemRestored, PhaseStarted
from reinstate_journal.journal import Head, Journal

ITEM = ItemRestored(item="301", folder="2", digest="0123456789ab", size=77)


class StrangerCame(Event, frozen=True):
    """An event that no catalogue here knows."""


def test_an_empty_journal_has_no_events_and_a_head_at_zero(journal: Journal) -> None:
    assert journal.head() == Head(0, GENESIS)
    assert journal.version("restore/1") == 0
    assert list(journal.read()) == []


def test_what_is_appended_is_read_back_in_order(journal: Journal, clock: Any) -> None:
    assert journal.append("restore/1", 0, [PhaseStarted(1, 1), DomainCreated("a.test")]) == 2
    clock.now += 5
    assert journal.append("restore/1/x", 0, [ITEM]) == 1
    rows = list(journal.read())
    assert [row.event for row in rows] == [PhaseStarted(1, 1), DomainCreated("a.test"), ITEM]
    assert [(row.position, row.stream, row.version) for row in rows] == [
        (1, "restore/1", 1),
        (2, "restore/1", 2),
        (3, "restore/1/x", 1),
    ]
    assert rows[2].type == "ItemRestored"
    assert rows[2].schema == 1
    assert rows[2].data == '{"item":"301","folder":"2","digest":"0123456789ab","size":77}'
    assert [row.recorded_at - rows[0].recorded_at for row in rows] == [0, 0, 5]
    assert journal.head() == Head(3, rows[2].chain)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 99, 100, 101, 1234])
def test_as_many_events_as_anybody_likes_are_appended_at_once(journal: Journal, count: int) -> None:
    items = [ItemRestored(str(number), "2", "d" * 44, number) for number in range(count)]
    stream = "restore/1/x"
    assert journal.append(stream, 0, items) == count
    assert [row.event for row in journal.read()] == items
    ended = journal.progress.ended(stream, [item.step() for item in items])
    assert sorted(one.position for one in ended.values()) == list(range(1, count + 1))
    assert check(journal.path) == []


def test_the_chain_is_what_the_documentation_says(journal: Journal) -> None:
    journal.append("restore/1", 0, [PhaseStarted(1, 1), PhaseStarted(1, 2)])
    chain = GENESIS
    for row in journal.read():
        texts = (row.stream.encode(), row.type.encode(), row.data.encode())
        chain = link(
            chain,
            row.position,
            texts[0],
            row.version,
            texts[1],
            row.schema,
            row.recorded_at,
            texts[2],
        )
        assert row.chain == chain


def test_reading_narrows_by_stream_position_type_and_number(journal: Journal) -> None:
    for number in range(1, 4):
        journal.append("a", (number - 1) * 2, [PhaseStarted(number, 1), ITEM])
        journal.append("b", number - 1, [ITEM])
    assert [row.position for row in journal.read("a")] == [1, 2, 4, 5, 7, 8]
    assert [row.position for row in journal.read("a", after=4)] == [5, 7, 8]
    assert [row.position for row in journal.read(types=[ItemRestored], limit=4)] == [2, 3, 5, 6]
    assert [row.position for row in journal.read("b", types=[PhaseStarted])] == []
    assert [row.position for row in journal.read(after=3, limit=2)] == [4, 5]
    assert list(journal.read("nobody")) == []
    assert list(journal.read(limit=0)) == []


def test_reading_goes_over_many_pages(journal: Journal) -> None:
    journal.append("a", 0, [PhaseStarted(number, 1) for number in range(2500)])
    journal.append("b", 0, [ITEM])
    journal.append("a", 2500, [PhaseStarted(number, 1) for number in range(2500, 3000)])
    assert [row.version for row in journal.read("a")] == list(range(1, 3001))
    assert [row.position for row in journal.read()] == list(range(1, 3002))
    assert len(list(journal.read("a", limit=1500))) == 1500


def test_appending_while_reading_neither_blocks_nor_prolongs_the_reading(journal: Journal) -> None:
    journal.append("a", 0, [PhaseStarted(number, 1) for number in range(2000)])
    seen = 0
    for version, _ in enumerate(journal.read(), start=2000):
        journal.append("a", version, [ITEM]) if version < 2010 else None
        seen += 1
    assert seen == 2000
    assert journal.version("a") == 2010


def test_a_wrong_expected_version_is_a_conflict_and_nothing_is_written(journal: Journal) -> None:
    journal.append("a", 0, [ITEM])
    with pytest.raises(VersionConflict, match="at version 1, not at 0"):
        journal.append("a", 0, [ITEM])
    with pytest.raises(VersionConflict):
        journal.append("new", 1, [ITEM])
    assert journal.head().position == 1
    assert journal.append("a", 1, [ITEM]) == 2


def test_several_streams_are_appended_to_all_or_nothing(journal: Journal) -> None:
    appended = journal.append_all([("a", 0, [ITEM]), ("b", 0, [ITEM, ITEM]), ("a", 1, [ITEM])])
    assert appended == [1, 2, 2]
    with pytest.raises(VersionConflict):
        journal.append_all([("a", 2, [ITEM]), ("c", 0, [ITEM]), ("b", 7, [ITEM])])
    assert [journal.version(stream) for stream in "abc"] == [2, 2, 0]


def test_appending_nothing_still_checks_the_version(journal: Journal) -> None:
    assert journal.append("a", 0, []) == 0
    with pytest.raises(VersionConflict):
        journal.append("a", 3, [])
    assert journal.append_all([]) == []


def test_an_event_outside_the_catalogue_is_refused_before_anything_is_written(
    journal: Journal,
) -> None:
    with pytest.raises(UnknownShape):
        journal.append("a", 0, [ITEM, StrangerCame()])
    assert journal.head().position == 0
    assert journal.append("a", 0, [ITEM]) == 1


def test_an_event_that_could_not_be_read_again_is_refused(journal: Journal) -> None:
    wrong: Any = "many"
    with pytest.raises(ValueError, match="does not survive"):
        journal.append("a", 0, [ItemRestored("1", "2", "d", wrong)])
    with pytest.raises(ValueError, match="surrogate"):
        journal.append("a", 0, [DomainCreated("\udc80")])
    assert journal.append("a", 0, [ITEM]) == 1


def test_a_clock_that_jumps_back_never_dates_an_event_before_the_last(
    journal: Journal, path: Path, clock: Any
) -> None:
    start = clock.now
    journal.append("a", 0, [ITEM])
    clock.now -= 60_000
    journal.append("a", 1, [ITEM])
    clock.now = start + 1
    journal.append("a", 2, [ITEM])
    journal.close()
    clock.now = 0
    with open_journal(path, clock=clock) as again:
        again.append("a", 3, [ITEM])
        assert [row.recorded_at - start for row in again.read()] == [0, 0, 1, 1]


def test_people_read_the_log_with_plain_sqlite(journal: Journal, path: Path) -> None:
    journal.append("restore/1/x", 0, [ITEM])
    plain = sqlite3.connect(path)
    row = plain.execute("SELECT * FROM log").fetchone()
    plain.close()
    assert row[:-1] == (
        1,
        "restore/1/x",
        1,
        "ItemRestored",
        1,
        "2023-11-14T22:13:20.000Z",
        '{"item":"301","folder":"2","digest":"0123456789ab","size":77}',
    )
    assert row[-1] == journal.head().chain.hex()
