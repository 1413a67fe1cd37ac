"""What happened to one account: itself, its settings, filters, quota and data sources."""

from __future__ import annotations

from typing import ClassVar

from reinstate_journal.catalogue import Event, Outcome


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
