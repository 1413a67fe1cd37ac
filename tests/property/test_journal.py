"""Laws of the journal, over whatever events there may be."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reinstate_journal import events as ev
from reinstate_journal import open_journal, open_reader
from reinstate_journal.catalogue import Catalogue, Event, Outcome, Upcast
from reinstate_journal.check import check
from reinstate_journal.journal import Journal
from reinstate_journal.sqlite.event_audit import COLUMNS, EventAudit
from reinstate_journal.sqlite.event_pages import event_pages
from reinstate_journal.sqlite.projection import PROJECTIONS, dump

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
few = st.sampled_from(["1", "2", "3"])
reason = st.sampled_from(["deleted", "too large", "Unreadable"])
digest = st.sampled_from(["", "0123456789ab", "/äöü\0'\"xyz"])
size = st.integers(0, 2**40)
run = st.integers(0, 3)
path = st.lists(text, min_size=1, max_size=3).map(tuple)
ids = st.lists(few, max_size=3).map(tuple)
options = st.dictionaries(text, st.none() | st.booleans() | size | text | st.lists(text))

whole_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(ev.RestoreCreated, few, text, text, text, text, text),
    st.builds(ev.RunStarted, run, run, text, options, st.none() | size),
    st.builds(ev.RunEnded, run, text, text),
    st.builds(ev.PhaseStarted, run, run),
    st.builds(ev.PhaseCompleted, run, run),
    st.builds(ev.NotificationRecorded, run, text, ids),
    st.builds(ev.DomainCreated, few, few),
    st.builds(ev.DomainConfigured, few, few),
    st.builds(ev.ClassOfServiceFound, few),
    st.builds(ev.DistributionListConfigured, few, text),
    st.builds(ev.ProvisioningFailed, few.map("domain {}".format), reason, text),
    st.builds(ev.AccountSkipped, few, text, reason, size),
)
account_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(ev.AccountCreated, few, text),
    st.builds(ev.AccountFound, few, text),
    st.builds(ev.AccountConfigured, few, ids),
    st.builds(ev.FiltersInstalled, few, ids),
    st.builds(ev.QuotaLifted, size),
    st.builds(ev.QuotaPutBack, size),
    st.builds(ev.FolderMapped, few, path, path, reason),
    st.builds(ev.FoldersMerged, path, ids),
    st.builds(ev.KeywordsLeftOut, few, ids),
    st.builds(ev.FoldersCreated, size),
    st.builds(ev.SpaceSaved, size, size, size),
    st.builds(ev.GrantsApplied, few, few, ids, ids),
    st.builds(ev.ItemRestored, few, few, digest, size),
    st.builds(ev.ItemSkipped, few, few, reason, digest, size),
    st.builds(ev.ItemFailed, few, few, reason, text, digest, size),
    st.builds(ev.ItemReopened, few, st.sampled_from(Outcome), reason, digest, size),
    st.builds(ev.ItemsCompleted, text),
    st.builds(ev.ItemsPassed, text, few),
    st.builds(ev.ProvisioningPlanned, st.lists(few, max_size=2).map(tuple)),
    st.builds(ev.MountpointMapped, few, path, path, text, path, path, reason),
    st.builds(ev.MountpointRestored, few),
    st.builds(
        ev.FilterTranslated,
        few,
        few,
        few,
        st.lists(st.builds(ev.FilterLeft, size, text, text), max_size=2).map(tuple),
    ),
    st.builds(
        ev.FilterRedirected,
        few,
        few,
        few,
        st.lists(st.builds(ev.FilterChange, size, text, text), max_size=2).map(tuple),
        st.lists(st.builds(ev.FilterLeft, size, text, text), max_size=2).map(tuple),
    ),
    st.builds(ev.FilterActivated, few, few),
    st.builds(ev.RelocationStarted, few, path, text, path, st.lists(few).map(tuple)),
    st.builds(ev.ItemsRelocated, few, path, text, path, st.lists(few).map(tuple)),
    st.builds(ev.StrayFolderEmptied, few, path, few, path),
    st.builds(ev.StrayFolderRemoved, few, path),
    st.builds(ev.StrayFolderKept, few, path, reason),
    st.builds(ev.AttributesMapped, few),
    st.builds(ev.MountpointRefused, few, path, reason),
    st.builds(ev.DataSourceRestored, few, few),
    st.builds(ev.AccountFailed, run, run, reason, text),
    st.builds(ev.AccountCompleted, run),
)


def item_life(item: str, ends: Sequence[tuple[Outcome, str, int]]) -> list[Event]:
    """An item that ends, is reopened, ends again: as the executor writes it."""
    life: list[Event] = []
    for number, (outcome, why, length) in enumerate(ends):
        if outcome is Outcome.DONE:
            return [*life, ev.ItemRestored(item, "2", "0123456789ab", length)]
        if outcome is Outcome.SKIPPED:
            life.append(ev.ItemSkipped(item, "2", why, "0123456789ab", length))
        else:
            life.append(ev.ItemFailed(item, "2", why, "detail", "0123456789ab", length))
        if number < len(ends) - 1:
            life.append(ev.ItemReopened(item, outcome, why, "0123456789ab", length))
    return life


ended = st.tuples(st.sampled_from([Outcome.DONE, Outcome.SKIPPED, Outcome.FAILED]), reason, size)
lives = st.builds(item_life, few, st.lists(ended, min_size=1, max_size=4))
whole = st.tuples(few.map(ev.restore_stream), st.lists(whole_events | account_events, max_size=5))
account = st.tuples(
    st.builds(ev.account_stream, few, few), st.lists(account_events, max_size=5) | lives
)
appends = st.lists(whole | account | st.tuples(text, st.lists(account_events, max_size=3)))
written = appends.filter(lambda parts: sum(len(part) for _, part in parts) >= 3)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def write(journal: Journal, parts: Sequence[tuple[str, Sequence[Event]]]) -> None:
    for stream, part in parts:
        journal.append(stream, journal.version(stream), part)


def derived(path: Path) -> dict[str, list[Any]]:
    """Every row of every projection, and the checkpoints."""
    tables = [table for projection in PROJECTIONS for table in projection.tables]
    with closing(sqlite3.connect(path)) as raw:
        return {table: list(dump(raw, table)) for table in (*tables, "projections")}


@given(appends)
@SETTINGS
def test_what_is_appended_is_read_back_and_sound(parts: list[tuple[str, list[Event]]]) -> None:
    with folder() as home:
        with open_journal(home / "j.db") as journal:
            write(journal, parts)
        with open_reader(home / "j.db") as reader:
            assert [row.event for row in reader.read()] == [e for _, part in parts for e in part]
            for stream in {stream for stream, _ in parts}:
                mine = [event for name, part in parts if name == stream for event in part]
                assert [row.event for row in reader.read(stream)] == mine
                assert reader.version(stream) == len(mine)
        assert check(home / "j.db") == []


@given(st.lists(st.lists(st.lists(account_events, min_size=1, max_size=3), max_size=5), max_size=4))
@settings(SETTINGS, max_examples=20)
def test_concurrent_writers_never_leave_a_gap(workers: list[list[list[Event]]]) -> None:
    with folder() as home, open_journal(home / "j.db") as journal:

        def work(number: int, batches: list[list[Event]]) -> None:
            version = 0
            for batch in batches:
                version = journal.append(f"restore/1/{number}", version, batch)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(len(workers)), workers))
        total = sum(len(batch) for batches in workers for batch in batches)
        assert [row.position for row in journal.read()] == list(range(1, total + 1))
        for number, batches in enumerate(workers):
            mine = [event for batch in batches for event in batch]
            assert [row.event for row in journal.read(f"restore/1/{number}")] == mine
        assert check(journal.path) == []


@given(appends)
@settings(SETTINGS, max_examples=60)
def test_a_rebuilt_projection_is_the_live_one(parts: list[tuple[str, list[Event]]]) -> None:
    with folder() as home, open_journal(home / "j.db") as journal:
        write(journal, parts)
        live = derived(journal.path)
        journal.rebuild()
        assert repr(derived(journal.path)) == repr(live)


@given(st.lists(ended, min_size=1, max_size=6))
@settings(SETTINGS, max_examples=30)
def test_an_item_counts_once_however_often_it_was_tried(
    ends: list[tuple[Outcome, str, int]],
) -> None:
    with folder() as home, open_journal(home / "j.db") as journal:
        for event in item_life("1", ends):
            journal.append("restore/1/a", journal.version("restore/1/a"), [event])
        (tally,) = journal.progress.tallies("restore/1/a")
        (step,) = journal.progress.ended("restore/1/a", ["item 1 01234567"]).values()
        assert tally.count == 1
        assert tally.outcome is step.outcome
        assert tally.reason == step.reason


def other(value: Any, data: st.DataObject) -> Any:
    """A value that is not `value`, near it or of another type."""
    near: list[Any] = [None, "", b"x", 1.5, -1, 0, 1, 2, 7]
    if isinstance(value, int):
        near += [value + 1, value - 1, value ^ (1 << data.draw(st.integers(0, 40)))]
    if isinstance(value, str):
        near += [value + " ", value[:-1], value.swapcase(), value.encode()]
    if isinstance(value, bytes):
        at = data.draw(st.integers(0, max(len(value) - 1, 0)))
        near += [value[:-1], value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] if value else 1]
    return data.draw(st.sampled_from([v for v in near if type(v) is not type(value) or v != value]))


def content(path: Path) -> list[str]:
    """Every row in the file as plain sqlite3 sees it."""
    with closing(sqlite3.connect(path)) as raw:
        raw.text_factory = bytes
        return sorted(
            f"{table}: {row!r}"
            for table in {*CORE, *DERIVED}
            for row in raw.execute(f"SELECT * FROM {table}")
        )


def pick(
    raw: sqlite3.Connection, data: st.DataObject, tables: Sequence[str]
) -> tuple[str, list[str], tuple[Any, ...]]:
    """Some row of some table, often the last one: table, columns, values."""
    filled = [table for table in tables if raw.execute(f"SELECT 1 FROM {table}").fetchone()]
    table = data.draw(st.sampled_from(filled or ["events"]))
    rows = raw.execute(f"SELECT * FROM {table}").fetchall()
    names = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
    return table, names, data.draw(st.sampled_from([*rows, rows[-1]]))


def flip(raw: sqlite3.Connection, data: st.DataObject, tables: Sequence[str]) -> None:
    table, names, row = pick(raw, data, tables)
    at = data.draw(st.integers(0, len(names) - 1))
    where = " AND ".join(f"{name} IS ?" for name in names)
    raw.execute(
        f"UPDATE OR REPLACE {table} SET {names[at]} = ? WHERE {where}",
        (other(row[at], data), *row),
    )


def drop(raw: sqlite3.Connection, data: st.DataObject, tables: Sequence[str]) -> None:
    table, names, row = pick(raw, data, tables)
    raw.execute(f"DELETE FROM {table} WHERE {' AND '.join(f'{n} IS ?' for n in names)}", row)


def cut(raw: sqlite3.Connection, data: st.DataObject, _tables: Sequence[str]) -> None:
    (last,) = raw.execute("SELECT max(position) FROM events").fetchone()
    raw.execute("DELETE FROM events WHERE position > ?", (data.draw(st.integers(0, last - 1)),))


def swap(raw: sqlite3.Connection, data: st.DataObject, _tables: Sequence[str]) -> None:
    rows = raw.execute("SELECT * FROM events").fetchall()
    one, two = data.draw(st.lists(st.sampled_from(rows), min_size=2, max_size=2, unique=True))
    raw.execute("UPDATE events SET position = -1 WHERE position = ?", (one[0],))
    raw.execute("UPDATE events SET position = ? WHERE position = ?", (one[0], two[0]))
    raw.execute("UPDATE events SET position = ? WHERE position = -1", (two[0],))


def insert(raw: sqlite3.Connection, data: st.DataObject, tables: Sequence[str]) -> None:
    table, _, row = pick(raw, data, tables)
    new = [
        other(value, data) if at < 3 or data.draw(st.booleans()) else value
        for at, value in enumerate(row)
    ]
    raw.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(new))})", new)


CORE = ("streams", "shapes", "events", "events", "events", "head", "projections")
DERIVED = tuple(table for projection in PROJECTIONS for table in projection.tables)


@pytest.mark.parametrize("damage", [flip, drop, cut, swap, insert])
@given(parts=written, data=st.data())
@settings(SETTINGS, max_examples=40)
def test_any_damaged_row_is_found_by_check(
    damage: Any, parts: list[tuple[str, list[Event]]], data: st.DataObject
) -> None:
    with folder() as home:
        path = home / "j.db"
        with open_journal(path) as journal:
            write(journal, parts)
        before = content(path)
        # The tables themselves refuse some damage.
        with (
            closing(sqlite3.connect(path, isolation_level=None)) as raw,
            suppress(sqlite3.IntegrityError),
        ):
            damage(raw, data, data.draw(st.sampled_from([CORE, DERIVED])))
        if content(path) != before:
            assert check(path) != []


@given(
    parts=written,
    damages=st.lists(st.sampled_from([flip, drop, swap, insert]), max_size=2),
    data=st.data(),
)
@SETTINGS
def test_pages_of_events_are_sound_when_nothing_is_wrong_with_any_of_their_rows(
    parts: list[tuple[str, list[Event]]], damages: list[Any], data: st.DataObject
) -> None:
    with folder() as home:
        path = home / "j.db"
        with open_journal(path) as journal:
            write(journal, parts)
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            for damage in damages:
                with suppress(sqlite3.IntegrityError):
                    damage(raw, data, ("streams", "shapes", "events"))
        by_page, by_row = events_of(path), events_of(path)
        with closing(sqlite3.connect(":memory:")) as raw:
            raw.execute("ATTACH ? AS journal", (str(path),))
            rows = raw.execute(f"SELECT {COLUMNS} FROM events ORDER BY position").fetchall()
            followed = [by_page.follow(page) for page in event_pages(raw)]
        sound = None not in followed and by_page.position == len(rows)
        assert sound == (not list(by_row.examine(rows)))


def events_of(path: Path) -> EventAudit:
    """An audit of the journal's events that knows its names."""
    with closing(sqlite3.connect(path)) as raw:
        streams = dict(raw.execute("SELECT id, name FROM streams WHERE typeof(name) = 'text'"))
        shapes = {
            number: (kind, schema)
            for number, kind, schema in raw.execute("SELECT * FROM shapes")
            if type(kind) is str and type(schema) is int
        }
    return EventAudit(ev.CATALOGUE, path, streams, shapes)


