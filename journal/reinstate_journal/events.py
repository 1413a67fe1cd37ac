"""The event catalogue of reinstate: docs/events.md is generated from this module.

Three kinds of stream hold them: `restore/<restore>` for what concerns the whole
restore, `restore/<restore>/<account id>` for one account in it, and
`verification/<restore>` for what comparing it with the destination found. Events hold
ids, paths, digests, sizes and reasons; never subjects, correspondents of a
message, passwords or other secrets.

Paths are lists of segments, outermost first. Ids are the backup's. Sizes are
bytes. Times inside events are milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from reinstate_journal.catalogue import Catalogue, Event, Outcome

Path = tuple[str, ...]


def restore_stream(restore: str) -> str:
    """The stream of a restore as a whole."""
    return f"restore/{restore}"


def account_stream(restore: str, account: str) -> str:
    """The stream of one account within a restore."""
    return f"restore/{restore}/{account}"


def verification_stream(restore: str) -> str:
    """The stream of what comparing a restore with its destination found."""
    return f"verification/{restore}"


def approved(failure: str) -> str:
    """Why a step counts as skipped whose failure was accepted."""
    return f"approved: {failure}"


def item_step(item: str, digest: str) -> str:
    """The identity of restoring one item with one content.

    The first eight characters of the digest are 48 bits: enough to tell the few
    contents that one item has over time, such as a draft's, from each other. An
    item whose content is not known has "-".
    """
    return f"item {item} {digest[:8] or '-'}"


# --- the restore as a whole ---------------------------------------------------


class RestoreCreated(Event, frozen=True):
    """A backup and a destination met for the first time in this journal."""

    restore: str
    backup: str
    server_id: str
    product: str
    destination: str
    destination_id: str


class RunStarted(Event, frozen=True):
    """A process began to work on the restore; `options` are those it was given."""

    run: int
    epoch: int
    version: str
    options: dict[str, Any]
    last_scan: int | None = None


class RunEnded(Event, frozen=True):
    """The process stopped working: finished, incomplete (something failed),
    interrupted, suspended (more failed than was allowed), stopped (by an error), or aborted."""

    run: int
    outcome: str
    reason: str = ""


class PhaseStarted(Event, frozen=True):
    """Phase 1, 2 or 3 of a run began, in which so many accounts with so many items are chosen."""

    run: int
    phase: int
    accounts: int | None = None
    items: int | None = None


class PhaseCompleted(Event, frozen=True):
    """Phase 1, 2 or 3 of a run is through."""

    run: int
    phase: int


class NotificationRecorded(Event, frozen=True):
    """A notification is due to these addresses (`occasion`: started, phase 1, ended)."""

    run: int
    occasion: str
    recipients: tuple[str, ...]


class ProvisioningPlanned(Event, frozen=True):
    """What phase 1 sets out to make, and what the destination had already before it, by step.

    Durable before the first effect, so that *created* or *found* is known for certain,
    however often the restore is interrupted."""

    create: tuple[str, ...] = ()
    use: tuple[str, ...] = ()


class _Provisioned(Event, frozen=True):
    """Shared by the events that provision one named object of one revision.

    `revision` is a digest of the object as the backup has it, so that a newer
    backup's change is a new step.
    """

    ends: ClassVar[Outcome] = Outcome.DONE
    kind: ClassVar[str] = ""
    name: str
    revision: str = ""

    def step(self) -> str:
        return f"{self.kind} {self.name} {self.revision}".rstrip()


class DomainCreated(_Provisioned, frozen=True):
    """An empty domain was made on the destination."""

    kind: ClassVar[str] = "domain"


class DomainFound(_Provisioned, frozen=True):
    """The destination had the domain already."""

    kind: ClassVar[str] = "domain"


class DomainConfigured(_Provisioned, frozen=True):
    """The domain's attributes were set."""

    kind: ClassVar[str] = "configure domain"


class ClassOfServiceCreated(_Provisioned, frozen=True):
    """A class of service that a restored account uses was made."""

    kind: ClassVar[str] = "cos"


class ClassOfServiceFound(_Provisioned, frozen=True):
    """The destination had a class of service of this name already."""

    kind: ClassVar[str] = "cos"


class DistributionListCreated(_Provisioned, frozen=True):
    """An empty distribution list was made."""

    kind: ClassVar[str] = "list"


class DistributionListFound(_Provisioned, frozen=True):
    """The destination had the distribution list already."""

    kind: ClassVar[str] = "list"


class DistributionListConfigured(_Provisioned, frozen=True):
    """The list's attributes, aliases and members were set."""

    kind: ClassVar[str] = "configure list"


class ProvisioningFailed(Event, frozen=True):
    """A domain, class of service or list could not be made or configured."""

    ends: ClassVar[Outcome] = Outcome.FAILED
    ended: str
    failure: str
    reason: str

    def step(self) -> str:
        return self.ended


class AccountSkipped(Event, frozen=True):
    """An account of the backup was left out; `items` is how many items it holds."""

    ends: ClassVar[Outcome] = Outcome.SKIPPED
    account: str
    address: str
    reason: str
    items: int

    def step(self) -> str:
        return f"account {self.account}"


