"""The write transaction, shared by all threads that wait for it (group commit).

A thread queues its request and then waits for the commit lock. Whoever gets it
first commits everything that is queued by then, in one transaction with one
flush; the others find their request settled when the lock comes to them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from reinstate_journal.catalogue import Catalogue, Event, Moment
from reinstate_journal.chain import GENESIS, common, links
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import (
    JournalDamaged,
    JournalError,
    JournalWriteFailed,
    VersionConflict,
)
from reinstate_journal.sqlite.insert import Insert
from reinstate_journal.sqlite.projection import PROJECTIONS, renew
from reinstate_journal.sqlite.row import Stretch, typed
from reinstate_journal.sqlite.tail import require_sound_streams, require_sound_tail

_INSERT_EVENTS = Insert(
    "events (position, stream, version, shape, recorded_at, data, chain)", "(?, ?, ?, ?, ?, ?, ?)"
)


class Encoded(NamedTuple):
    """Events of one type that follow each other, and their JSON as text and as UTF-8."""

    kind: type[Event]
    events: Sequence[Event]
    texts: Sequence[str]
    data: Sequence[bytes]


class Part(NamedTuple):
    """What one stream is given, `length` events in all."""

    stream: str
    expected: int
    length: int
    events: Sequence[Encoded]


class _Request:
    """One caller's parts, and what became of them."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.versions: list[int] = []
        self.error: JournalError | None = None
        self.settled = False


class _Stream:
    """A stream as the writer knows it; `id` is None until the stream has a row."""

    __slots__ = ("id", "version")

    def __init__(self, number: int | None, version: int) -> None:
        self.id = number
        self.version = version


class _Batch:
    """What one transaction writes; `rows` are the values of one event's row after the other's."""

    def __init__(self, position: int, chain: bytes, recorded_at: int) -> None:
        self.position = position
        self.chain = chain
        self.recorded_at = recorded_at
        self.streams: dict[str, _Stream] = {}
        self.rows: list[object] = []
        self.stretches: list[Stretch] = []


