"""Reading a journal: events, what is derived from them, and consistent copies."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from reinstate_journal.catalogue import Catalogue, Event, Moment
from reinstate_journal.container_map import Containers
from reinstate_journal.errors import JournalDamaged, JournalError, JournalMissing, JournalTooNew
from reinstate_journal.events import CATALOGUE
from reinstate_journal.journal import Head, Recorded
from reinstate_journal.progress import Progress
from reinstate_journal.sqlite.backup import write_copy
from reinstate_journal.sqlite.connections import Connections
from reinstate_journal.sqlite.container_queries import SqliteContainers
from reinstate_journal.sqlite.progress_queries import SqliteProgress
from reinstate_journal.sqlite.projection import PROJECTIONS, decode
from reinstate_journal.sqlite.schema import require_current
from reinstate_journal.sqlite.statistics import SqliteStatistics
from reinstate_journal.statistics import Statistics

_PAGE = 1000

_EVENT_ROW = tuple[int, str, int, str, int, Moment, str, bytes]
_EVENT = (
    "SELECT events.position, streams.name, events.version, shapes.type, shapes.schema,"
    " events.recorded_at, events.data, events.chain FROM events"
    " JOIN streams ON streams.id = events.stream JOIN shapes ON shapes.id = events.shape"
)


class SqliteReader:
    """Reader over an SQLite file."""

    def __init__(self, path: str | os.PathLike[str], *, catalogue: Catalogue | None = None) -> None:
        self._path = Path(path).resolve()
        self._catalogue = catalogue or CATALOGUE
        try:
            there = self._path.is_file()
        except OSError as error:  # a name too long for the disk
            raise JournalError(path=self._path, detail=error.strerror) from error
        if not there:
            raise JournalMissing(path=self._path)
        self._connections = Connections(self._path)
        try:
            with self._connections.lease() as connection:
                require_current(connection, self._path)
            self._require_known(
                self._connections.rows(tuple[str, int], "SELECT type, schema FROM shapes")
            )
        except BaseException:
            self._connections.close()
            raise

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._path

    def is_up_to_date(self) -> bool:
        """Whether this version of the code has made the projections; of damaged ones not told."""
        try:
            made = self._connections.rows(tuple[str, int], "SELECT name, version FROM projections")
        except JournalDamaged:
            return True
        return {(one.name, one.version) for one in PROJECTIONS} <= {*made}

    @cached_property
    def progress(self) -> Progress:
        """How far each restore is."""
        return SqliteProgress(self._connections, self._at)

    @cached_property
    def containers(self) -> Containers:
        """Where each backup folder and mountpoint went."""
        return SqliteContainers(self._connections, self._catalogue)

    @cached_property
    def statistics(self) -> Statistics:
        """Sums over the events of a restore."""
        return SqliteStatistics(self._connections, self._at)

    def head(self) -> Head:
        """Position and chain of the last event; position 0 when there is none."""
        rows = self._connections.rows(tuple[int, bytes], "SELECT position, chain FROM head")
        if not rows:
            raise JournalDamaged(path=self._path, detail="its head is gone")
        return Head(*rows[0])

    def version(self, stream: str) -> int:
        """How many events the stream holds; 0 when there is no such stream."""
        rows = self._connections.rows(
            tuple[int], "SELECT version FROM streams WHERE name = ?", (stream,)
        )
        return rows[0][0] if rows else 0

    def read(
        self,
        stream: str | None = None,
        after: int = 0,
        types: Iterable[type[Event]] | None = None,
        limit: int | None = None,
    ) -> Iterator[Recorded]:
        """The events behind position `after`, in order, up to the head at the first step."""
        narrow = "events.position > ? AND events.position <= ?"
        values: list[object] = []
        if stream is not None:
            narrow += " AND events.stream = (SELECT id FROM streams WHERE name = ?)"
            values.append(stream)
        if types is not None:
            names = [kind.__name__ for kind in types]
            marks = ", ".join("?" * len(names))
            narrow += f" AND events.shape IN (SELECT id FROM shapes WHERE type IN ({marks}))"  # noqa: S608 - only marks
            values += names
        order = "events.position" if stream is None else "events.version"
        end = self.head().position
        # A stream is walked by its own numbering, which its index gives in order.
        version = 0
        while limit is None or limit > 0:
            page = _PAGE if limit is None else min(_PAGE, limit)
            rows = self._rows(
                f"WHERE {narrow} AND events.version > ? ORDER BY {order} LIMIT ?",
                (after, end, *values, version, page),
            )
            yield from rows
            if len(rows) < page:
                return
            after = rows[-1].position
            version = rows[-1].version if stream is not None else 0
            limit = None if limit is None else limit - page

    def last(self, stream: str, kind: type[Event]) -> Recorded | None:
        """The last event of this type in the stream, looked for from its end backwards."""
        shapes = self._connections.rows(
            tuple[int], "SELECT id FROM shapes WHERE type = ?", (kind.__name__,)
        )
        if not shapes:
            return None
        marks = ", ".join("?" * len(shapes))
        narrow = f"streams.name = ? AND events.shape IN ({marks})"
        found = self._rows(
            f"WHERE {narrow} ORDER BY events.version DESC LIMIT 1",
            (stream, *(shape for (shape,) in shapes)),
        )
        return found[0] if found else None

    def backup(self, to: str | os.PathLike[str], *, views: bool = False) -> None:
        """Copy the journal, as it is at this moment, to the new file `to`."""
        with self._connections.lease() as connection:
            write_copy(connection, Path(to), views=views)

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _at(self, positions: Sequence[int]) -> list[Recorded]:
        marks = ", ".join("?" * len(positions))
        return self._rows(
            f"WHERE events.position IN ({marks}) ORDER BY events.position", tuple(positions)
        )

    def _rows(self, clause: str, values: tuple[object, ...]) -> list[Recorded]:
        rows = self._connections.rows(_EVENT_ROW, f"{_EVENT} {clause}", values)
        return [self._recorded(row) for row in rows]

    def _recorded(self, row: _EVENT_ROW) -> Recorded:
        position, stream, version, type_name, schema, at, data, chain = row
        event = decode(self._catalogue, self._path, position, type_name, schema, data)
        return Recorded(position, stream, version, type_name, schema, at, data, chain, event)

    def _require_known(self, shapes: Iterable[tuple[str, int]]) -> None:
        for name, schema in shapes:
            known = self._catalogue.types.get(name)
            if known is None or known.schema < schema:
                raise JournalTooNew(path=self._path, detail=f"{name} of schema {schema}")
