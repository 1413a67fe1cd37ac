"""What comparing a restore with its destination found."""

from __future__ import annotations

from reinstate_journal.catalogue import Event
from reinstate_journal.events.names import Path


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
