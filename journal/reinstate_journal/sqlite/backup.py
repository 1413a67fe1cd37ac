"""A copy of the journal that is complete when it has its name."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from reinstate_journal.errors import JournalWriteFailed, UsageError
from reinstate_journal.sqlite.views import VIEWS


def write_copy(source: sqlite3.Connection, to: Path, *, views: bool = False) -> None:
    """Copy one state of the journal to the new file `to`, which only its owner may read.

    The writer may go on meanwhile. With `views`, the copy has those of views.py as well. It needs
    no `-wal` beside it. Raises UsageError when `to` exists, JournalWriteFailed when it cannot be
    written.
    """
    if to.exists():
        raise UsageError(detail=f"{to} exists already; a copy never replaces a file")
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as copy:
                source.backup(copy)
                for statement in VIEWS.values() if views else ():
                    copy.execute(statement)
                copy.execute("PRAGMA journal_mode = DELETE")
            os.fsync(file)
            publish(part, to)
        finally:
            os.close(file)
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise UsageError(detail=f"{error.filename} exists already") from error
    except (OSError, sqlite3.Error) as error:
        raise JournalWriteFailed(path=to, detail=str(error)) from error


def publish(part: Path, to: Path) -> None:
    """Give the copy its name, durably, and never that of another file."""
    try:
        os.link(part, to)
    except FileExistsError as error:
        raise FileExistsError(error.errno, "exists", str(to)) from error
    except OSError:  # a file system without hard links
        part.rename(to)
    flush(to.parent)


def flush(path: Path) -> None:
    """Make a file's content, or the names in a folder, durable."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
