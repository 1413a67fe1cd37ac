"""The SQLite file of a Maildir destination: opened, made, and changed in transactions.

A rollback journal, not WAL, so that Dovecot reads it with plain read permission, and
`synchronous=EXTRA`: only then the removal of that journal, which is the commit, is
flushed as well.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import DestinationError
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.schema import FORMAT, SCHEMA

FILE = "directory.sqlite"
#: A row by the names of its columns.
Record = dict[str, object]
_FLUSH_FAILED = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


class Database:
    """One connection, shared by all threads under a lock."""

    def __init__(self, disk: Disk, root: Path, *, read_only: bool = False) -> None:
        """Opens the file in the open `root` of `disk`, which is not written to at all if
        `read_only`. Raises DestinationError."""
        self._disk = disk
        self.lock = threading.RLock()
        with self.speaking():
            if not stat.S_ISREG(os.lstat(root / FILE).st_mode):
                raise DestinationError(
                    destination=disk.location, detail=f"{FILE} in it is not a regular file"
                )
            self.db = _reading(root) if read_only else _connected(root, "rw")
        try:
            if read_only:
                self._require_ours()
            else:
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

    def _version(self) -> int:
        (version,) = self.row("PRAGMA user_version") or (0,)
        return int(str(version))

    def _require_ours(self) -> None:
        """Raises DestinationError if the tables are not those that this version knows."""
        if (version := self._version()) != FORMAT:
            raise DestinationError(
                destination=self._disk.location,
                detail=f"{FILE} has format {version}, this version knows {FORMAT}",
            )

    def _prepare(self, root: Path) -> None:
        """Makes the tables in a new file, or checks that they are ours; then tells them
        where they are and whose."""
        with self.speaking():
            self.db.execute("PRAGMA journal_mode = DELETE")
            self.db.execute("PRAGMA synchronous = EXTRA")
            self.db.execute("PRAGMA foreign_keys = ON")
        with self.changing() as db:
            if self._version() == 0:
                for statement in SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {FORMAT}")
                db.execute("INSERT INTO meta VALUES ('id', ?)", (str(uuid.uuid4()),))
            else:
                self._require_ours()
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

    def records(self, statement: str, *values: object) -> list[Record]:
        """All rows of the answer."""
        with self.lock, self.speaking():
            cursor = self.db.execute(statement, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def replace(self, table: str, key: str, value: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Lets `rows` be all that `table` has for this `value` of its first column."""
        self.db.execute(f"DELETE FROM {table} WHERE {key} = ?", (value,))  # noqa: S608 our names
        for row in rows:
            marks = ", ".join("?" * (len(row) + 1))
            self.db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (value, *row))  # noqa: S608 our names


def has_tables(root: Path) -> bool:
    """Whether the file in `root` is more than one that is about to be made. It is not changed,
    and one that cannot be read is more."""
    try:
        with closing(_reading(root.absolute())) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        return True
    return bool(version)


def _connected(root: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{(root / FILE).as_uri()}?mode={mode}",
        uri=True,
        timeout=30,
        isolation_level=None,
        check_same_thread=False,
    )


def _reading(root: Path) -> sqlite3.Connection:
    """The file without changing it. What a dead process left half done is undone in a copy."""
    db = _connected(root, "ro")
    try:
        db.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
    else:
        return db
    with tempfile.TemporaryDirectory(prefix="reinstate-") as copies:
        for name in (FILE, f"{FILE}-journal"):
            shutil.copyfile(root / name, Path(copies) / name)
        db = _connected(Path(copies), "rw")
        db.execute("BEGIN IMMEDIATE")  # which rolls back, while the names are there
        db.execute("ROLLBACK")
        return db
