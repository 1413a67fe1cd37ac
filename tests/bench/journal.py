"""Events/s of the journal beside bare SQLite and the eventsourcing library, and of its replay.

Bare SQLite is given the very rows that the journal has made, chain and JSON ready, into the same
tables and indexes by executemany, once the events alone and once with the rows of the
projection. All of them write batches of 1,000, each flushed (WAL, synchronous=FULL). The
library is installed for the run, into an environment of its own; without network it is left
out, and said so.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.figures import Goal, Table, goals

from reinstate_journal import open_journal
from reinstate_journal.check import check
from reinstate_journal.events import ItemRestored, account_stream
from reinstate_journal.sqlite.connections import connect_writer
from reinstate_journal.sqlite.progress import ProgressProjection
from reinstate_journal.sqlite.schema import MIGRATIONS

BATCH = 1000
EVENTS = 200_000
_ACCOUNTS = 10
_LIBRARY = Path(__file__).with_name("eventsourcing_peer.py")
_OURS, _CHECKED, _FOLDED = "journal", "journal: chain and projections checked", "journal: folded"
_BARE, _WITH_STEPS = "sqlite3, events", "sqlite3, events and projection"
_PEER, _PEER_READ = "eventsourcing", "eventsourcing: read back"

Rows = Sequence[tuple[Any, ...]]


class Spent(NamedTuple):
    """Wall seconds and processor seconds of one piece of work."""

    seconds: float
    processor: float


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Medians over the rounds. Raises SystemExit when somebody lacks an event."""
    number = max(int(EVENTS * asked.scale), BATCH)
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        python = _with_library(folder / "environment")
        rounds = [_round(folder, turn, number, python) for turn in range(asked.rounds)]
        size = (folder / "0.db").stat().st_size / number
    median = {
        what: Spent(*(statistics.median(column) for column in zip(*costs, strict=True)))
        for what in rounds[0]
        if (costs := [each[what] for each in rounds])
    }
    ours = median[_OURS]
    rows = [
        (
            *(what, number / cost.seconds, cost.seconds / ours.seconds),
            *(number / cost.processor, cost.processor / ours.processor),
        )
        for what, cost in median.items()
    ]
    yield Table(
        f"Journal, {number:,} events in batches of {BATCH:,}, median of {asked.rounds}",
        (
            *("what", "events/s", "time over ours"),
            *("events per processor s", "processor time over ours"),
        ),
        rows,
    )
    over = {what: cost.seconds / ours.seconds for what, cost in median.items()}
    wanted = [
        Goal("journal over bare sqlite3, events alone", over[_BARE], 0.5),
        Goal("journal over bare sqlite3 with projection", over[_WITH_STEPS], 0.5),
        Goal(
            "replay with chain check and projection, events/s",
            number / median[_CHECKED].seconds,
            250_000,
        ),
        Goal("journal bytes for each event", size, 250, at_most=True),
    ]
    if _PEER in over:
        wanted.insert(2, Goal("journal over eventsourcing", over[_PEER], 2))
    yield goals(wanted)


def _round(folder: Path, turn: int, number: int, python: Path | None) -> dict[str, Spent]:
    """The cost of each, in turn, each in a file of its own."""
    ours = folder / f"{turn}.db"
    spent = {_OURS: _append(ours, number)}
    events, steps = _rows(ours)
    _must_be(_OURS, len(events), number)
    spent[_BARE] = _bare(folder / f"{turn}.bare.db", events, [])
    spent[_WITH_STEPS] = _bare(folder / f"{turn}.steps.db", events, steps)
    if python is not None:
        asked = [
            str(python),
            str(_LIBRARY),
            str(folder / f"{turn}.peer.db"),
            str(number),
            str(BATCH),
        ]
        done = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True)
        written, read = done.stdout.split()[:2], done.stdout.split()[2:]
        spent[_PEER], spent[_PEER_READ] = Spent(*map(float, written)), Spent(*map(float, read))
    spent[_CHECKED] = _timed(lambda: _must_be("findings", len(check(ours)), 0))
    with open_journal(ours) as journal:
        spent[_FOLDED] = _timed(journal.rebuild)
    return spent


def _append(path: Path, number: int) -> Spent:
    each = -(-number // _ACCOUNTS)
    batches = [
        (
            account_stream("5b7b35ceb061", f"11111111-0000-4000-8000-{first // each:012}"),
            [
                ItemRestored(
                    item=str(1000 + place),
                    folder="2",
                    digest=f"{place:043}=",
                    size=1000 + place % 5000,
                )
                for place in range(first, min(first + BATCH, number))
            ],
        )
        for first in range(0, number, BATCH)
    ]
    with open_journal(path) as journal:
        versions = dict.fromkeys((stream for stream, _ in batches), 0)

        def append() -> None:
            for stream, events in batches:
                versions[stream] = journal.append(stream, versions[stream], events)

        return _timed(append)


def _rows(path: Path) -> tuple[Rows, Rows]:
    """What the journal has written: events, and steps in the same order."""
    with closing(sqlite3.connect(path)) as connection:
        events = connection.execute("SELECT * FROM events ORDER BY position").fetchall()
        return events, connection.execute("SELECT * FROM steps ORDER BY position").fetchall()


def _bare(path: Path, events: Rows, steps: Rows) -> Spent:
    """executemany, with the journal's own tables and settings of SQLite."""
    path.touch()
    with closing(connect_writer(path)) as connection:
        for statement in (*MIGRATIONS[0][1], *ProgressProjection.tables["steps"]):
            connection.execute(statement)

        def insert() -> None:
            for start in range(0, len(events), BATCH):
                connection.execute("BEGIN IMMEDIATE")
                for table, rows in (("events", events), ("steps", steps)):
                    if batch := rows[start : start + BATCH]:
                        marks = ", ".join("?" * len(batch[0]))
                        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", batch)
                connection.execute("COMMIT")

        spent = _timed(insert)
        (found,) = connection.execute("SELECT count(*) FROM events").fetchone()
    _must_be("sqlite3", found, len(events))
    return spent


def _with_library(folder: Path) -> Path | None:
    """A Python that has the library; None, and why, when it cannot be had."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "eventsourcing"]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(f"without the eventsourcing library: {done.stderr.strip()}\n")
        return None
    return python


def _timed(work: Callable[[], object]) -> Spent:
    began = time.monotonic(), time.process_time()
    work()
    return Spent(time.monotonic() - began[0], time.process_time() - began[1])


def _must_be(what: str, found: int, wanted: int) -> None:
    if found != wanted:
        sys.exit(f"{what}: {found:,} where {wanted:,} should be")
