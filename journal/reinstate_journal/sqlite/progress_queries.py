"""The answers from the projection `progress`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec

from reinstate_journal.events import DeliveryIntended, account_stream, restore_stream
from reinstate_journal.journal import Recorded
from reinstate_journal.progress import Account, Ended, OpenIntent, QuotaDue, Restore, Run, Tally
from reinstate_journal.sqlite.connections import Connections, reading
from reinstate_journal.sqlite.progress import OUTCOMES
from reinstate_journal.sqlite.row import columns, typed

#: SQLite takes at least 999 parameters in one statement, however it was built.
_CHUNK = 500

_ACCOUNT = (
    "SELECT restore, account, address, state, failure, reason, phase, items_state, quota_due,"
    " items FROM accounts"
)
_RUN = (
    "SELECT restore, run, epoch, version, options, last_scan, started_at, ended_at, outcome,"
    " reason, phase, completed FROM runs"
)
_RESTORE = (
    "SELECT restore, backup, server_id, product, destination, destination_id, created_at"
    " FROM restores"
)

#: An outcome as `steps` and `tallies` have it.
_Code = Annotated[int, msgspec.Meta(ge=0, lt=len(OUTCOMES))]
_TALLY_ROW = tuple[str, _Code, str, int, int]
_STEP_ROW = tuple[str, _Code, str | None, int | None, int]
_RESTORE_ROW = columns(Restore)
_ACCOUNT_ROW = columns(Account)
_RUN_ROW = columns(Run, options=str)

ReadPositions = Callable[[Sequence[int]], list[Recorded]]


class SqliteProgress:
    """Progress over the projection's tables; `at` reads the events at some positions."""

    def __init__(self, connections: Connections, at: ReadPositions) -> None:
        self._connections = connections
        self._at = at

    def restores(self) -> list[Restore]:
        """All restores of the journal, oldest first."""
        rows = self._all(_RESTORE_ROW, f"{_RESTORE} ORDER BY created_at, restore")
        return [Restore(*row) for row in rows]

    def restore(self, restore: str) -> Restore | None:
        """One restore."""
        for row in self._all(_RESTORE_ROW, f"{_RESTORE} WHERE restore = ?", restore):
            return Restore(*row)
        return None

    def runs(self, restore: str) -> list[Run]:
        """All runs of a restore by their number."""
        rows = self._all(_RUN_ROW, f"{_RUN} WHERE restore = ? ORDER BY run", restore)
        return [self._run(row) for row in rows]

    def last_run(self, restore: str) -> Run | None:
        """The run with the highest number."""
        newest = f"{_RUN} WHERE restore = ? ORDER BY run DESC LIMIT 1"
        for row in self._all(_RUN_ROW, newest, restore):
            return self._run(row)
        return None

    def ended(self, stream: str, steps: Sequence[str]) -> dict[str, Ended]:
        """Those of the `steps` that have ended, and how."""
        found: dict[str, Ended] = {}
        if not steps:
            return found
        with self._connections.lease() as connection:
            known = connection.execute("SELECT id FROM streams WHERE name = ?", (stream,))
            row = known.fetchone()
            known.close()
            if row is None:
                return found
            for start in range(0, len(steps), _CHUNK):
                chunk = steps[start : start + _CHUNK]
                # Two texts and no more: SQLite prepares each once. Most ask for one step.
                width = 1 if len(chunk) == 1 else _CHUNK
                marks = ", ".join("?" * width)
                padding = [None] * (width - len(chunk))
                rows = connection.execute(
                    "SELECT step, outcome, reason, size, position FROM steps"  # noqa: S608 - only marks
                    f" WHERE stream = ? AND step IN ({marks})",
                    (row[0], *chunk, *padding),
                ).fetchall()
                for step, outcome, reason, size, position in typed(rows, _STEP_ROW):
                    found[step] = Ended(OUTCOMES[outcome], reason or "", size or 0, position)
        return found

    def any_ended(self, stream: str, prefix: str) -> bool:
        """Whether a step of the stream has ended whose identity begins with `prefix` (ASCII)."""
        first = self._all(
            tuple[int],
            "SELECT 1 FROM steps JOIN streams ON streams.id = steps.stream"
            " WHERE streams.name = ? AND step >= ? AND step < ? LIMIT 1",
            stream,
            prefix,
            prefix[:-1] + chr(ord(prefix[-1]) + 1),
        )
        return bool(first)

    def account(self, restore: str, account: str) -> Account | None:
        """One account; None when no event has told of it."""
        one = f"{_ACCOUNT} WHERE restore = ? AND account = ?"
        for row in self._all(_ACCOUNT_ROW, one, restore, account):
            return Account(*row)
        return None

    def accounts(self, restore: str, state: str | None = None) -> Iterator[Account]:
        """The accounts of a restore (in that state), by account id."""
        last = ""
        while True:
            page = self._all(
                _ACCOUNT_ROW,
                f"{_ACCOUNT} WHERE restore = ? AND account > ? AND (? IS NULL OR state = ?)"
                " ORDER BY account LIMIT ?",
                restore,
                last,
                state,
                state,
                _CHUNK,
            )
            for row in page:
                yield Account(*row)
            if len(page) < _CHUNK:
                return
            last = page[-1][1]

    def tallies(self, stream: str) -> list[Tally]:
        """What became of the items in one account's stream."""
        rows = self._all(
            _TALLY_ROW,
            "SELECT streams.name, outcome, reason, count, bytes FROM tallies"
            " JOIN streams ON streams.id = tallies.stream"
            " WHERE streams.name = ? AND count <> 0 ORDER BY outcome, reason",
            stream,
        )
        return [_tally(row) for row in rows]

    def all_tallies(self, restore: str) -> Iterator[Tally]:
        """What became of the items in each account of a restore, by account id."""
        # The names of one restore's streams lie together, up to the sign behind "/".
        rows = self._all(
            _TALLY_ROW,
            "SELECT streams.name, outcome, reason, count, bytes FROM streams"
            " JOIN tallies ON streams.id = tallies.stream"
            " WHERE streams.name >= ? AND streams.name < ? AND count <> 0"
            " ORDER BY streams.name, outcome, reason",
            account_stream(restore, ""),
            restore_stream(restore) + "0",
        )
        return map(_tally, rows)

    def quotas_due(self, restore: str) -> list[QuotaDue]:
        """The quotas that must be put back, by account id."""
        rows = self._all(
            columns(QuotaDue),
            "SELECT account, address, quota_due FROM accounts"
            " WHERE restore = ? AND quota_due IS NOT NULL ORDER BY account",
            restore,
        )
        return [QuotaDue(*row) for row in rows]

    def open_intents(self, stream: str) -> list[OpenIntent]:
        """The intents of a stream whose outcome is not recorded, in their order."""
        rows = self._all(
            tuple[int, int, str],
            "SELECT position, uidnext, settled FROM intents"
            " JOIN streams ON streams.id = intents.stream WHERE streams.name = ? ORDER BY position",
            stream,
        )
        fences = {position: (uidnext, settled) for position, uidnext, settled in rows}
        return [
            OpenIntent(one.event, one.recorded_at, *fences[one.position])
            for one in (self._at(list(fences)) if rows else [])
            if isinstance(one.event, DeliveryIntended)
        ]

    def failures_of(self, stream: str) -> Iterator[Recorded]:
        """The events of all steps of one stream that failed or are in doubt now, in their order."""
        # The sign keeps SQLite from going through the troubles of all streams.
        rows = self._all(
            tuple[int],
            "SELECT steps.position FROM steps JOIN streams ON streams.id = steps.stream"
            " WHERE streams.name = ? AND +steps.outcome >= 2 ORDER BY steps.position",
            stream,
        )
        for start in range(0, len(rows), _CHUNK):
            yield from self._at([position for (position,) in rows[start : start + _CHUNK]])

    def failures(self, restore: str, after: int = 0) -> Iterator[Recorded]:
        """The events behind `after` of all steps that failed or are in doubt now, in their
        order."""
        last = after
        while True:
            page = self._all(
                tuple[int],
                "SELECT steps.position FROM steps JOIN streams ON streams.id = steps.stream"
                " WHERE steps.outcome >= 2 AND steps.position > ?"
                " AND (streams.name = ? OR (streams.name >= ? AND streams.name < ?))"
                " ORDER BY steps.position LIMIT ?",
                last,
                restore_stream(restore),
                account_stream(restore, ""),
                restore_stream(restore) + "0",
                _CHUNK,
            )
            yield from self._at([position for (position,) in page])
            if len(page) < _CHUNK:
                return
            last = page[-1][0]

    def _all(self, kind: Any, statement: str, *values: object) -> list[Any]:
        return self._connections.rows(kind, statement, values)

    def _run(self, row: tuple[Any, ...]) -> Run:
        restore, run, epoch, version, options, *rest = row
        with reading(self._connections.path):
            decoded = msgspec.json.decode(options, type=dict[str, Any])
        return Run(restore, run, epoch, version, decoded, *rest)


def _tally(row: _TALLY_ROW) -> Tally:
    name, outcome, reason, count, size = row
    return Tally(name.split("/", 2)[-1], OUTCOMES[outcome], reason, count, size)
