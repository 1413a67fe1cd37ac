"""The one writer of a journal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path

import msgspec

from reinstate_journal.catalogue import Catalogue, Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import JournalDamaged, JournalError, JournalWriteFailed
from reinstate_journal.events import CATALOGUE
from reinstate_journal.journal import Append
from reinstate_journal.sqlite.backup import flush
from reinstate_journal.sqlite.commit import Committer, Encoded, Part
from reinstate_journal.sqlite.connections import connect, connect_writer, reading
from reinstate_journal.sqlite.lock import WriterLock
from reinstate_journal.sqlite.reader import SqliteReader
from reinstate_journal.sqlite.schema import migrate


def wall_clock() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


class SqliteJournal(SqliteReader):
    """Journal over an SQLite file, which it makes when it is not there."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        catalogue: Catalogue | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        where = Path(path).resolve()
        with ExitStack() as undo:
            self._lock = WriterLock(where)
            undo.callback(self._lock.close)
            with reading(where):
                _prepare(where, catalogue or CATALOGUE)
                super().__init__(where, catalogue=catalogue)
                undo.callback(super().close)
                connection = connect_writer(where)
                undo.callback(connection.close)
                _flush_names(where)
                self._committer = Committer(
                    where, connection, catalogue or CATALOGUE, clock or wall_clock
                )
            undo.pop_all()

    def append(self, stream: str, expected_version: int, events: Sequence[Event]) -> int:
        """Append to one stream and return its new version, when the events are durable."""
        return self.append_all([(stream, expected_version, events)])[0]

    def append_all(self, appends: Iterable[Append]) -> list[int]:
        """`append` to several streams, all or nothing; returns each new version."""
        parts = [
            Part(stream, expected, len(events), self._encode(events))
            for stream, expected, events in appends
        ]
        return self._committer.submit(parts)

    def rebuild(self) -> None:
        """Throw all projections away and fold them anew from the events."""
        self._committer.rebuild()

    def close(self) -> None:
        """Finish the commit in hand, let go of the file and let the next writer in."""
        # Only the writing connection can empty the WAL into the file, and only when it goes
        # last. After a failed commit it must not: that would flush again.
        if self._committer.stopped:
            self._committer.close()
        super().close()
        self._committer.close()
        self._lock.close()

    def _encode(self, events: Sequence[Event]) -> list[Encoded]:
        return [self._encode_alike(kind, alike) for kind, alike in groupby(events, type)]

    def _encode_alike(self, kind: type[Event], events: Iterable[Event]) -> Encoded:
        data = list(map(self._catalogue.encoder(kind), events))
        texts = list(map(bytes.decode, data))
        try:
            # What is folded now is what a reader will decode later, to the letter.
            decoded = list(map(self._catalogue.decoder(kind.__name__, kind.schema), texts))
        except msgspec.MsgspecError as error:
            name = kind.__name__
            raise ValueError(f"{name} does not survive its own JSON: {error}") from error
        return Encoded(kind, decoded, texts, data)


def _prepare(path: Path, catalogue: Catalogue) -> None:
    """See to it that `path` is a journal of the current format; refuse anything else.

    A new one is made whole under another name: whoever finds the file finds a journal,
    also if its maker was killed. The writer's lock is held.
    """
    if not path.exists():
        try:
            _make(path, catalogue)
        except OSError as error:
            raise JournalError(path=path, detail=str(error.strerror or error)) from error
        return
    if not path.is_file():
        raise JournalError(path=path, detail="it is not a file")
    # SQLite takes a file shorter than its header for an empty one and writes over it.
    if 0 < path.stat().st_size < 100:
        raise JournalDamaged(path=path, detail="it is too short for a database")
    with closing(connect(path, "rw")) as connection:
        migrate(path, connection)


def _flush_names(path: Path) -> None:
    """Make the names of the journal and of its WAL durable: SQLite does it as well, but does
    not tell of an error."""
    try:
        flush(path.parent)
    except OSError as error:
        raise JournalError(path=path, detail=str(error.strerror or error)) from error


def _make(path: Path, catalogue: Catalogue) -> None:
    new = path.with_name(path.name + ".new")
    for leftover in (new, new.with_name(new.name + "-wal"), new.with_name(new.name + "-shm")):
        leftover.unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    reach(At.JOURNAL_EMPTY)
    with closing(connect(new, "rw")) as connection:
        migrate(new, connection)
    reach(At.JOURNAL_HAS_TABLES)
    with closing(connect_writer(new)) as connection:
        Committer(new, connection, catalogue, wall_clock)
    if new.with_name(f"{new.name}-wal").exists():  # SQLite tells of an error here only so
        raise JournalWriteFailed(path=path, detail="what was written could not be flushed")
    reach(At.JOURNAL_WHOLE)
    flush(new)
    reach(At.JOURNAL_FLUSHED)
    new.rename(path)
    reach(At.JOURNAL_RENAMED)
    flush(path.parent)
    reach(At.JOURNAL_MADE)
