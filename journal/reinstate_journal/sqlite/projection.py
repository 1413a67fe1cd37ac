"""What a projection is, and the folding of events into it.

A projection's rows are a function of the events alone: folded one by one or in
batches of any size, live or from nothing, they come out the same.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from reinstate_journal.catalogue import Catalogue, Event, Moment, UnknownShape
from reinstate_journal.errors import JournalDamaged, JournalTooNew
from reinstate_journal.sqlite.containers import ContainerMapProjection
from reinstate_journal.sqlite.progress import ProgressProjection
from reinstate_journal.sqlite.row import Stretch, alike, typed

_PAGE = 5000
_EVENT_ROW = tuple[int, int, int, Moment, str]
_NOT_OF_ITS_SHAPE = (msgspec.MsgspecError, TypeError, ValueError, LookupError)


class Projection(Protocol):
    """Tables derived from events.

    `version` changes whenever the shape of the tables or their meaning does;
    the next writer then folds them anew. `tables` names each table and the
    statements that make it with its indexes; each has a primary key.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    tables: ClassVar[Mapping[str, Sequence[str]]]

    def apply(self, connection: sqlite3.Connection, stretches: Sequence[Stretch]) -> None:
        """Fold these events, the next ones in order, within the open transaction."""


PROJECTIONS: tuple[Projection, ...] = (ProgressProjection(), ContainerMapProjection())


def decode(  # noqa: PLR0917 - the columns of a row
    catalogue: Catalogue, path: Path, position: int, type_name: str, schema: int, data: str | bytes
) -> Event:
    """The event of a row. Raises JournalTooNew or JournalDamaged."""
    try:
        return catalogue.decoder(type_name, schema)(data)
    except UnknownShape as error:
        raise JournalTooNew(path=path, detail=str(error)) from error
    except _NOT_OF_ITS_SHAPE as error:
        raise JournalDamaged(
            path=path, detail=f"event {position} is not a {type_name}: {error}"
        ) from error


def decode_all(  # noqa: PLR0917 - the columns of rows
    catalogue: Catalogue,
    path: Path,
    positions: Sequence[int],
    type_name: str,
    schema: int,
    data: Sequence[str | bytes],
) -> list[Event]:
    """The events of rows of one shape. Raises JournalTooNew or JournalDamaged."""
    try:
        return list(map(catalogue.decoder(type_name, schema), data))
    except _NOT_OF_ITS_SHAPE:  # one of them; which is found out one by one
        return [
            decode(catalogue, path, position, type_name, schema, text)
            for position, text in zip(positions, data, strict=True)
        ]


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
    behind: defaultdict[int, list[Projection]] = defaultdict(list)
    for projection in PROJECTIONS:
        version, position = checkpoints.get(projection.name, (0, 0))
        if anew or version != projection.version or position > head:
            make(connection, projection)
            position = 0
        if position < head:
            behind[position].append(projection)
    for position, projections in behind.items():
        for stretches in _stretches(connection, catalogue, path, position):
            for projection in projections:
                projection.apply(connection, stretches)
        connection.executemany(
            "UPDATE projections SET position = ? WHERE name = ?",
            [(head, projection.name) for projection in projections],
        )


def _stretches(
    connection: sqlite3.Connection, catalogue: Catalogue, path: Path, after: int
) -> Iterator[list[Stretch]]:
    """The events behind position `after`, by the page."""
    streams: dict[int, str] = dict(
        typed(connection.execute("SELECT id, name FROM streams").fetchall(), tuple[int, str])
    )
    shapes = {
        number: (kind, schema)
        for number, kind, schema in typed(
            connection.execute("SELECT id, type, schema FROM shapes").fetchall(),
            tuple[int, str, int],
        )
    }
    while page := connection.execute(
        "SELECT position, stream, shape, recorded_at, data FROM events"
        " WHERE position > ? ORDER BY position LIMIT ?",
        (after, _PAGE),
    ).fetchall():
        positions, *having, data = zip(*typed(page, _EVENT_ROW), strict=True)
        stretches = []
        for stream, shape, at, rows in alike(*having):
            if stream not in streams or shape not in shapes:
                detail = f"the stream or the shape of event {positions[rows.start]} has no name"
                raise JournalDamaged(path=path, detail=detail)
            kind, schema = shapes[shape]
            events = decode_all(catalogue, path, positions[rows], kind, schema, data[rows])
            known = catalogue.types[kind]
            stretches.append(Stretch(stream, streams[stream], at, known, positions[rows], events))
        yield stretches
        after = positions[-1]


def dump(
    connection: sqlite3.Connection, table: str, schema: str = "main"
) -> Iterator[tuple[object, ...]]:
    """Every row of a projection's table in the order of its primary key."""
    order = ", ".join(key_of(connection, table))
    return connection.execute(f"SELECT * FROM {schema}.{table} ORDER BY {order}")  # noqa: S608 - names are constants


def key_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """The columns of the table's primary key, in their order."""
    places = {
        name: int(place)
        for _, name, _, _, _, place in connection.execute(f"PRAGMA main.table_info({table})")
        if place
    }
    return sorted(places, key=places.__getitem__)
