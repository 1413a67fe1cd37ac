"""Opening the file, lending connections to threads, and SQLite's errors as ours."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from reinstate_journal.errors import (
    JournalDamaged,
    JournalError,
    JournalMissing,
    JournalWriteFailed,
)
from reinstate_journal.sqlite.row import typed

# SQLITE_ERROR: our statements are right, so a table or a column of the file is not.
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,
}


def address(path: Path, mode: str) -> str:
    """What SQLite opens the file in `mode` (ro or rw) by."""
    return f"{path.as_uri()}?mode={mode}"


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in `mode` (ro or rw) that may wander between threads, in autocommit."""
    return sqlite3.connect(
        address(path, mode),
        uri=True,
        timeout=30,
        isolation_level=None,
        check_same_thread=False,
    )


def connect_writer(path: Path) -> sqlite3.Connection:
    """The writing connection: WAL, and every commit flushed before it returns.

    Raises sqlite3.Error, JournalError.
    """
    connection = connect(path, "rw")
    try:
        _use_wal(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -4096")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    """SQLite tells of an error here only by staying with the old mode."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise JournalError(path=path, detail="it cannot be given a write-ahead log")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into JournalDamaged, JournalWriteFailed or JournalError."""
    try:
        yield
    except (
        UnicodeDecodeError,  # a column's name is not UTF-8
        msgspec.MsgspecError,  # a column is not of its type, or does not hold its JSON
        RecursionError,  # nor JSON that anybody would nest like that
    ) as error:
        raise JournalDamaged(path=path, detail=str(error)) from error
    except sqlite3.Error as error:
        # Errors of Python's own sqlite3 layer (text that is not UTF-8) carry no code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        if code & 0xFF == sqlite3.SQLITE_FULL:
            raise JournalWriteFailed(path=path, detail=str(error)) from error
        raised = JournalDamaged if code & 0xFF in _DAMAGE else JournalError
        raise raised(path=path, detail=str(error)) from error


class Connections:
    """Read-only connections, each lent to one thread at a time.

    A lease is never shared, so what is read in it is one state of the journal
    per statement, and never an older one than the thread has already seen.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def lease(self) -> Iterator[sqlite3.Connection]:
        """A connection for a few statements; their cursors must be used up or closed."""
        with reading(self.path):
            with self._guard:
                if self._closed:
                    raise JournalError(path=self.path, detail="it was closed")
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = self._open()
            try:
                yield connection
            finally:
                with self._guard:
                    keep = not self._closed
                    if keep:
                        self._idle.append(connection)
                if not keep:
                    connection.close()

    def rows(self, kind: Any, statement: str, values: tuple[object, ...] = ()) -> list[Any]:
        """The statement's rows, each a tuple of type `kind`. Raises JournalDamaged for another."""
        with self.lease() as connection:
            return typed(connection.execute(statement, values).fetchall(), kind)

    def close(self) -> None:
        """Close the idle connections now and each lent one when it comes back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise JournalMissing(path=self.path)
        return connect(self.path, "ro")