# --- one account --------------------------------------------------------------


class AccountCreated(Event, frozen=True):
    """An empty account was made on the destination."""

    ends: ClassVar[Outcome] = Outcome.DONE
    account: str
    address: str

    def step(self) -> str:
        return "account"


class AccountFound(Event, frozen=True):
    """The destination had an account of this address already."""

    ends: ClassVar[Outcome] = Outcome.DONE
    account: str
    address: str

    def step(self) -> str:
        return "account"


class AccountConfigured(Event, frozen=True):
    """The account's attributes were set as the backup has them; `absent` names what
    the destination has no place for."""

    ends: ClassVar[Outcome] = Outcome.DONE
    revision: str
    absent: tuple[str, ...] = ()

    def step(self) -> str:
        return f"configure {self.revision}"


class FiltersInstalled(Event, frozen=True):
    """The account's filter scripts were stored, the active one activated."""

    ends: ClassVar[Outcome] = Outcome.DONE
    revision: str
    scripts: tuple[str, ...]

    def step(self) -> str:
        return f"filters {self.revision}"


class QuotaLifted(Event, frozen=True):
    """The account's quota was taken off; `put_back` (bytes, 0 = none) is due again."""

    put_back: int


class QuotaPutBack(Event, frozen=True):
    """The account has its quota again (bytes, 0 = none)."""

    quota: int


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


class GrantsApplied(Event, frozen=True):
    """A folder's grants were set: `granted` as "grantee rights" (RFC 4314 letters),
    `refused` as "grantee: reason"."""

    ends: ClassVar[Outcome] = Outcome.DONE
    folder: str
    revision: str
    granted: tuple[str, ...]
    refused: tuple[str, ...] = ()

    def step(self) -> str:
        return f"grants {self.folder} {self.revision}"


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


class ItemRestored(Event, frozen=True):
    """An item is durable on the destination. `unrepresented` are keywords that it has no
    place for; `probable`: it was recognised by its header and body in a message that the
    server has changed. `served_digest` and `served_size` are those of the form that it is kept
    in, where that is another than the backup's: with other line ends."""

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
    the mountpoint that takes its place."""

    mountpoint: str
    source: Path
    owner: str
    target: Path
    items: tuple[str, ...]


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


class AttributesMapped(Event, frozen=True):
    """Ids inside attributes of the account now mean the destination's objects. `mapped` and
    `left` name the attributes; those left point at what is not there."""

    ends: ClassVar[Outcome] = Outcome.DONE
    revision: str
    mapped: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def step(self) -> str:
        return f"attributes {self.revision}"


class DataSourceRestored(Event, frozen=True):
    """An external POP or IMAP account that this account collects from was stored."""

    ends: ClassVar[Outcome] = Outcome.DONE
    source: str
    revision: str

    def step(self) -> str:
        return f"data source {self.source} {self.revision}"


class AccountFailed(Event, frozen=True):
    """The account could not be finished in this run; its restored items stay."""

    run: int
    phase: int
    failure: str
    reason: str
    address: str = ""


class AccountCompleted(Event, frozen=True):
    """The account is through all phases of a run."""

    run: int


# --- verification -------------------------------------------------------------


class VerificationStarted(Event, frozen=True):
    """The destination began to be compared with what the journal says up to `run`.

    `deep` says that items are read whole, `sample` how many of each account are looked at (0:
    all), `accounts` which were asked for (none: all), `backup` whether the backup was at hand."""

    verification: int
    run: int
    deep: bool = False
    sample: int = 0
    accounts: tuple[str, ...] = ()
    backup: bool = True


class VerificationFinding(Event, frozen=True):
    """Something is not on the destination as it was restored.

    `kind`: missing; different (other bytes, another setting); extra (a duplicate, or what nobody
    restored); changed (moved, flagged, edited: the user's doing); unchecked. `what` it is about:
    item, folder, grant, filter, quota, account, domain, class of service or list; `name` is an
    item's or account's id, or what it is called. `path` is the place on the destination."""

    verification: int
    kind: str
    what: str
    name: str
    detail: str = ""
    account: str = ""
    path: Path = ()


class DirectoryVerified(Event, frozen=True):
    """The domains, classes of service and lists have been compared: so many of them."""

    verification: int
    objects: int


class AccountVerified(Event, frozen=True):
    """An account has been compared. Of its restored items `there` are as they were restored,
    `changed` are there and were changed since, `missing` and `different` (other bytes) are not
    there; beside them lie `extra` ones, those that `arrived` later, and those that were there
    `earlier`. `objects` is how many folders, grants, filters and settings were compared."""

    verification: int
    account: str
    address: str
    there: int = 0
    changed: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    arrived: int = 0
    earlier: int = 0
    objects: int = 0


class VerificationFinished(Event, frozen=True):
    """Every account that was asked for has been compared; `whole` if all is there."""

    verification: int
    whole: bool


def _concrete(base: type[Event]) -> list[type[Event]]:
    found = []
    for event in base.__subclasses__():
        if event.__module__ == __name__ and not event.__name__.startswith("_"):
            found.append(event)
        found += _concrete(event)
    return found


CATALOGUE = Catalogue(_concrete(Event))
