"""The event catalogue of reinstate: docs/events.md is generated from this package.

Three kinds of stream hold them: `restore/<restore>` for what concerns the whole
restore, `restore/<restore>/<account id>` for one account in it, and
`verification/<restore>` for what comparing it with the destination found. Events hold
ids, paths, digests, sizes and reasons; never subjects, correspondents of a
message, passwords or other secrets.

Paths are lists of segments, outermost first. Ids are the backup's. Sizes are
bytes. Times inside events are milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from reinstate_journal.catalogue import Catalogue, Event
from reinstate_journal.events import account, containers, items, restore, verification
from reinstate_journal.events.account import (
    AccountCompleted,
    AccountConfigured,
    AccountCreated,
    AccountFailed,
    AccountFound,
    AttributesMapped,
    DataSourceRestored,
    FiltersInstalled,
    QuotaLifted,
    QuotaPutBack,
)
from reinstate_journal.events.containers import (
    FilterActivated,
    FilterChange,
    FilterLeft,
    FilterRedirected,
    FilterTranslated,
    ItemsRelocated,
    MountpointMapped,
    MountpointRefused,
    MountpointRestored,
    RelocationStarted,
    StrayFolderEmptied,
    StrayFolderKept,
    StrayFolderRemoved,
)
from reinstate_journal.events.items import (
    GRANTS,
    DeliveriesSettled,
    DeliveryIntended,
    FolderMapped,
    FoldersCreated,
    FoldersMerged,
    GrantsApplied,
    IntendedItem,
    ItemApproved,
    ItemFailed,
    ItemInDoubt,
    ItemReopened,
    ItemRestored,
    ItemsCompleted,
    ItemSkipped,
    ItemsPassed,
    KeywordsLeftOut,
    OldestDeliveriesSettled,
    SpaceSaved,
    StepApproved,
)
from reinstate_journal.events.names import (
    Path,
    account_stream,
    approved,
    item_step,
    restore_stream,
    verification_stream,
)
from reinstate_journal.events.restore import (
    AccountSkipped,
    ClassOfServiceCreated,
    ClassOfServiceFound,
    DistributionListConfigured,
    DistributionListCreated,
    DistributionListFound,
    DomainConfigured,
    DomainCreated,
    DomainFound,
    NotificationRecorded,
    PhaseCompleted,
    PhaseStarted,
    ProvisioningFailed,
    ProvisioningPlanned,
    RestoreCreated,
    RunEnded,
    RunStarted,
)
from reinstate_journal.events.verification import (
    AccountVerified,
    DirectoryVerified,
    VerificationFinding,
    VerificationFinished,
    VerificationStarted,
)

__all__ = [
    "CATALOGUE",
    "GRANTS",
    "AccountCompleted",
    "AccountConfigured",
    "AccountCreated",
    "AccountFailed",
    "AccountFound",
    "AccountSkipped",
    "AccountVerified",
    "AttributesMapped",
    "ClassOfServiceCreated",
    "ClassOfServiceFound",
    "DataSourceRestored",
    "DeliveriesSettled",
    "DeliveryIntended",
    "DirectoryVerified",
    "DistributionListConfigured",
    "DistributionListCreated",
    "DistributionListFound",
    "DomainConfigured",
    "DomainCreated",
    "DomainFound",
    "FilterActivated",
    "FilterChange",
    "FilterLeft",
    "FilterRedirected",
    "FilterTranslated",
    "FiltersInstalled",
    "FolderMapped",
    "FoldersCreated",
    "FoldersMerged",
    "GrantsApplied",
    "IntendedItem",
    "ItemApproved",
    "ItemFailed",
    "ItemInDoubt",
    "ItemReopened",
    "ItemRestored",
    "ItemSkipped",
    "ItemsCompleted",
    "ItemsPassed",
    "ItemsRelocated",
    "KeywordsLeftOut",
    "MountpointMapped",
    "MountpointRefused",
    "MountpointRestored",
    "NotificationRecorded",
    "OldestDeliveriesSettled",
    "Path",
    "PhaseCompleted",
    "PhaseStarted",
    "ProvisioningFailed",
    "ProvisioningPlanned",
    "QuotaLifted",
    "QuotaPutBack",
    "RelocationStarted",
    "RestoreCreated",
    "RunEnded",
    "RunStarted",
    "SpaceSaved",
    "StepApproved",
    "StrayFolderEmptied",
    "StrayFolderKept",
    "StrayFolderRemoved",
    "VerificationFinding",
    "VerificationFinished",
    "VerificationStarted",
    "account_stream",
    "approved",
    "item_step",
    "restore_stream",
    "verification_stream",
]


def _events_of(module: ModuleType) -> Iterator[type[Event]]:
    """The events that the module defines, in its order."""
    for name, value in vars(module).items():
        own = isinstance(value, type) and value.__module__ == module.__name__
        if own and issubclass(value, Event) and not name.startswith("_"):
            yield value


CATALOGUE = Catalogue(
    (
        event
        for module in (restore, account, items, containers, verification)
        for event in _events_of(module)
    ),
    # An account had one connection then: what was settled stood below all fences.
    {("OldestDeliveriesSettled", 1): dict},
)