class Measured(Event, frozen=True):
    """Since schema 2 in bytes, not kilobytes; since schema 3 with a label."""

    schema = 3
    size: int
    label: str


UPCASTS: dict[tuple[str, int], Upcast] = {
    ("Measured", 1): lambda old: {"size": old["kilobytes"] * 1000},
    ("Measured", 2): lambda old: old | {"label": "?"},
}


def as_it_was(schema: int, kilobytes: int) -> Event:
    """A Measured as the code of that schema wrote it."""
    field = {1: "kilobytes", 2: "size"}[schema]
    kind = msgspec.defstruct(
        "Measured", [(field, int)], bases=(Event,), namespace={"schema": schema}, frozen=True
    )
    event = kind(kilobytes if schema == 1 else kilobytes * 1000)
    assert isinstance(event, Event)
    return event


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2**40)), min_size=1).map(sorted))
@SETTINGS
def test_an_upcast_event_is_the_event_that_would_be_written_today(
    facts: list[tuple[int, int]],
) -> None:
    today = [Measured(kilobytes * 1000, "?") for _, kilobytes in facts]
    with folder() as home:
        for version, (schema, kilobytes) in enumerate(facts):
            event = today[version] if schema == 3 else as_it_was(schema, kilobytes)
            with open_journal(home / "j.db", catalogue=Catalogue([type(event)], UPCASTS)) as old:
                old.append("a", version, [event])
        with open_reader(home / "j.db", catalogue=Catalogue([Measured], UPCASTS)) as reader:
            rows = list(reader.read())
        assert [row.event for row in rows] == today
        assert [row.schema for row in rows] == [schema for schema, _ in facts]
        assert check(home / "j.db", Catalogue([Measured], UPCASTS)) == []
