"""Whether a journal is sound: the work behind `reinstate_journal.check`.

One pass over the events recomputes numbering and chain and folds every
projection anew into a temporary database, which is then compared with the file
row by row.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any

from reinstate_journal.catalogue import Catalogue
from reinstate_journal.chain import GENESIS, link
from reinstate_journal.check import Finding
from reinstate_journal.errors import JournalDamaged, JournalMissing, JournalTooNew
from reinstate_journal.events import CATALOGUE
from reinstate_journal.sqlite.connections import connect, reading
from reinstate_journal.sqlite.projection import PROJECTIONS, decode, dump, make
from reinstate_journal.sqlite.row import Row
from reinstate_journal.sqlite.schema import MIGRATIONS, require_current

#: More than this many findings tell nobody anything new.
_ENOUGH = 1000
_BATCH = 5000
#: The types of an event row: position, stream, version, shape, recorded_at, data, chain.
_TYPES = (int, int, int, int, int, str, bytes)
_EVENTS = (
    "SELECT position, stream, version, shape, recorded_at, data, chain FROM events"
    " ORDER BY position"
)


def audit(path: str | os.PathLike[str], catalogue: Catalogue | None) -> list[Finding]:
    """Everything that is wrong with the journal at `path`."""
    where = Path(path).resolve()
    if not where.is_file():
        raise JournalMissing(path=where)
    found: list[Finding] = []
    try:
        with reading(where), closing(connect(where, "ro")) as connection:
            # Text that is not UTF-8 is for us to find, not for sqlite3 to stumble on.
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            connection.execute("BEGIN")
            require_current(connection, where)
            for finding in _Audit(connection, where, catalogue or CATALOGUE).findings():
                found.append(finding)
                if len(found) == _ENOUGH:
                    return [*found, Finding("there is more; the check ends here")]
    except JournalDamaged as error:
        found.append(Finding(str(error.fields["detail"])))
    return found


class _Audit:
    """The state of one pass."""

    def __init__(self, connection: sqlite3.Connection, path: Path, catalogue: Catalogue) -> None:
        self._connection = connection
        self._path = path
        self._catalogue = catalogue
        self._streams: dict[int, str] = {}
        self._shapes: dict[int, tuple[str, int]] = {}
        self._versions: dict[int, int] = {}
        self._shapes_seen: set[int] = set()
        self._misshapen: set[str] = set()
        self._position = 0
        self._chain = GENESIS
        self._recorded_at = 0

    def findings(self) -> Iterator[Finding]:
        for (line,) in self._connection.execute("PRAGMA integrity_check(100)"):
            if line != "ok":
                yield Finding(f"the file's pages: {line}")
        with closing(_expected()) as fresh:
            yield from self._schema(fresh)
            yield from self._names()
            sound = True
            fresh.execute("BEGIN")
            for finding in self._events(fresh):
                sound = False
                yield finding
            yield from self._ends()
            if sound:
                yield from self._projections(fresh)
            else:
                yield Finding("the projections were not compared: mend the events first")

    def _schema(self, fresh: sqlite3.Connection) -> Iterator[Finding]:
        expected, actual = _objects(fresh), _objects(self._connection)
        # A view more, such as a copy made for SQL has, changes nothing.
        views = {name for name, (kind, _) in actual.items() if kind == "view"} - expected.keys()
        for name in sorted(expected.keys() | actual.keys() - views):
            if expected.get(name) != actual.get(name):
                self._misshapen.add(name)
            if name not in actual:
                yield Finding(f"{name} is missing")
            elif expected.get(name) != actual[name]:
                yield Finding(f"{name} is not made as it should be")

    def _names(self) -> Iterator[Finding]:
        for number, name in self._connection.execute("SELECT id, name FROM streams"):
            self._streams[number] = name
            if type(name) is not str:
                yield Finding(f"the name of stream {number} is not text")
        for number, name, schema in self._connection.execute("SELECT id, type, schema FROM shapes"):
            self._shapes[number] = (name, schema)
            if type(name) is not str or type(schema) is not int:
                yield Finding(f"shape {number} is not a type and its schema")

    def _events(self, fresh: sqlite3.Connection) -> Iterator[Finding]:
        rows: list[Row] = []
        for values in self._connection.execute(_EVENTS):
            position = values[0]
            if any(type(value) is not kind for value, kind in zip(values, _TYPES, strict=True)):
                yield Finding("a column is not of its type", position)
                self._position = position
                if type(values[-1]) is bytes:
                    self._chain = values[-1]
                continue
            yield from self._numbering(values)
            row = yield from self._event(values)
            if row is not None:
                rows.append(row)
            if len(rows) == _BATCH:
                _fold(fresh, rows)
                rows = []
        _fold(fresh, rows)

    def _numbering(self, values: tuple[Any, ...]) -> Iterator[Finding]:
        position, stream, version, shape, at, _, _ = values
        if position != self._position + 1:
            yield Finding(f"event {self._position + 1} is missing", position)
        if stream not in self._versions and stream != len(self._versions) + 1:
            yield Finding(f"stream {stream} is not numbered by its first event", position)
        if version != self._versions.get(stream, 0) + 1:
            yield Finding(f"version {version} does not follow in stream {stream}", position)
        if shape not in self._shapes_seen:
            self._shapes_seen.add(shape)
            if shape != len(self._shapes_seen):
                yield Finding(f"shape {shape} is not numbered by its first event", position)
        if at < self._recorded_at:
            yield Finding("it is dated before the event before it", position)
        self._position = position
        self._versions[stream] = version
        self._recorded_at = at

    def _event(self, values: tuple[Any, ...]) -> Generator[Finding, None, Row | None]:
        """Check the row against the chain and its type; return the event."""
        position, number, version, shape, at, data, chain = values
        previous, self._chain = self._chain, chain
        stream = self._streams.get(number)
        kind, schema = self._shapes.get(shape, (None, None))
        if type(stream) is not str or type(kind) is not str or type(schema) is not int:
            yield Finding("its stream or its shape has no name", position)
            return None
        linked = link(previous, position, _raw(stream), version, _raw(kind), schema, at, _raw(data))
        if linked != chain:
            yield Finding("it does not follow from the event before it (chain)", position)
        try:
            event = decode(self._catalogue, self._path, position, kind, schema, data)
        except JournalTooNew:
            # Unknown and rightly chained: a later version wrote it. Else it is damage.
            if linked == chain:
                raise
            return None
        except JournalDamaged as error:
            yield Finding(str(error.fields["detail"]), position)
            return None
        return Row(position, number, stream, at, event)

    def _ends(self) -> Iterator[Finding]:
        """The head, and what is counted beside the events."""
        heads = self._connection.execute("SELECT id, position, chain FROM head").fetchall()
        if heads != [(1, self._position, self._chain)]:
            yield Finding(
                f"the head does not name event {self._position}: the end was cut or added"
            )
        for number, version in self._connection.execute("SELECT id, version FROM streams"):
            if type(version) is not int or version != self._versions.get(number):
                yield Finding(
                    f"stream {number} says {version} events, but holds"
                    f" {self._versions.get(number, 0)}"
                )
        for number in self._shapes.keys() - self._shapes_seen:
            yield Finding(f"shape {number} has no event")
        checkpoints = {
            name: (version, position)
            for name, version, position in self._connection.execute(
                "SELECT name, version, position FROM projections"
            )
        }
        if checkpoints != {p.name: (p.version, self._position) for p in PROJECTIONS}:
            yield Finding("the projections' checkpoints are not at the last event")

    def _projections(self, fresh: sqlite3.Connection) -> Iterator[Finding]:
        for projection in PROJECTIONS:
            for table in projection.tables:
                if table in self._misshapen:
                    continue
                pairs = zip_longest(dump(fresh, table), dump(self._connection, table))
                for expected, actual in pairs:
                    if not _same(expected, actual):
                        yield Finding(
                            f"the projection table {table} does not follow from the events:"
                            f" {actual} should be {expected}"
                        )
                        break


def _fold(fresh: sqlite3.Connection, rows: list[Row]) -> None:
    for projection in PROJECTIONS:
        projection.apply(fresh, rows)


def _expected() -> sqlite3.Connection:
    """An empty journal in a temporary database, which spills to disk when it grows."""
    fresh = sqlite3.connect("", isolation_level=None)
    for _, statements in MIGRATIONS:
        for statement in statements:
            fresh.execute(statement)
    for projection in PROJECTIONS:
        make(fresh, projection)
    return fresh


def _objects(connection: sqlite3.Connection) -> dict[str, tuple[str, str | None]]:
    """Tables, indexes, views and triggers, each with the text that makes it."""
    return {
        name: (kind, text)
        for kind, name, text in connection.execute(
            "SELECT type, name, sql FROM sqlite_master"
            " WHERE tbl_name <> '_sqlite_migrations' AND tbl_name NOT LIKE 'sqlite_stat%'"
        )
    }


def _same(expected: tuple[object, ...] | None, actual: tuple[object, ...] | None) -> bool:
    # 1 equals 1.0 in Python, but not byte for byte.
    return (
        expected == actual
        and expected is not None
        and actual is not None
        and [type(value) for value in expected] == [type(value) for value in actual]
    )


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
