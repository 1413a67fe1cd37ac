"""A redacted copy of a journal: a journal of its own, and how its chain goes with the original's.

Beside the copy lies a file of JSON Lines that has, for each position, the chain of the original
and that of the copy. So the copy can be checked against it, and any one event of the original,
once it is disclosed, against the chains before and at it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from reinstate_journal.catalogue import Catalogue
from reinstate_journal.chain import GENESIS, link
from reinstate_journal.check import Linked
from reinstate_journal.errors import JournalWriteFailed, UsageError
from reinstate_journal.events import CATALOGUE
from reinstate_journal.journal import Head, Reader, Recorded
from reinstate_journal.redaction import Pseudonyms, redact
from reinstate_journal.sqlite.backup import flush, publish
from reinstate_journal.sqlite.connections import connect
from reinstate_journal.sqlite.projection import renew
from reinstate_journal.sqlite.schema import migrate


def write_redacted(journal: Reader, to: Path, chains: Path, names: Pseudonyms) -> Head:
    """See `redaction.redact_journal`."""
    to, chains = to.absolute(), chains.absolute()
    for path in (to, chains):
        if path.exists():
            raise UsageError(detail=f"{path} exists already; a copy never replaces a file")
    parts = [path.with_name(f".{path.name}.{os.getpid()}.part") for path in (to, chains)]
    try:
        for part in parts:
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        head = _write(journal, parts[0], parts[1], names)
        for part, path in zip(parts, (to, chains), strict=True):
            flush(part)
            publish(part, path)
    except (OSError, sqlite3.Error) as error:
        raise JournalWriteFailed(path=to, detail=str(error)) from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return head


def _write(journal: Reader, to: Path, chains: Path, names: Pseudonyms) -> Head:
    with closing(connect(to, "rw")) as connection:
        migrate(to, connection)
    head = Head(0, GENESIS)
    with closing(connect(to, "rw")) as connection, chains.open("wb") as told:
        connection.execute("BEGIN")
        for row in _Rows(connection, CATALOGUE, names).added(journal):
            told.write(msgspec.json.encode(row) + b"\n")
            head = Head(row.position, bytes.fromhex(row.redacted))
        connection.execute("UPDATE head SET position = ?, chain = ?", (head.position, head.chain))
        renew(connection, CATALOGUE, to, head.position, anew=True)
        connection.execute("COMMIT")
    return head


class _Rows:
    """Writes redacted rows, with streams and shapes numbered by first appearance."""

    def __init__(
        self, connection: sqlite3.Connection, catalogue: Catalogue, names: Pseudonyms
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._names = names
        self._streams: dict[str, int] = {}
        self._shapes: dict[tuple[str, int], int] = {}
        self._chain = GENESIS

    def added(self, journal: Reader) -> Iterator[Linked]:
        for recorded in journal.read():
            self._add(recorded)
            yield Linked(recorded.position, recorded.chain.hex(), self._chain.hex())

    def _add(self, recorded: Recorded) -> None:
        event = redact(recorded.event, self._names)
        data = self._catalogue.encoder(type(event))(event)
        stream = self._streams.setdefault(recorded.stream, len(self._streams) + 1)
        shape = (recorded.type, event.schema)
        number = self._shapes.setdefault(shape, len(self._shapes) + 1)
        self._connection.execute(
            "INSERT INTO streams (id, name, version) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version",
            (stream, recorded.stream, recorded.version),
        )
        self._connection.execute(
            "INSERT OR IGNORE INTO shapes (id, type, schema) VALUES (?, ?, ?)", (number, *shape)
        )
        self._chain = link(
            self._chain,
            recorded.position,
            recorded.stream.encode(),
            recorded.version,
            recorded.type.encode(),
            event.schema,
            recorded.recorded_at,
            data,
        )
        self._connection.execute(
            "INSERT INTO events (position, stream, version, shape, recorded_at, data, chain)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                recorded.position,
                stream,
                recorded.version,
                number,
                recorded.recorded_at,
                data.decode(),
                self._chain,
            ),
        )
