"""Whether a journal is sound: the work behind `reinstate_journal.check`.

One pass over the events recomputes numbering and chain and folds every
projection anew into a temporary database. The file is attached to it, so that SQLite itself
compares the two.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

from reinstate_journal.catalogue import Catalogue
from reinstate_journal.check import Finding
from reinstate_journal.errors import JournalDamaged, JournalMissing
from reinstate_journal.events import CATALOGUE
from reinstate_journal.sqlite.connections import address, connect, reading
from reinstate_journal.sqlite.event_audit import COLUMNS, EventAudit
from reinstate_journal.sqlite.event_pages import event_pages
from reinstate_journal.sqlite.projection import PROJECTIONS, dump, key_of, make
from reinstate_journal.sqlite.row import Stretch
from reinstate_journal.sqlite.schema import MIGRATIONS, require_current

#: More than this many findings tell nobody anything new.
_ENOUGH = 1000
_ROWS = 1000


def audit(path: str | os.PathLike[str], catalogue: Catalogue | None) -> list[Finding]:
    """Everything that is wrong with the journal at `path`."""
    where = Path(path).resolve()
    if not where.is_file():
        raise JournalMissing(path=where)
    try:
        with reading(where), closing(connect(where, "ro")) as connection:
            require_current(connection, where)
    except JournalDamaged as error:
        return [_finding(error)]
    # SQLite goes through the pages without Python's lock: a second core does it meanwhile.
    with ThreadPoolExecutor(1) as beside:
        pages = beside.submit(_gathered, where, _pages(where))
        content = _gathered(where, _content(where, catalogue or CATALOGUE))
    return [*pages.result(), *content]


def _gathered(path: Path, findings: Iterator[Finding]) -> list[Finding]:
    """The first of the findings, up to an error that ends them."""
    found: list[Finding] = []
    try:
        with reading(path):
            for finding in findings:
                found.append(finding)
                if len(found) == _ENOUGH:
                    return [*found, Finding("there is more; the check ends here")]
    except JournalDamaged as error:
        found.append(_finding(error))
    return found


def _finding(error: JournalDamaged) -> Finding:
    return Finding(str(error.fields["detail"]))


def _pages(path: Path) -> Iterator[Finding]:
    with closing(connect(path, "ro")) as connection:
        for (line,) in connection.execute("PRAGMA integrity_check(100)"):
            if line != "ok":
                yield Finding(f"the file's pages: {line}")


def _content(path: Path, catalogue: Catalogue) -> Iterator[Finding]:
    with closing(_expected()) as connection:
        connection.execute("ATTACH ? AS journal", (address(path, "ro"),))
        connection.execute("BEGIN")
        yield from _Audit(connection, path, catalogue).findings()


class _Audit:
    """One pass, over a connection to an empty journal to which the one in question is attached."""

    def __init__(self, connection: sqlite3.Connection, path: Path, catalogue: Catalogue) -> None:
        self._connection = connection
        self._streams: dict[int, str] = {}
        self._shapes: dict[int, tuple[str, int]] = {}
        self._misshapen: set[str] = set()
        self._events = EventAudit(catalogue, path, self._streams, self._shapes)

    def findings(self) -> Iterator[Finding]:
        yield from self._schema()
        yield from self._names()
        sound = True
        for finding in self._each_event():
            sound = False
            yield finding
        yield from self._ends()
        if sound:
            yield from self._projections()
        else:
            yield Finding("the projections were not compared: mend the events first")

    def _schema(self) -> Iterator[Finding]:
        expected, actual = self._objects("main"), self._objects("journal")
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
        for number, name in self._connection.execute("SELECT id, name FROM journal.streams"):
            if type(name) is str:
                self._streams[number] = name
            else:
                yield Finding(f"the name of stream {number} is not text")
        for number, name, schema in self._connection.execute(
            "SELECT id, type, schema FROM journal.shapes"
        ):
            if type(name) is str and type(schema) is int:
                self._shapes[number] = (name, schema)
            else:
                yield Finding(f"shape {number} is not a type and its schema")

    def _each_event(self) -> Iterator[Finding]:
        at, read = self._events, 0
        try:
            for page in event_pages(self._connection):
                if (stretches := at.follow(page)) is None:
                    break
                self._fold(stretches)
                read += len(page.positions)
            rest = self._rows(read)  # none, unless something is wrong
            while rows := rest.fetchmany(_ROWS):
                stretches = yield from at.examine(rows)
                self._fold(stretches)
                read += len(rows)
        except sqlite3.DatabaseError:
            # What stands before the row that cannot be read is looked at all the same.
            for row in self._rows(read):
                yield from at.examine([row])
            raise

    def _rows(self, start: int) -> sqlite3.Cursor:
        """All rows behind the first ones, however they are numbered."""
        select = f"SELECT {COLUMNS} FROM journal.events ORDER BY position LIMIT -1 OFFSET ?"  # noqa: S608 - names are constants
        return self._connection.execute(select, (start,))

    def _fold(self, stretches: Sequence[Stretch]) -> None:
        for projection in PROJECTIONS:
            projection.apply(self._connection, stretches)

    def _ends(self) -> Iterator[Finding]:
        """The head, and what is counted beside the events."""
        at = self._events
        heads = self._connection.execute("SELECT id, position, chain FROM journal.head").fetchall()
        if heads != [(1, at.position, at.chain)]:
            yield Finding(f"the head does not name event {at.position}: the end was cut or added")
        for number, version in self._connection.execute("SELECT id, version FROM journal.streams"):
            if type(version) is not int or version != at.versions.get(number):
                yield Finding(
                    f"stream {number} says {version} events, but holds {at.versions.get(number, 0)}"
                )
        for (number,) in self._connection.execute("SELECT id FROM journal.shapes"):
            if number not in at.shapes_seen:
                yield Finding(f"shape {number} has no event")
        checkpoints = {
            name: (version, position)
            for name, version, position in self._connection.execute(
                "SELECT name, version, position FROM journal.projections"
            )
        }
        if checkpoints != {p.name: (p.version, at.position) for p in PROJECTIONS}:
            yield Finding("the projections' checkpoints are not at the last event")

    def _projections(self) -> Iterator[Finding]:
        for projection in PROJECTIONS:
            for table in projection.tables:
                if table in self._misshapen or self._same(table):
                    continue
                for expected, actual in zip_longest(
                    dump(self._connection, table), dump(self._connection, table, "journal")
                ):
                    if not _equal(expected, actual):
                        yield Finding(
                            f"the projection table {table} does not follow from the events:"
                            f" {actual} should be {expected}"
                        )
                        break

    def _same(self, table: str) -> bool:
        """Whether a projection's table has the rows that it should have.

        An integer where a real stands would pass, but the columns' affinity leaves no such real.
        """
        key = key_of(self._connection, table)
        columns = [row[1] for row in self._connection.execute(f"PRAGMA main.table_info({table})")]
        met = " AND ".join(f"kept.{column} = made.{column}" for column in key)
        alike = " AND ".join(f"kept.{column} IS made.{column}" for column in columns)
        ((made, kept, same),) = self._connection.execute(
            f"SELECT (SELECT count(*) FROM main.{table}), (SELECT count(*) FROM journal.{table}),"  # noqa: S608 - names are constants
            f" (SELECT count(*) FROM main.{table} AS made CROSS JOIN journal.{table} AS kept"
            f" ON {met} WHERE {alike})"
        )
        return bool(made == kept == same)

    def _objects(self, schema: str) -> dict[str, tuple[str, str | None]]:
        """Tables, indexes, views and triggers, each with the text that makes it."""
        return {
            name: (kind, text)
            for kind, name, text in self._connection.execute(
                f"SELECT type, name, sql FROM {schema}.sqlite_master"  # noqa: S608 - names are constants
                " WHERE tbl_name <> '_sqlite_migrations' AND tbl_name NOT LIKE 'sqlite_stat%'"
            )
        }


def _expected() -> sqlite3.Connection:
    """An empty journal in a temporary database, which spills to disk when it grows."""
    fresh = sqlite3.connect("", timeout=30, isolation_level=None, uri=True)
    for _, statements in MIGRATIONS:
        for statement in statements:
            fresh.execute(statement)
    for projection in PROJECTIONS:
        make(fresh, projection)
    # Text that is not UTF-8 is for us to find, not for sqlite3 to stumble on.
    fresh.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return fresh


def _equal(expected: tuple[object, ...] | None, actual: tuple[object, ...] | None) -> bool:
    # 1 equals 1.0 in Python, but not byte for byte.
    return (
        expected == actual
        and expected is not None
        and actual is not None
        and [type(value) for value in expected] == [type(value) for value in actual]
    )
