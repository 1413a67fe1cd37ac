"""The projection `progress`: restores, runs, accounts, steps and tallies of items."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from reinstate_journal import events
from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.sqlite.intents import INTENTS, fold_intents
from reinstate_journal.sqlite.row import Row, restore_of

#: How an outcome stands in `steps` and `tallies`: its place in this list.
OUTCOMES = (Outcome.DONE, Outcome.SKIPPED, Outcome.FAILED, Outcome.DOUBT)
_CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
_DONE, _SKIPPED, _FAILED, _DOUBT = (_CODES[outcome] for outcome in OUTCOMES)

_RESTORES = """CREATE TABLE restores (
    restore TEXT PRIMARY KEY,
    backup TEXT NOT NULL,
    server_id TEXT NOT NULL,
    product TEXT NOT NULL,
    destination TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID"""

_RUNS = """CREATE TABLE runs (
    restore TEXT NOT NULL,
    run INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    version TEXT NOT NULL,
    options TEXT NOT NULL,
    last_scan INTEGER,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    phase INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (restore, run)
) WITHOUT ROWID"""

_ACCOUNTS = """CREATE TABLE accounts (
    restore TEXT NOT NULL,
    account TEXT NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'open',
    failure TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    phase INTEGER,
    items_state TEXT,
    quota_due INTEGER,
    items INTEGER,
    PRIMARY KEY (restore, account)
) WITHOUT ROWID"""

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

Sql = tuple[str, tuple[Any, ...]]
_Place = tuple[str, str]


class ProgressProjection:
    """How far each restore is.

    Tallies are sums over events and nothing else: a reopened item takes away
    what its earlier event added, and a row that comes to nothing stays with
    zeros. This keeps them the same in whatever batches they are folded.
    """

    name: ClassVar[str] = "progress"
    version: ClassVar[int] = 3
    tables: ClassVar[Mapping[str, Sequence[str]]] = {
        "restores": (_RESTORES,),
        "runs": (_RUNS,),
        "accounts": (_ACCOUNTS,),
        "steps": (_STEPS, _TROUBLES),
        "tallies": (_TALLIES,),
        "intents": (INTENTS,),
    }

    def apply(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Fold `rows`; steps and tallies are gathered and written once for all of them."""
        steps: dict[tuple[int, str], tuple[int, str | None, int | None, int] | None] = {}
        tallies: dict[tuple[int, int, str], list[int]] = {}
        for row in rows:
            event = row.event
            if type(event) is events.ItemRestored:  # nearly all events are: the short way
                steps[row.stream_id, event.step()] = (_DONE, None, None, row.position)
                tally = tallies.setdefault((row.stream_id, _DONE, ""), [0, 0])
                tally[0] += 1
                tally[1] += event.size
                continue
            if event.ends is not None:
                step = event.step()
                if step is not None:
                    steps[row.stream_id, step] = _ended(event, event.ends, row.position)
            elif isinstance(event, events.ItemReopened):
                steps[row.stream_id, event.step()] = None
            for outcome, reason, count, size in _counted(event):
                tally = tallies.setdefault((row.stream_id, outcome, reason), [0, 0])
                tally[0] += count
                tally[1] += size
            fold_intents(connection, row.stream_id, row.position, event)
            handler = _HANDLERS.get(type(event))
            if handler is not None and (place := restore_of(row.stream)) is not None:
                for statement, values in handler(event, place, row.recorded_at):
                    connection.execute(statement, values)
        connection.executemany(
            "DELETE FROM steps WHERE stream = ? AND step = ?",
            [key for key, ended in steps.items() if ended is None],
        )
        connection.executemany(
            "INSERT INTO steps (stream, step, outcome, reason, size, position)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (stream, step)"
            " DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,"
            " size = excluded.size, position = excluded.position",
            [key + ended for key, ended in steps.items() if ended is not None],
        )
        connection.executemany(
            "INSERT INTO tallies (stream, outcome, reason, count, bytes) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (stream, outcome, reason)"
            " DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes",
            [(*key, *tally) for key, tally in tallies.items()],
        )


def _ended(event: Event, ends: Outcome, position: int) -> tuple[int, str | None, int | None, int]:
    if ends is Outcome.DONE:
        return _DONE, None, None, position
    reason = getattr(event, "failure", None) or getattr(event, "reason", "")
    return _CODES[ends], reason, getattr(event, "size", 0), position


def _counted(event: Event) -> list[tuple[int, str, int, int]]:
    """Outcomes, reasons, and what the event adds to each in items and bytes (ItemRestored
    aside)."""
    match event:
        case events.ItemSkipped():
            return [(_SKIPPED, event.reason, 1, event.size)]
        case events.ItemFailed():
            return [(_FAILED, event.failure, 1, event.size)]
        case events.ItemInDoubt():
            return [(_DOUBT, event.reason, 1, event.size)]
        case events.ItemReopened():
            return [(_CODES[event.was], event.reason, -1, -event.size)]
        case events.ItemApproved():
            return [
                (_FAILED, event.accepted, -1, -event.size),
                (_SKIPPED, event.reason, 1, event.size),
            ]
        case _:
            return []


def _restore_created(event: events.RestoreCreated, place: _Place, at: int) -> list[Sql]:
    values = (
        place[0],
        event.backup,
        event.server_id,
        event.product,
        event.destination,
        event.destination_id,
        at,
    )
    return [("INSERT OR REPLACE INTO restores VALUES (?, ?, ?, ?, ?, ?, ?)", values)]


def _run_started(event: events.RunStarted, place: _Place, at: int) -> list[Sql]:
    options = msgspec.json.encode(event.options).decode()
    values = (place[0], event.run, event.epoch, event.version, options, event.last_scan, at)
    return [
        (
            "INSERT OR REPLACE INTO runs (restore, run, epoch, version, options, last_scan,"
            " started_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        ),
        (
            "UPDATE accounts SET state = 'open', failure = '', reason = '', phase = NULL"
            " WHERE restore = ? AND state = 'failed'",
            (place[0],),
        ),
    ]


def _run_ended(event: events.RunEnded, place: _Place, at: int) -> list[Sql]:
    return [
        (
            "UPDATE runs SET ended_at = ?, outcome = ?, reason = ? WHERE restore = ? AND run = ?",
            (at, event.outcome, event.reason, place[0], event.run),
        )
    ]


def _phase_started(event: events.PhaseStarted, place: _Place, _at: int) -> list[Sql]:
    values = (event.phase, place[0], event.run)
    return [("UPDATE runs SET phase = ? WHERE restore = ? AND run = ?", values)]


def _phase_completed(event: events.PhaseCompleted, place: _Place, _at: int) -> list[Sql]:
    values = (event.phase, place[0], event.run)
    return [("UPDATE runs SET completed = ? WHERE restore = ? AND run = ?", values)]


def _account(place: _Place, account: str = "", **columns: Any) -> list[Sql]:
    """Set columns of an account's row, which is made first when it is not there."""
    key = (place[0], account or place[1])
    if not key[1]:
        return []
    changes = ", ".join(f"{column} = ?" for column in columns)
    return [
        ("INSERT OR IGNORE INTO accounts (restore, account) VALUES (?, ?)", key),
        (
            f"UPDATE accounts SET {changes} WHERE restore = ? AND account = ?",  # noqa: S608 - names are constants
            (*columns.values(), *key),
        ),
    ]


_MENDED: dict[str, Any] = {"failure": "", "reason": "", "phase": None, "items": None}


def _account_there(
    event: events.AccountCreated | events.AccountFound, place: _Place, _at: int
) -> list[Sql]:
    return _account(place, event.account, address=event.address, state="open", **_MENDED)


def _account_skipped(event: events.AccountSkipped, place: _Place, _at: int) -> list[Sql]:
    told = _MENDED | {"reason": event.reason, "items": event.items}
    return _account(place, event.account, address=event.address, state="skipped", **told)


def _account_failed(event: events.AccountFailed, place: _Place, _at: int) -> list[Sql]:
    told = _MENDED | {"failure": event.failure, "reason": event.reason, "phase": event.phase}
    return _account(place, state="failed", **told)


def _account_completed(_event: events.AccountCompleted, place: _Place, _at: int) -> list[Sql]:
    return _account(place, state="completed", **_MENDED)


def _items_completed(event: events.ItemsCompleted, place: _Place, _at: int) -> list[Sql]:
    return _account(place, items_state=event.state)


def _item_reopened(_event: events.ItemReopened, place: _Place, _at: int) -> list[Sql]:
    # Cut off before the item ends again, the account must not pass for complete.
    return _account(place, items_state=None)


def _quota_lifted(event: events.QuotaLifted, place: _Place, _at: int) -> list[Sql]:
    return _account(place, quota_due=event.put_back)


def _quota_put_back(_event: events.QuotaPutBack, place: _Place, _at: int) -> list[Sql]:
    return _account(place, quota_due=None)


_HANDLERS: Mapping[type[Event], Callable[[Any, _Place, int], list[Sql]]] = {
    events.RestoreCreated: _restore_created,
    events.RunStarted: _run_started,
    events.RunEnded: _run_ended,
    events.PhaseStarted: _phase_started,
    events.PhaseCompleted: _phase_completed,
    events.AccountCreated: _account_there,
    events.AccountFound: _account_there,
    events.AccountSkipped: _account_skipped,
    events.AccountFailed: _account_failed,
    events.AccountCompleted: _account_completed,
    events.ItemsCompleted: _items_completed,
    events.ItemReopened: _item_reopened,
    events.QuotaLifted: _quota_lifted,
    events.QuotaPutBack: _quota_put_back,
}
