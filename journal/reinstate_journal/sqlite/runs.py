"""What one event does to `restores`, `runs` and `accounts`, tables of the projection `progress`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reinstate_journal import events
from reinstate_journal.catalogue import Event

RESTORES = """CREATE TABLE restores (
    restore TEXT PRIMARY KEY,
    backup TEXT NOT NULL,
    server_id TEXT NOT NULL,
    product TEXT NOT NULL,
    destination TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID"""

RUNS = """CREATE TABLE runs (
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

ACCOUNTS = """CREATE TABLE accounts (
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

Sql = tuple[str, tuple[Any, ...]]

#: The restore and the account (empty for the restore itself) that a stream is about.
Place = tuple[str, str]


def _restore_created(event: events.RestoreCreated, place: Place, at: int) -> list[Sql]:
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


def _run_started(event: events.RunStarted, place: Place, at: int) -> list[Sql]:
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


def _run_ended(event: events.RunEnded, place: Place, at: int) -> list[Sql]:
    return [
        (
            "UPDATE runs SET ended_at = ?, outcome = ?, reason = ? WHERE restore = ? AND run = ?",
            (at, event.outcome, event.reason, place[0], event.run),
        )
    ]


def _phase_started(event: events.PhaseStarted, place: Place, _at: int) -> list[Sql]:
    values = (event.phase, place[0], event.run)
    return [("UPDATE runs SET phase = ? WHERE restore = ? AND run = ?", values)]


def _phase_completed(event: events.PhaseCompleted, place: Place, _at: int) -> list[Sql]:
    values = (event.phase, place[0], event.run)
    return [("UPDATE runs SET completed = ? WHERE restore = ? AND run = ?", values)]


def _account(place: Place, account: str = "", **columns: Any) -> list[Sql]:
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
    event: events.AccountCreated | events.AccountFound, place: Place, _at: int
) -> list[Sql]:
    return _account(place, event.account, address=event.address, state="open", **_MENDED)


def _account_skipped(event: events.AccountSkipped, place: Place, _at: int) -> list[Sql]:
    told = _MENDED | {"reason": event.reason, "items": event.items}
    return _account(place, event.account, address=event.address, state="skipped", **told)


def _account_failed(event: events.AccountFailed, place: Place, _at: int) -> list[Sql]:
    told = _MENDED | {"failure": event.failure, "reason": event.reason, "phase": event.phase}
    return _account(place, state="failed", **told)


def _account_completed(_event: events.AccountCompleted, place: Place, _at: int) -> list[Sql]:
    return _account(place, state="completed", **_MENDED)


def _items_completed(event: events.ItemsCompleted, place: Place, _at: int) -> list[Sql]:
    return _account(place, items_state=event.state)


def _item_reopened(_event: events.ItemReopened, place: Place, _at: int) -> list[Sql]:
    # Cut off before the item ends again, the account must not pass for complete.
    return _account(place, items_state=None)


def _quota_lifted(event: events.QuotaLifted, place: Place, _at: int) -> list[Sql]:
    return _account(place, quota_due=event.put_back)


def _quota_put_back(_event: events.QuotaPutBack, place: Place, _at: int) -> list[Sql]:
    return _account(place, quota_due=None)


#: The events that change these tables, and how, recorded at that moment.
CHANGES: Mapping[type[Event], Callable[[Any, Place, int], list[Sql]]] = {
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
