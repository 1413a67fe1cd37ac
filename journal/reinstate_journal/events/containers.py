"""What happened in phase 3 of one account: mountpoints, filters, relocated messages."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.events.names import Path


class MountpointMapped(Event, frozen=True):
    """A mountpoint has its place: the grantee reaches the owner's folder `target` at `address`.

    `source` is where the backup has it, `path` the same place on the destination. `reason`:
    free (nothing stood there), filter (a folder that a filter had made stands there; its items
    follow), beside (a folder of the user's own stands there and stays). Like `FolderMapped`, the
    decision before the effect."""

    mountpoint: str
    source: Path
    path: Path
    owner: str
    target: Path
    address: Path
    reason: str


class MountpointRestored(Event, frozen=True):
    """A mountpoint that has its place leads to its owner's folder again."""

    ends: ClassVar[Outcome] = Outcome.DONE
    mountpoint: str

    def step(self) -> str:
        return f"mountpoint {self.mountpoint}"


class MountpointRefused(Event, frozen=True):
    """A mountpoint was not made, because of `reason`."""

    ends: ClassVar[Outcome] = Outcome.FAILED
    mountpoint: str
    path: Path
    reason: str

    def step(self) -> str:
        return f"mountpoint {self.mountpoint}"


class FilterChange(msgspec.Struct, frozen=True):
    """A string in a script that named `old` and names `new`; `line` counts from 1."""

    line: int
    old: str
    new: str


class FilterLeft(msgspec.Struct, frozen=True):
    """A string in a script that was left as it is, and why a person should look at it."""

    line: int
    text: str
    reason: str


class FilterTranslated(Event, frozen=True):
    """A filter script of the backup is written in standard Sieve for the destination: `before` and
    `after` are digests of its text. The rules in `kept` are only a comment there."""

    script: str
    before: str
    after: str
    kept: tuple[FilterLeft, ...] = ()


class FilterRedirected(Event, frozen=True):
    """It is decided what becomes of a filter script: `before` and `after` are digests of its
    text; they are equal if it stays and only something in it was `left`."""

    script: str
    before: str
    after: str
    changed: tuple[FilterChange, ...] = ()
    left: tuple[FilterLeft, ...] = ()


class FilterActivated(Event, frozen=True):
    """A redirected script stands in the place of the one before it."""

    ends: ClassVar[Outcome] = Outcome.DONE
    script: str
    revision: str

    def step(self) -> str:
        return f"filter {self.script} {self.revision}"


class RelocationStarted(Event, frozen=True):
    """These messages of a folder that a filter had made are about to move into the target of
    the mountpoint that takes its place. Where a server names messages itself, `uidvalidity` and
    `uidnext` are the fence, as in `DeliveryIntended`: what has moved stands above it."""

    mountpoint: str
    source: Path
    owner: str
    target: Path
    items: tuple[str, ...]
    uidvalidity: int = 0
    uidnext: int = 0


class ItemsRelocated(Event, frozen=True):
    """The messages of the relocation in hand lie in `target` now. `gone` are those that their
    user had moved elsewhere meanwhile."""

    mountpoint: str
    source: Path
    owner: str
    target: Path
    items: tuple[str, ...]
    gone: tuple[str, ...] = ()


class StrayFolderEmptied(Event, frozen=True):
    """No message is left in a folder that a filter had made where a mountpoint belongs, and it is
    about to go."""

    mountpoint: str
    path: Path
    owner: str
    target: Path


class StrayFolderRemoved(Event, frozen=True):
    """A folder that a filter had made where a mountpoint belongs was empty and is gone."""

    ends: ClassVar[Outcome] = Outcome.DONE
    mountpoint: str
    path: Path

    def step(self) -> str:
        return f"stray {self.mountpoint} {'/'.join(self.path)}"


class StrayFolderKept(Event, frozen=True):
    """A folder that a filter had made where a mountpoint belongs could not be removed: something
    is in it still. The mountpoint leads to its target all the same."""

    ends: ClassVar[Outcome] = Outcome.FAILED
    mountpoint: str
    path: Path
    reason: str

    def step(self) -> str:
        return f"stray {self.mountpoint} {'/'.join(self.path)}"
