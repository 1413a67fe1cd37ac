"""Where folders and mountpoints went: the questions that the container map answers."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reinstate_journal.events import Path


class MappedFolder(msgspec.Struct, frozen=True):
    """A backup folder: its path in the backup, on the destination, and why there."""

    source: Path
    path: Path
    reason: str


class MappedMountpoint(msgspec.Struct, frozen=True):
    """A mountpoint: restored at `path` for the owner's `target`, or `refused` for a reason.

    `address` is where the grantee finds it. Owner, target and address are empty
    when it was refused, `refused` is empty when it was not.
    """

    path: Path
    owner: str
    target: Path
    address: Path
    refused: str


class Containers(Protocol):
    """Answers for one account's stream, as the journal is at the moment of the question."""

    def folders(self, stream: str) -> dict[str, MappedFolder]:
        """Every mapped folder by its id in the backup."""

    def merged(self, stream: str) -> dict[Path, tuple[str, ...]]:
        """The backup folders that share one destination folder, by its path."""

    def mountpoints(self, stream: str) -> dict[str, MappedMountpoint]:
        """Every decided mountpoint by its id in the backup."""
