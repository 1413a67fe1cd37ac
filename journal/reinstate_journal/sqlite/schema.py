"""Tables of the journal, and how an older file becomes a current one.

Names of streams and shapes of events are interned: an event row says them in a
byte or two. The view `log` shows everything in full to people.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reinstate_journal.errors import JournalDamaged, JournalTooNew

#: "reJn" in the file's header: this SQLite file is a journal.
APPLICATION_ID = 0x72654A6E

#: Each migration takes a file to the format number of its place in this list.
#: Their text is final once released: `audit` compares files with it.
MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "make_the_journal",
        (
            """CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL
)""",
            """CREATE TABLE shapes (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    UNIQUE (type, schema)
)""",
            """CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id),
    version INTEGER NOT NULL,
    shape INTEGER NOT NULL REFERENCES shapes (id),
    recorded_at INTEGER NOT NULL,
    data TEXT NOT NULL,
    chain BLOB NOT NULL,
    UNIQUE (stream, version)
)""",
            """CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    chain BLOB NOT NULL
)""",
            """CREATE TABLE projections (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL
) WITHOUT ROWID""",
            """CREATE VIEW log AS
SELECT events.position,
       streams.name AS stream,
       events.version,
       shapes.type,
       shapes.schema,
       strftime('%Y-%m-%dT%H:%M:%fZ', events.recorded_at / 1000.0, 'unixepoch') AS recorded_at,
       events.data,
       lower(hex(events.chain)) AS chain
FROM events
JOIN streams ON streams.id = events.stream
JOIN shapes ON shapes.id = events.shape""",
            "INSERT INTO head (id, position, chain) VALUES (1, 0, zeroblob(32))",
        ),
    ),
)

FORMAT = len(MIGRATIONS)


def require_current(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse whatever is not a journal of this format.

    Raises JournalTooNew for a later format, JournalDamaged for anything else.
    """
    found = _format(connection, path)
    if found < FORMAT:
        raise JournalDamaged(
            path=path,
            detail="it is not a journal, or of an older format that no writer has renewed",
        )


def migrate(path: Path, connection: sqlite3.Connection) -> None:
    """Make or renew the tables of the file at `path`, through a connection of its own.

    `connection` is asked first whether anything is to be done.
    """
    found = _format(connection, path)
    if found == FORMAT:
        return
    # sqlite-utils takes half a second to import; only a new or old file needs it.
    from sqlite_utils import Database, Migrations  # noqa: PLC0415

    migrations = Migrations("reinstate_journal")
    for number, (name, statements) in enumerate(MIGRATIONS, start=1):

        def apply(
            database: Database, number: int = number, statements: tuple[str, ...] = statements
        ) -> None:
            for statement in statements:
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {number}")

        migrations(name=name)(apply)
    own = sqlite3.connect(path)
    try:
        migrations.apply(Database(own, execute_plugins=False))
    finally:
        own.close()


def _format(connection: sqlite3.Connection, path: Path) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID and found > FORMAT:
        raise JournalTooNew(path=path, detail=f"format {found}, this is {FORMAT}")
    foreign = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE tbl_name <> '_sqlite_migrations'"
    ).fetchone()[0]
    if application != APPLICATION_ID and foreign:
        raise JournalDamaged(path=path, detail="it is an SQLite file, but not a journal")
    return int(found) if application == APPLICATION_ID else 0
