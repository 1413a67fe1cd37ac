"""Where folders and mountpoints went: the questions that the container map answers."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reinstate_journal.events import FilterChange, FilterLeft, Path


class MappedFolder(msgspec.Struct, frozen=True):
    """A backup folder: its path in the backup, on the destination, and why there."""

    source: Path
    path: Path
    reason: str


class MappedMountpoint(msgspec.Struct, frozen=True):
    """A mountpoint: where the backup has it, the same place on the destination, and either the
    owner's folder `target` with the `address` under which the grantee reaches it, or why it
    was `refused`.

    `reason` is free, filter or beside; `restored` says that it leads there already.
    Path, owner, target, address and reason are empty when it was refused before it had them.
    """

    source: Path
    path: Path
    owner: str
    target: Path
    address: Path
    reason: str
    restored: bool
    refused: str


class Relocation(msgspec.Struct, frozen=True):
    """Messages that were about to move when the journal ended; none if the folder that they
    were in was about to be removed. `uidnext` is 0 where messages keep their names."""

    mountpoint: str
    source: Path
    owner: str
    target: Path
    items: tuple[str, ...]
    uidvalidity: int = 0
    uidnext: int = 0


class Moved(msgspec.Struct, frozen=True):
    """How many messages moved from a stray folder into a mountpoint's target, and how many
    their user had moved elsewhere."""

    mountpoint: str
    source: Path
    target: Path
    items: int
    gone: int


class MappedFilter(msgspec.Struct, frozen=True):
    """A filter script as it was decided last: `before` and `after` are digests of its text,
    `changed` and `left` what happened to its folders; `active` once it stands in place."""

    before: str
    after: str
    changed: tuple[FilterChange, ...]
    left: tuple[FilterLeft, ...]
    active: bool


class TranslatedFilter(msgspec.Struct, frozen=True):
    """A filter script of the backup as it was translated last; `kept` are the rules that are only
    a comment in it."""

    before: str
    after: str
    kept: tuple[FilterLeft, ...]


class Containers(Protocol):
    """Answers for one account's stream, as the journal is at the moment of the question."""

    def require_sound(self, stream: str) -> None:
        """Compares what is known of the stream with its events. Raises JournalDamaged."""

    def folders(self, stream: str) -> dict[str, MappedFolder]:
        """Every mapped folder by its id in the backup."""

    def merged(self, stream: str) -> dict[Path, tuple[str, ...]]:
        """The backup folders that share one destination folder, by its path."""

    def mountpoints(self, stream: str) -> dict[str, MappedMountpoint]:
        """Every decided mountpoint by its id in the backup."""

    def redirects(self, stream: str) -> dict[Path, Path]:
        """Where a filter has to write that wrote to a folder or mountpoint of the backup which
        has another path now: old path to new path. A mountpoint beside a folder of the user's
        own redirects nothing: what files there means that folder."""

    def filters(self, stream: str) -> dict[str, MappedFilter]:
        """Every script that was redirected or reported, by its name."""

    def translated(self, stream: str) -> dict[str, TranslatedFilter]:
        """Every script that was translated, by its name."""

    def relocating(self, stream: str) -> list[Relocation]:
        """The relocations whose outcome is not known."""

    def left_out(self, stream: str) -> dict[str, tuple[str, ...]]:
        """The keywords that items of a folder are restored without, by the folder's id."""

    def moved(self, stream: str) -> list[Moved]:
        """What has moved, by mountpoint and folder."""
