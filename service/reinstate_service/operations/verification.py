"""What a verification found: from the journal alone."""

from __future__ import annotations

from collections import Counter

from reinstate_journal.events import (
    AccountVerified,
    DirectoryVerified,
    VerificationFinding,
    VerificationFinished,
    VerificationStarted,
    verification_stream,
)
from reinstate_journal.journal import Reader
from reinstate_service.model import Frozen

#: What `AccountVerified` counts of items.
COUNTS = ("there", "changed", "missing", "different", "extra", "arrived", "earlier")


class Verified(Frozen, frozen=True, omit_defaults=False):
    """A verification in short; see `Verification`."""

    number: int
    position: int
    finished_at: int | None
    deep: bool
    sample: int
    whole: bool | None
    totals: dict[str, int]


class Verification(Frozen, frozen=True, omit_defaults=False):
    """One verification. `totals` sums what `AccountVerified` counts; `whole` is None while it is
    not finished. Times are milliseconds, `position` is that of its first event."""

    number: int
    position: int
    started_at: int
    finished_at: int | None
    deep: bool
    sample: int
    backup: bool
    whole: bool | None
    totals: dict[str, int]
    objects: int
    accounts: tuple[AccountVerified, ...]
    findings: tuple[VerificationFinding, ...]

    @property
    def summary(self) -> Verified:
        """It in short."""
        return Verified(
            number=self.number,
            position=self.position,
            finished_at=self.finished_at,
            deep=self.deep,
            sample=self.sample,
            whole=self.whole,
            totals=self.totals,
        )


def last_verification(journal: Reader, restore: str) -> Verification | None:
    """The last verification of a restore, also if it was cut off; None if there was none."""
    started: tuple[VerificationStarted, int, int] | None = None
    accounts: list[AccountVerified] = []
    findings: list[VerificationFinding] = []
    objects, finished_at, whole = 0, None, None
    for recorded in journal.read(stream=verification_stream(restore)):
        match recorded.event:
            case VerificationStarted() as event:
                started = event, recorded.position, recorded.recorded_at
                accounts, findings, objects, finished_at, whole = [], [], 0, None, None
            case AccountVerified() as event:
                accounts.append(event)
                objects += event.objects
            case DirectoryVerified() as event:
                objects += event.objects
            case VerificationFinding() as event:
                findings.append(event)
            case VerificationFinished() as event:
                finished_at, whole = recorded.recorded_at, event.whole
    if started is None:
        return None
    event, position, at = started
    totals = Counter(dict.fromkeys(COUNTS, 0))
    for account in accounts:
        totals.update({name: getattr(account, name) for name in COUNTS})
    return Verification(
        number=event.verification,
        position=position,
        started_at=at,
        finished_at=finished_at,
        deep=event.deep,
        sample=event.sample,
        backup=event.backup,
        whole=whole,
        totals=dict(totals),
        objects=objects,
        accounts=tuple(sorted(accounts, key=lambda one: one.address)),
        findings=tuple(findings),
    )
