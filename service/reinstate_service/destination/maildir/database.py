"""The SQLite file of a Maildir destination: opened, made, and changed in transactions.

A rollback journal, not WAL, so that Dovecot reads it with plain read permission, and
`synchronous=EXTRA`: only then the removal of that journal, which is the commit, is
flushed as well.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import DestinationError
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.schema import FORMAT, SCHEMA

FILE = "directory.sqlite"
_FLUSH_FAILED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


class Database:
    """One connection, shared by all threads under a lock."""

    def __init__(self, disk: Disk, root: Path) -> None:
        """Opens the file in the open `root` of `disk`. Raises DestinationError."""
        self._disk = disk
        self.lock = threading.RLock()
        with self.speaking():
            if not stat.S_ISREG(os.lstat(root / FILE).st_mode):
                raise DestinationError(
                    destination=disk.location, detail=f"{FILE} in it is not a regular file"
                )
            self.db = sqlite3.connect(
                root / FILE, timeout=30, isolation_level=None, check_same_thread=False
            )
            self.db.execute("PRAGMA journal_mode = DELETE")
            self.db.execute("PRAGMA synchronous = EXTRA")
            self.db.execute("PRAGMA foreign_keys = ON")
        try:
            self._prepare(root)
        except BaseException:
            self.db.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        with self.lock:
            self.db.close()

    def meta(self, key: str, default: str = "") -> str:
        """A fact about the destination itself."""
        row = self.row("SELECT value FROM meta WHERE key = ?", key)
        return default if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Keeps a fact about the destination itself."""
        if self.meta(key) != value:
            with self.changing() as db:
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _prepare(self, root: Path) -> None:
        """Makes the tables in a new file, or checks that they are ours; then tells them
        where they are and whose."""
        with self.changing() as db:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version == 0:
                for statement in SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {FORMAT}")
                db.execute("INSERT INTO meta VALUES ('id', ?)", (str(uuid.uuid4()),))
            elif version != FORMAT:
                raise DestinationError(
                    destination=self._disk.location,
                    detail=f"{FILE} has format {version}, this version knows {FORMAT}",
                )
        found = os.stat(root)  # noqa: PTH116 the directory itself, as Dovecot sees it
        self.set_meta("directory", str(root))
        self.set_meta("uid", str(found.st_uid))
        self.set_meta("gid", str(found.st_gid))

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turns SQLite's errors into DestinationError, and refuses to go on after a failed
        flush, be it this file's or another's."""
        with self._disk.speaking():
            try:
                yield
            except sqlite3.Error as error:
                detail = f"{FILE}: {error}"
                if getattr(error, "sqlite_errorcode", None) in _FLUSH_FAILED:
                    self._disk.flush_failed(detail)
                raise DestinationError(destination=self._disk.location, detail=detail) from error

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of what is done inside, or nothing of it."""
        with self.lock, self.speaking():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                reach(At.DIRECTORY_CHANGED)
                self.db.execute("COMMIT")
                reach(At.DIRECTORY_COMMITTED)
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def row(self, statement: str, *values: object) -> tuple[object, ...] | None:
        """The first row of the answer, None if it is empty."""
        with self.lock, self.speaking():
            row: tuple[object, ...] | None = self.db.execute(statement, values).fetchone()
            return row

    def replace(self, table: str, key: str, value: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Lets `rows` be all that `table` has for this `value` of its first column."""
        self.db.execute(f"DELETE FROM {table} WHERE {key} = ?", (value,))  # noqa: S608 our names
        for row in rows:
            marks = ", ".join("?" * (len(row) + 1))
            self.db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (value, *row))  # noqa: S608 our names
