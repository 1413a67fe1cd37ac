"""Whether what is derived for one stream is what its events say.

The chain proves the events, and `check` everything; both take time in proportion to the journal.
Where an account's mail goes is derived from a few of its events, so that much is looked at
before anything is put there: a bit that flipped in a path would put mail into another folder.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from reinstate_journal.catalogue import Catalogue, Moment
from reinstate_journal.errors import JournalDamaged
from reinstate_journal.sqlite.containers import CHANGES, ContainerMapProjection
from reinstate_journal.sqlite.projection import decode
from reinstate_journal.sqlite.row import Stretch, typed

_EVENT_ROW = tuple[int, str, int, Moment, str]


def require_sound_map(
    connection: sqlite3.Connection, catalogue: Catalogue, path: Path, stream: str
) -> None:
    """See to it that the stream's part of the container map follows from its events.

    Raises JournalDamaged.
    """
    projection = ContainerMapProjection()
    with closing(sqlite3.connect(":memory:")) as fresh:
        for statements in projection.tables.values():
            for statement in statements:
                fresh.execute(statement)
        number = _number(connection, stream)
        projection.apply(fresh, _events(connection, catalogue, path, stream, number))
        for table in projection.tables:
            kept, derived = (_rows(base, table, number) for base in (connection, fresh))
            if kept != derived:
                detail = f"its {table} of {stream} are not what the events say"
                raise JournalDamaged(path=path, detail=detail)


def _events(
    connection: sqlite3.Connection, catalogue: Catalogue, path: Path, stream: str, number: int
) -> list[Stretch]:
    names = [kind.__name__ for kind in CHANGES]
    marks = ", ".join("?" * len(names))
    found = connection.execute(
        "SELECT events.position, shapes.type, shapes.schema, events.recorded_at, events.data"  # noqa: S608 - only marks
        " FROM events JOIN shapes ON shapes.id = events.shape WHERE events.stream = ?"
        f" AND events.shape IN (SELECT id FROM shapes WHERE type IN ({marks}))"
        " ORDER BY events.version",
        (number, *names),
    ).fetchall()
    return [
        Stretch(number, stream, at, catalogue.types[kind], (position,), (event,))
        for position, kind, schema, at, data in typed(found, _EVENT_ROW)
        for event in [decode(catalogue, path, position, kind, schema, data)]
    ]


def _number(connection: sqlite3.Connection, stream: str) -> int:
    """The stream's number; 0, which none has, while it has no event."""
    found = connection.execute("SELECT id FROM streams WHERE name = ?", (stream,)).fetchall()
    return next((number for (number,) in typed(found, tuple[int])), 0)


def _rows(connection: sqlite3.Connection, table: str, number: int) -> list[object]:
    sql = f"SELECT * FROM {table} WHERE stream = ? ORDER BY 2, 3"  # noqa: S608 - names are constants
    return connection.execute(sql, (number,)).fetchall()
