"""The journal's contract: what a reader and the writer promise. No SQL here.

A *stream* is a numbered run of events about one thing; its *version* is how
many it holds. A *position* numbers all events of the journal. Both start at 1
and have no gaps. Times are milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

import msgspec

from reinstate_journal.catalogue import Event, Moment
from reinstate_journal.container_map import Containers
from reinstate_journal.progress import Progress
from reinstate_journal.statistics import Statistics


class Recorded(msgspec.Struct, frozen=True):
    """An event as the journal holds it.

    `schema` and `data` (JSON) are those of the row, never rewritten; `event` is
    upcast to the shape that the code knows. `chain` is 32 bytes of SHA-256.
    """

    position: int
    stream: str
    version: int
    type: str
    schema: int
    recorded_at: Moment
    data: str
    chain: bytes
    event: Event


class Head(msgspec.Struct, frozen=True):
    """Where the journal ends; kept elsewhere, it proves everything up to there."""

    position: int
    chain: bytes


#: What one stream is given: its name, the version it must be at, the events.
Append = tuple[str, int, Sequence[Event]]


class Reader(Protocol):
    """Reads a journal; every method may be called from any thread.

    All methods raise JournalDamaged for a file or row that cannot be read and
    JournalTooNew for an event that this version of the code does not know.
    """

    @property
    def path(self) -> Path:
        """The journal's file."""

    @property
    def progress(self) -> Progress:
        """How far each restore is."""

    @property
    def containers(self) -> Containers:
        """Where each backup folder and mountpoint went."""

    @property
    def statistics(self) -> Statistics:
        """Sums over the events of a restore."""

    def head(self) -> Head:
        """Position and chain of the last event; position 0 when there is none."""

    def version(self, stream: str) -> int:
        """How many events the stream holds; 0 when there is no such stream."""

    def read(
        self,
        stream: str | None = None,
        after: int = 0,
        types: Iterable[type[Event]] | None = None,
        limit: int | None = None,
    ) -> Iterator[Recorded]:
        """The events behind position `after`, in order, up to the head at the first step.

        Holds a page of them at a time and no lock, whatever the consumer does
        in between.
        """

    def last(self, stream: str, kind: type[Event]) -> Recorded | None:
        """The last event of this type in the stream, looked for from its end backwards."""

    def backup(self, to: str | os.PathLike[str], *, views: bool = False) -> None:
        """Copy the journal, as it is at this moment, to the new file `to`; with `views`, the copy
        has more of them for people who ask it in SQL.

        The copy is one file with everything in it, flushed, and only then gets
        its name. Raises UsageError when `to` exists, JournalWriteFailed when
        it cannot be written.
        """

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


class Journal(Reader, Protocol):
    """The one writer."""

    def append(self, stream: str, expected_version: int, events: Sequence[Event]) -> int:
        """Append to one stream and return its new version, when the events are durable.

        Raises VersionConflict when the stream is not at `expected_version`, and
        JournalWriteFailed when the commit fails; nothing is written in either
        case. After a failed commit every further append fails: a flush that
        failed is never tried again. An event that does not survive its own JSON
        raises catalogue.UnknownShape or ValueError, and harms nobody else.
        """

    def append_all(self, appends: Iterable[Append]) -> list[int]:
        """`append` to several streams, all or nothing; returns each new version."""

    def rebuild(self) -> None:
        """Throw all projections away and fold them anew from the events."""
