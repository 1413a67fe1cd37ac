"""The projection `progress`: restores, runs, accounts, steps and tallies of items."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, ClassVar

from reinstate_journal import events
from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.sqlite.insert import Insert
from reinstate_journal.sqlite.intents import INTENTS, OF_INTENTS, fold_intents
from reinstate_journal.sqlite.row import Stretch, restore_of
from reinstate_journal.sqlite.runs import ACCOUNTS, CHANGES, RESTORES, RUNS

#: How an outcome stands in `steps` and `tallies`: its place in this list.
OUTCOMES = (Outcome.DONE, Outcome.SKIPPED, Outcome.FAILED, Outcome.DOUBT)
_CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
_DONE, _SKIPPED, _FAILED, _DOUBT = (_CODES[outcome] for outcome in OUTCOMES)
_SIZE = attrgetter("size")

# The bulk of the journal beside the events: one row for every step that has
# ended, so it holds what the next decision needs and no more. `reason` and
# `size` are NULL for a step that is done.
_STEPS = """CREATE TABLE steps (
    stream INTEGER NOT NULL,
    step TEXT NOT NULL,
    outcome INTEGER NOT NULL,
    reason TEXT,
    size INTEGER,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, step)
) WITHOUT ROWID"""

_TROUBLES = "CREATE INDEX troubles ON steps (position) WHERE outcome >= 2"

_TALLIES = """CREATE TABLE tallies (
    stream INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (stream, outcome, reason)
) WITHOUT ROWID"""

#: How a step has ended: done, at that position; otherwise with outcome, reason, size and
#: position; or not at all, being reopened.
_Ended = int | tuple[int, Any, Any, int] | None

_STEPS_INTO = "steps (stream, step, outcome, reason, size, position)"
_STEPS_CONFLICT = (
    "ON CONFLICT (stream, step) DO UPDATE SET outcome = excluded.outcome,"
    " reason = excluded.reason, size = excluded.size, position = excluded.position"
)
_INSERT_DONE = Insert(_STEPS_INTO, f"(?, ?, {_DONE}, NULL, NULL, ?)", _STEPS_CONFLICT)
_INSERT_OTHERS = Insert(_STEPS_INTO, "(?, ?, ?, ?, ?, ?)", _STEPS_CONFLICT)
_INSERT_TALLIES = Insert(
    "tallies (stream, outcome, reason, count, bytes)",
    "(?, ?, ?, ?, ?)",
    "ON CONFLICT (stream, outcome, reason)"
    " DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes",
)


class ProgressProjection:
    """How far each restore is.

    Tallies are sums over events and nothing else: a reopened item takes away
    what its earlier event added, and a row that comes to nothing stays with
    zeros. This keeps them the same in whatever batches they are folded.
    """

    name: ClassVar[str] = "progress"
    version: ClassVar[int] = 4
    tables: ClassVar[Mapping[str, Sequence[str]]] = {
        "restores": (RESTORES,),
        "runs": (RUNS,),
        "accounts": (ACCOUNTS,),
        "steps": (_STEPS, _TROUBLES),
        "tallies": (_TALLIES,),
        "intents": (INTENTS,),
    }

    def apply(self, connection: sqlite3.Connection, stretches: Sequence[Stretch]) -> None:
        """Fold the events; steps and tallies are gathered and written once for all of them."""
        ended: defaultdict[int, dict[str | None, _Ended]] = defaultdict(dict)
        tallies: defaultdict[tuple[int, int, str], list[int]] = defaultdict(lambda: [0, 0])
        for stretch in stretches:
            number, kind, positions = stretch.stream_id, stretch.kind, stretch.positions
            for outcome, reason, count, size in _counted(stretch):
                tally = tallies[number, outcome, reason]
                tally[0] += count
                tally[1] += size
            if kind.ends is not None or kind is events.ItemReopened:
                ended[number].update(_ended(stretch))
                ended[number].pop(None, None)  # what a step of None has ended is no step
            if kind in OF_INTENTS:
                for event, position in zip(stretch.events, positions, strict=True):
                    fold_intents(connection, number, position, event)
            if (change := CHANGES.get(kind)) is not None and (place := restore_of(stretch.stream)):
                for event in stretch.events:
                    for statement, values in change(event, place, stretch.recorded_at):
                        connection.execute(statement, values)
        _write_steps(connection, ended)
        _INSERT_TALLIES(connection, [n for key, sums in tallies.items() for n in (*key, *sums)])


def _ended(stretch: Stretch) -> Iterator[tuple[str | None, _Ended]]:
    """The steps that the events end or reopen, and how."""
    steps = map(stretch.kind.step, stretch.events)
    match stretch.kind.ends:
        case None:
            return zip(steps, repeat(None), strict=False)
        case Outcome.DONE:
            return zip(steps, stretch.positions, strict=True)
        case ends:
            code = _CODES[ends]
            how = (
                (code, _reason(event), getattr(event, "size", 0), position)
                for event, position in zip(stretch.events, stretch.positions, strict=True)
            )
            return zip(steps, how, strict=True)


def _reason(event: Event) -> Any:
    return getattr(event, "failure", None) or getattr(event, "reason", "")


def _write_steps(
    connection: sqlite3.Connection, ended: Mapping[int, Mapping[str | None, _Ended]]
) -> None:
    done: list[object] = []
    others: list[object] = []
    reopened: list[tuple[int, str | None]] = []
    for stream, steps in ended.items():
        for step, how in steps.items():
            if isinstance(how, int):
                done += (stream, step, how)
            elif how is None:
                reopened.append((stream, step))
            else:
                others += (stream, step, *how)
    if reopened:
        connection.executemany("DELETE FROM steps WHERE stream = ? AND step = ?", reopened)
    _INSERT_DONE(connection, done)
    _INSERT_OTHERS(connection, others)


def _counted(stretch: Stretch) -> Iterator[tuple[int, str, int, int]]:
    """Outcomes, reasons, and what the events add to each in items and bytes."""
    if stretch.kind is events.ItemRestored:
        yield _DONE, "", len(stretch.events), sum(map(_SIZE, stretch.events))
        return
    for event in stretch.events:
        match event:
            case events.ItemSkipped():
                yield _SKIPPED, event.reason, 1, event.size
            case events.ItemFailed():
                yield _FAILED, event.failure, 1, event.size
            case events.ItemInDoubt():
                yield _DOUBT, event.reason, 1, event.size
            case events.ItemReopened():
                yield _CODES[event.was], event.reason, -1, -event.size
            case events.ItemApproved():
                yield _FAILED, event.accepted, -1, -event.size
                yield _SKIPPED, event.reason, 1, event.size
            case _:
                return
