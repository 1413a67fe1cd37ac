"""What happened to the folders and items of one account."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.events.names import Path, approved, item_step


class FolderMapped(Event, frozen=True):
    """A backup folder has its place. `reason`: existing, created, system, renamed, or merged:
    the place of another backup folder.

    This is the decision, durable before the folder is made: what existed before the
    restore is known for certain, however often it is interrupted."""

    ends: ClassVar[Outcome] = Outcome.DONE
    folder: str
    source: Path
    path: Path
    reason: str

    def step(self) -> str:
        return f"folder {self.folder}"


class FoldersMerged(Event, frozen=True):
    """Several backup folders share one destination folder: their paths are the same there."""

    path: Path
    folders: tuple[str, ...]


class FoldersCreated(Event, frozen=True):
    """All folders mapped so far, up to `count`, exist on the destination."""

    ends: ClassVar[Outcome] = Outcome.DONE
    count: int

    def step(self) -> str:
        return f"folders {self.count}"


#: How every step begins that gives grants.
GRANTS = "grants "


class GrantsApplied(Event, frozen=True):
    """A folder's grants were set: `granted` as "grantee rights" (RFC 4314 letters),
    `refused` as "grantee: reason"."""

    ends: ClassVar[Outcome] = Outcome.DONE
    folder: str
    revision: str
    granted: tuple[str, ...]
    refused: tuple[str, ...] = ()

    def step(self) -> str:
        return f"{GRANTS}{self.folder} {self.revision}"


class IntendedItem(msgspec.Struct, frozen=True):
    """An item that is about to be delivered, as the backup has it."""

    item: str
    folder: str
    digest: str
    size: int

    def step(self) -> str:
        """The step that its outcome ends."""
        return item_step(self.item, self.digest)


class DeliveryIntended(Event, frozen=True):
    """Items are about to be put into a mailbox whose server names messages itself.

    `uidvalidity` and `uidnext` are the fence: of what a run that dies leaves behind, nothing
    stands below it (RFC 3501 §2.3.1.1)."""

    path: Path
    uidvalidity: int
    uidnext: int
    items: tuple[IntendedItem, ...]


class DeliveriesSettled(Event, frozen=True):
    """What became of every delivery that was intended so far is recorded; those of which
    nothing is recorded are not on the destination."""


class OldestDeliveriesSettled(Event, frozen=True):
    """The same of all but the last intents, which are under way. In their order, `uidnexts` are
    where their fences stand now, and `settled` the UIDs above them of what is settled, as a
    sequence-set (RFC 3501 §9); nothing if there are none above any of them."""

    schema: ClassVar[int] = 2
    uidnexts: tuple[int, ...]
    settled: tuple[str, ...] = ()


class ItemRestored(Event, frozen=True):
    """An item is durable on the destination. `unrepresented` are the keywords, and flags as IMAP
    writes them, that it has no place for; `probable`: it was recognised by its header and body in
    a message that the server has changed. `served_digest` and `served_size` are those of the form
    that it is kept in, where that is another than the backup's: with other line ends."""

    ends: ClassVar[Outcome] = Outcome.DONE
    item: str
    folder: str
    digest: str
    size: int
    unrepresented: tuple[str, ...] = ()
    probable: bool = False
    served_digest: str = ""
    served_size: int = 0

    def step(self) -> str:
        return item_step(self.item, self.digest)


class KeywordsLeftOut(Event, frozen=True):
    """Items of a folder are restored without these keywords or flags, for which the destination
    has no place there. Each is told once for a folder; `ItemRestored` tells of which items."""

    folder: str
    keywords: tuple[str, ...]


class SpaceSaved(Event, frozen=True):
    """So many messages of the same append take less than their contents, `saved` bytes in all:
    `shared` of them share the file or the blocks of another message or of the backup, the others
    are the backup's gzip files. Nothing is told of what a run stored and did not record."""

    messages: int
    shared: int
    saved: int


class ItemSkipped(Event, frozen=True):
    """An item was left out as asked: deleted, later, too large."""

    ends: ClassVar[Outcome] = Outcome.SKIPPED
    item: str
    folder: str
    reason: str
    digest: str = ""
    size: int = 0

    def step(self) -> str:
        return item_step(self.item, self.digest)


class ItemFailed(Event, frozen=True):
    """An item could not be restored; `failure` is its class, `reason` the detail."""

    ends: ClassVar[Outcome] = Outcome.FAILED
    item: str
    folder: str
    failure: str
    reason: str
    digest: str = ""
    size: int = 0

    def step(self) -> str:
        return item_step(self.item, self.digest)


class ItemInDoubt(Event, frozen=True):
    """Whether an item is on the destination cannot be told, because of `reason`. It is not
    delivered again, since it could then be there twice."""

    ends: ClassVar[Outcome] = Outcome.DOUBT
    item: str
    folder: str
    reason: str
    digest: str = ""
    size: int = 0

    def step(self) -> str:
        return item_step(self.item, self.digest)


class _Approved(Event, frozen=True):
    """Shared by the events that accept a failure; `accepted` is its class, or its reason."""

    ends: ClassVar[Outcome] = Outcome.SKIPPED
    accepted: str

    @property
    def reason(self) -> str:
        """Why the step counts as skipped."""
        return approved(self.accepted)


class ItemApproved(_Approved, frozen=True):
    """An administrator accepts that an item could not be restored: it counts as skipped from now
    on. It is recorded as failed again only if it fails for another reason."""

    item: str
    folder: str
    digest: str = ""
    size: int = 0

    def step(self) -> str:
        return item_step(self.item, self.digest)


class StepApproved(_Approved, frozen=True):
    """An administrator accepts that a step which concerns no item failed."""

    ended: str

    def step(self) -> str:
        return self.ended


class ItemReopened(Event, frozen=True):
    """An item that was skipped or had failed is tried again, unless it is restored already: the
    opposite of that event, whose outcome (`was`), `reason` (the failure class of a failed one)
    and `size` it repeats."""

    item: str
    was: Outcome
    reason: str
    digest: str = ""
    size: int = 0

    def step(self) -> str:
        return item_step(self.item, self.digest)


class ItemsCompleted(Event, frozen=True):
    """Every item that the account had at `state` (a stamp of the backup's account and of the
    options that select items) is restored, skipped or failed."""

    state: str


class ItemsPassed(Event, frozen=True):
    """Every item that the account had at `state` (as in `ItemsCompleted`) has ended, up to `item`
    in the order of their numbers: a run that finds the same state begins behind it."""

    state: str
    item: str