class Committer:
    """Owns the writing connection; at most one thread is inside it at a time."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        catalogue: Catalogue,
        clock: Callable[[], int],
    ) -> None:
        self._path = path
        self._connection = connection
        self._catalogue = catalogue
        self._clock = clock
        self._commit = threading.Lock()
        self._gate = threading.Lock()
        self._queue: list[_Request] = []
        self._refusal: str | None = None
        self._streams: dict[str, _Stream] = {}
        self._shapes: dict[tuple[str, int], int] = {
            (name, schema): number
            for number, name, schema in typed(
                connection.execute("SELECT id, type, schema FROM shapes").fetchall(),
                tuple[int, str, int],
            )
        }
        (self._last_stream,) = connection.execute(
            "SELECT coalesce(max(id), 0) FROM streams"
        ).fetchone()
        self._position, self._chain, self._recorded_at = self._load_head()
        require_sound_tail(connection, path, self._position)
        require_sound_streams(connection, path)
        self._renew(anew=False)

    def submit(self, parts: Sequence[Part]) -> list[int]:
        """Append the parts, all or nothing; returns each stream's new version, durable."""
        request = _Request(parts)
        with self._gate:
            self._queue.append(request)
        with self._commit:
            if not request.settled:
                self._settle_queue()
        if request.error is not None:
            raise request.error
        return request.versions

    def rebuild(self) -> None:
        """Fold all projections anew."""
        with self._commit:
            self._refuse_when_stopped()
            try:
                self._renew(anew=True)
            except sqlite3.Error as error:
                self._refusal = str(error)
                raise JournalWriteFailed(path=self._path, detail=str(error)) from error

    @property
    def stopped(self) -> bool:
        """Whether a commit has failed, so that nothing may be written any more."""
        return self._refusal is not None

    def close(self) -> None:
        """Wait for the commit in hand, then close the connection."""
        with self._commit:
            self._refusal = self._refusal or "it was closed"
            reach(At.WAL_FULL)
            self._connection.close()
            reach(At.WAL_EMPTIED)

    def _settle_queue(self) -> None:
        with self._gate:
            requests, self._queue = self._queue, []
        try:
            self._refuse_when_stopped()
            self._write(requests)
        except BaseException as error:
            self._stop(error)
            for request in requests:
                # A conflict found before the failure stays a conflict.
                if request.error is None:
                    request.error = JournalWriteFailed(path=self._path, detail=self._refusal)
                    request.error.__cause__ = error
            if not isinstance(error, Exception):
                raise
        finally:
            for request in requests:
                request.settled = True

    def _write(self, requests: Sequence[_Request]) -> None:
        reach(At.COMMIT_ASKED)
        self._connection.execute("BEGIN IMMEDIATE")
        reach(At.COMMIT_BEGUN)
        batch = _Batch(self._position, self._chain, max(self._clock(), self._recorded_at))
        for request in requests:
            if self._admit(request):
                for part in request.parts:
                    self._add(batch, part)
        if not batch.rows:
            self._connection.execute("ROLLBACK")
            return
        self._connection.executemany(
            "INSERT INTO streams (id, name, version) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version",
            [(stream.id, name, stream.version) for name, stream in batch.streams.items()],
        )
        _INSERT_EVENTS(self._connection, batch.rows)
        reach(At.EVENTS_INSERTED)
        self._connection.execute(
            "UPDATE head SET position = ?, chain = ?", (batch.position, batch.chain)
        )
        for projection in PROJECTIONS:
            projection.apply(self._connection, batch.stretches)
        self._connection.execute("UPDATE projections SET position = ?", (batch.position,))
        reach(At.EVENTS_FOLDED)
        self._connection.execute("COMMIT")
        reach(At.COMMITTED)
        self._position, self._chain = batch.position, batch.chain
        self._recorded_at = batch.recorded_at

    def _admit(self, request: _Request) -> bool:
        """Whether each part finds its stream where it expects it."""
        versions: dict[str, int] = {}
        for part in request.parts:
            actual = versions.get(part.stream)
            if actual is None:
                actual = self._stream(part.stream).version
            if actual != part.expected:
                request.error = VersionConflict(
                    stream=part.stream, actual=actual, expected=part.expected
                )
                return False
            versions[part.stream] = actual + part.length
            request.versions.append(versions[part.stream])
        return True

    def _add(self, batch: _Batch, part: Part) -> None:
        if not part.events:
            return
        stream = self._stream(part.stream)
        if stream.id is None:
            self._last_stream += 1
            stream.id = self._last_stream
        batch.streams[part.stream] = stream
        name, at = part.stream.encode(), batch.recorded_at
        for kind, events, texts, data in part.events:
            positions = range(batch.position + 1, batch.position + 1 + len(events))
            versions = range(stream.version + 1, stream.version + 1 + len(events))
            rest = common(name, kind.__name__.encode(), kind.schema, at)
            chains = links(batch.chain, positions, versions, rest, data)
            for row in zip(
                positions,
                repeat(stream.id),
                versions,
                repeat(self._shape(kind)),
                repeat(at),
                texts,
                map(bytearray, chains),  # sqlite3 would look for an adapter of every bytes
                strict=False,
            ):
                batch.rows += row
            batch.stretches.append(Stretch(stream.id, part.stream, at, kind, positions, events))
            # Should the commit fail, these are wrong; but then nothing uses them again.
            batch.position, stream.version, batch.chain = positions[-1], versions[-1], chains[-1]

    def _stream(self, name: str) -> _Stream:
        known = self._streams.get(name)
        if known is None:
            found = self._connection.execute(
                "SELECT id, version FROM streams WHERE name = ?", (name,)
            ).fetchall()
            known = _Stream(*(typed(found, tuple[int, int]) or [(None, 0)])[0])
            self._streams[name] = known
        return known

    def _shape(self, kind: type[Event]) -> int:
        shape = (kind.__name__, kind.schema)
        number = self._shapes.get(shape)
        if number is None:
            number = self._shapes[shape] = len(self._shapes) + 1
            self._connection.execute(
                "INSERT INTO shapes (id, type, schema) VALUES (?, ?, ?)", (number, *shape)
            )
        return number

    def _load_head(self) -> tuple[int, bytes, int]:
        head = self._connection.execute("SELECT position, chain FROM head").fetchone()
        rows = self._connection.execute(
            "SELECT position, chain, recorded_at FROM events ORDER BY position DESC LIMIT 1"
        ).fetchall()
        last: tuple[int, bytes, int] = (*typed(rows, tuple[int, bytes, Moment]), (0, GENESIS, 0))[0]
        if head != last[:2]:
            raise JournalDamaged(
                path=self._path, detail="its last event is not the one that its head names"
            )
        return last

    def _renew(self, *, anew: bool) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            renew(self._connection, self._catalogue, self._path, self._position, anew=anew)
            reach(At.PROJECTIONS_RENEWED)
            self._connection.execute("COMMIT")
            reach(At.PROJECTIONS_COMMITTED)
        except BaseException:
            self._roll_back()
            raise

    def _refuse_when_stopped(self) -> None:
        if self._refusal is not None:
            raise JournalWriteFailed(path=self._path, detail=self._refusal)

    def _stop(self, error: BaseException) -> None:
        """After a failed commit nothing is known of the file but what is already flushed."""
        self._refusal = self._refusal or str(error) or type(error).__name__
        self._roll_back()

    def _roll_back(self) -> None:
        # A rollback that fails leaves the file as it was: the WAL has no commit record.
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
