"""A durable, tamper-evident journal of events in one SQLite file.

`open_journal` gives the one writer, `open_reader` any number of readers; what
both can do stands in `reinstate_journal.journal`. Importing this package loads
nothing else.

Not promised: somebody who can write the file and recomputes the whole chain is
not found out, unless the head's chain was also kept elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reinstate_journal.catalogue import Catalogue
    from reinstate_journal.journal import Journal, Reader

__all__ = ["lock_holder", "open_journal", "open_reader"]


def open_journal(
    path: str | os.PathLike[str],
    *,
    catalogue: Catalogue | None = None,
    clock: Callable[[], int] | None = None,
) -> Journal:
    """The writer of the journal at `path`, which is made when it is not there.

    `catalogue` names the events it may hold (default: those of reinstate);
    `clock` gives milliseconds since 1970-01-01 UTC. Raises JournalInUse while
    another process writes, JournalTooNew, JournalDamaged, or JournalError when
    the file cannot be opened at all.
    """
    from reinstate_journal.sqlite.writer import SqliteJournal  # noqa: PLC0415 - imports stay cheap

    return SqliteJournal(path, catalogue=catalogue, clock=clock)


def open_reader(path: str | os.PathLike[str], *, catalogue: Catalogue | None = None) -> Reader:
    """A reader of the journal at `path`; needs no lock and never waits for the writer, but for
    the first one after another version of reinstate: it folds the projections anew.

    Raises JournalMissing when there is none, JournalTooNew, JournalDamaged, and JournalOutdated
    where the projections are of another version, which writes still.
    """
    from reinstate_journal.errors import JournalInUse, JournalOutdated  # noqa: PLC0415 - as below
    from reinstate_journal.sqlite.reader import SqliteReader  # noqa: PLC0415 - imports stay cheap

    reader = SqliteReader(path, catalogue=catalogue)
    if reader.is_up_to_date():
        return reader
    reader.close()
    try:
        open_journal(path, catalogue=catalogue).close()
    except JournalInUse as error:
        raise JournalOutdated(**error.fields) from error
    return SqliteReader(path, catalogue=catalogue)


def lock_holder(path: str | os.PathLike[str]) -> str | None:
    """Who writes to the journal now, as "process PID on HOST", or None if nobody does.

    A process that was killed holds nothing any more; of one on another host it cannot
    be told.
    """
    from reinstate_journal.sqlite.lock import holder  # noqa: PLC0415 - imports stay cheap

    return holder(Path(path))
