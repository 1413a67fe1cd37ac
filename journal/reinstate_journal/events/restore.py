"""What happened to a restore as a whole: its runs, phases and provisioning."""

from __future__ import annotations

from typing import Any, ClassVar

from reinstate_journal.catalogue import Event, Outcome


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
