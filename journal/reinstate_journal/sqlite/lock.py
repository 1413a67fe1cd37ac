"""One writing process: an advisory lock (flock) on a file beside the journal.

The lock dies with its process, however that ends; the file stays and means
nothing by itself. A forked child that lives on keeps the lock.
"""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import JournalError, JournalInUse


class WriterLock:
    """Held from construction to `close`. Raises JournalInUse naming who holds it."""

    def __init__(self, journal: Path) -> None:
        path = _lock_file(journal)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(
                path=journal, detail=f"its lock file: {error.strerror or error}"
            ) from error
        reach(At.LOCK_OPENED)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, host = os.pread(self._file, 1024, 0).decode(errors="replace").partition(" ")
            os.close(self._file)
            raise JournalInUse(
                path=journal, pid=pid or "unknown", host=host.strip() or "unknown host"
            ) from None
        except OSError as error:
            os.close(self._file)
            raise JournalError(path=journal, detail=f"cannot be locked: {error}") from error
        reach(At.LOCK_TAKEN)
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            os.close(self._file)
            raise JournalError(
                path=journal, detail=f"its lock file: {error.strerror or error}"
            ) from error
        reach(At.LOCK_NAMED)

    def close(self) -> None:
        """Let the next process in."""
        if self._file >= 0:
            with suppress(OSError):  # a name without the lock means nothing
                os.ftruncate(self._file, 0)
            reach(At.LOCK_EMPTIED)
            os.close(self._file)
            self._file = -1


def holder(journal: Path) -> str | None:
    """Who holds the journal's lock, as far as its file tells; never takes the lock itself."""
    try:
        text = _lock_file(journal).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    pid, _, host = text.strip().partition(" ")
    if not pid.isdigit():
        return None
    if host == socket.gethostname() and not _lives(int(pid)):
        return None
    return f"process {pid} on {host}"


def _lock_file(journal: Path) -> Path:
    return journal.with_name(journal.name + ".lock")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
