"""Sums over the events of a restore: the questions of reports, answered without a projection.

Each answer reads all events of the restore's items, so it is for now and then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from reinstate_journal.journal import Recorded


class Rate(msgspec.Struct, frozen=True):
    """How many items, of how many bytes together, were restored in the interval that begins at
    `at` (milliseconds)."""

    at: int
    items: int
    bytes: int


class FolderTally(msgspec.Struct, frozen=True):
    """How the items of a backup folder have ended; `bytes` are those of the restored ones."""

    account: str
    folder: str
    restored: int
    skipped: int
    failed: int
    doubt: int
    bytes: int


class Statistics(Protocol):
    """Answers from the journal as it is at the moment of the question."""

    def rates(self, restore: str, interval: int) -> list[Rate]:
        """The intervals (of so many milliseconds) in which items were restored, in order."""

    def folders(self, restore: str) -> list[FolderTally]:
        """How the items of each folder have ended, by account and folder."""

    def outcomes(self, restore: str) -> Iterator[Recorded]:
        """For each item and content, the event that it ended with, in their order."""
