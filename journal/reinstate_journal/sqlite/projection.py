"""What a projection is, and the folding of events into it.

A projection's rows are a function of the events alone: folded one by one or in
batches of any size, live or from nothing, they come out the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from reinstate_journal.catalogue import Catalogue, Event, Moment, UnknownShape
from reinstate_journal.errors import JournalDamaged, JournalTooNew
from reinstate_journal.sqlite.containers import ContainerMapProjection
from reinstate_journal.sqlite.progress import ProgressProjection
from reinstate_journal.sqlite.row import Row, typed

_BATCH = 5000
_EVENT_ROW = tuple[int, int, str, str, int, Moment, str]


class Projection(Protocol):
    """Tables derived from events.

    `version` changes whenever the shape of the tables or their meaning does;
    the next writer then folds them anew. `tables` names each table and the
    statements that make it with its indexes; each has a primary key.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    tables: ClassVar[Mapping[str, Sequence[str]]]

    def apply(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Fold these events, the next ones in order, within the open transaction."""


PROJECTIONS: tuple[Projection, ...] = (ProgressProjection(), ContainerMapProjection())


def decode(  # noqa: PLR0917 - the columns of a row
    catalogue: Catalogue, path: Path, position: int, type_name: str, schema: int, data: str
) -> Event:
    """The event of a row. Raises JournalTooNew or JournalDamaged."""
    try:
        return catalogue.decode(type_name, schema, data)
    except UnknownShape as error:
        raise JournalTooNew(path=path, detail=str(error)) from error
    except (msgspec.MsgspecError, TypeError, ValueError, LookupError) as error:
        raise JournalDamaged(
            path=path, detail=f"event {position} is not a {type_name}: {error}"
        ) from error


def make(connection: sqlite3.Connection, projection: Projection) -> None:
    """Make the projection's tables, empty, in place of those that are there."""
    for table, statements in projection.tables.items():
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in statements:
            connection.execute(statement)
    connection.execute(
        "INSERT OR REPLACE INTO projections (name, version, position) VALUES (?, ?, 0)",
        (projection.name, projection.version),
    )


def fold(
    connection: sqlite3.Connection, catalogue: Catalogue, path: Path, projection: Projection
) -> None:
    """Bring a projection from its checkpoint to the head, within the open transaction."""
    checkpoint = connection.execute(
        "SELECT position FROM projections WHERE name = ?", (projection.name,)
    ).fetchall()
    ((position,),) = typed(checkpoint, tuple[int])
    while True:
        found = connection.execute(
            "SELECT events.position, events.stream, streams.name, shapes.type, shapes.schema,"
            " events.recorded_at, events.data FROM events"
            " JOIN streams ON streams.id = events.stream JOIN shapes ON shapes.id = events.shape"
            " WHERE events.position > ? ORDER BY events.position LIMIT ?",
            (position, _BATCH),
        ).fetchall()
        if not found:
            return
        rows = [
            Row(number, stream_id, stream, at, decode(catalogue, path, number, kind, schema, data))
            for number, stream_id, stream, kind, schema, at, data in typed(found, _EVENT_ROW)
        ]
        projection.apply(connection, rows)
        position = rows[-1].position
        connection.execute(
            "UPDATE projections SET position = ? WHERE name = ?", (position, projection.name)
        )


def renew(
    connection: sqlite3.Connection, catalogue: Catalogue, path: Path, head: int, *, anew: bool
) -> None:
    """Bring all projections to the head within the open transaction.

    One that is absent, of another version, or ahead of the head is folded from
    nothing, and so are all when `anew`.
    """
    checkpoints = {
        name: (version, position)
        for name, version, position in typed(
            connection.execute("SELECT name, version, position FROM projections").fetchall(),
            tuple[str, int, int],
        )
    }
    for projection in PROJECTIONS:
        version, position = checkpoints.get(projection.name, (0, 0))
        if anew or version != projection.version or position > head:
            make(connection, projection)
            position = 0
        if position < head:
            fold(connection, catalogue, path, projection)


def dump(connection: sqlite3.Connection, table: str) -> Iterator[tuple[object, ...]]:
    """Every row of a projection's table in the order of its primary key."""
    key = [
        name
        for _, name, _, _, _, place in sorted(
            connection.execute(f"PRAGMA table_info({table})"), key=lambda column: int(column[5])
        )
        if place
    ]
    return connection.execute(f"SELECT * FROM {table} ORDER BY {', '.join(key)}")  # noqa: S608 - names are constants
