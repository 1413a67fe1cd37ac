"""Accepting failures: what is accepted counts as skipped, and no longer against the limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from reinstate_journal.catalogue import Event
from reinstate_journal.errors import UsageError
from reinstate_journal.events import (
    ItemApproved,
    ItemFailed,
    ItemInDoubt,
    StepApproved,
    account_stream,
)
from reinstate_journal.journal import Journal, Reader, Recorded
from reinstate_service.model import Frozen
from reinstate_service.operations.container_map import find_account


class NothingToApprove(UsageError):
    """Nothing that failed is what was named."""

    message = "Nothing that failed in restore {restore} is what you named"
    hint = "reinstate report lists what failed; what is in doubt cannot be approved."


class Approval(Frozen, frozen=True):
    """Which failures are accepted: those that are of an `account` (address or id), a failure class
    and an item, as far as each is named."""

    accounts: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


def approve(journal: Journal, restore: str, approval: Approval) -> list[Recorded]:
    """Accepts the failures, in one append; answers their events.

    What is in doubt is not accepted: it could be on the destination. Raises NoSuchAccount,
    NothingToApprove.
    """
    chosen = list(_chosen(journal, restore, approval))
    if not chosen:
        raise NothingToApprove(restore=restore)
    accepted: dict[str, list[Event]] = defaultdict(list)
    for recorded in chosen:
        accepted[recorded.stream].append(_accepted(recorded.event))
    journal.append_all(
        [(stream, journal.version(stream), events) for stream, events in accepted.items()]
    )
    return chosen


def _chosen(journal: Reader, restore: str, approval: Approval) -> Iterator[Recorded]:
    streams = {
        account_stream(restore, find_account(journal, name, restore).account)
        for name in approval.accounts
    }
    for recorded in journal.progress.failures(restore):
        event = recorded.event
        if isinstance(event, ItemInDoubt) or (streams and recorded.stream not in streams):
            continue
        if _is_named(getattr(event, "failure", recorded.type), approval.failures) and _is_named(
            getattr(event, "item", ""), approval.items
        ):
            yield recorded


def _is_named(name: str, names: Iterable[str]) -> bool:
    return not names or name in names


def _accepted(event: Event) -> Event:
    if isinstance(event, ItemFailed):
        return ItemApproved(
            accepted=event.failure,
            item=event.item,
            folder=event.folder,
            digest=event.digest,
            size=event.size,
        )
    step = event.step()
    assert step is not None  # noqa: S101 - only events that end a step fail
    # What is compared when the step fails again: its class, or its reason where it has none.
    accepted = getattr(event, "failure", "") or getattr(event, "reason", "")
    return StepApproved(accepted=accepted, ended=step)
