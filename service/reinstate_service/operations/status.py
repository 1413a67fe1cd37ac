"""Where each restore of a journal stands, cheaply, also while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reinstate_journal import lock_holder
from reinstate_journal.catalogue import Outcome
from reinstate_journal.events import PhaseStarted, restore_stream
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Account, Restore, Run, Tally
from reinstate_service.model import Frozen
from reinstate_service.operations.restores import runs_of


class RestoreStatus(Frozen, frozen=True, omit_defaults=False):
    """One restore: its last run, and how many accounts and items are in which state. Items of
    skipped accounts count as skipped, as they do in the report. `expected` is how many items
    the run set out with, None as long as it has not counted them."""

    restore: Restore
    run: Run
    state: str
    accounts: dict[str, int]
    items: dict[str, int]
    size: int
    expected: int | None


class Status(Frozen, frozen=True, omit_defaults=False):
    """A journal: who writes to it now (empty if nobody), and its restores."""

    journal: str
    writer: str
    restores: tuple[RestoreStatus, ...]


def make_status(journal: Reader) -> Status:
    """The status as the journal has it at this moment."""
    writer = lock_holder(journal.path)
    restores = (
        _restore(journal, restore, writer is not None) for restore in journal.progress.restores()
    )
    return Status(str(journal.path), writer or "", tuple(restores))


def _restore(journal: Reader, restore: Restore, busy: bool) -> RestoreStatus:
    run = runs_of(journal, restore.restore)[-1]
    accounts = journal.progress.accounts(restore.restore)
    tallies = journal.progress.all_tallies(restore.restore)
    expected = expected_items(journal, restore.restore, run.run)
    return sum_up(restore, run, accounts, tallies, busy=busy, expected=expected)


def sum_up(
    restore: Restore,
    run: Run,
    accounts: Iterable[Account],
    tallies: Iterable[Tally],
    *,
    busy: bool,
    expected: int | None,
) -> RestoreStatus:
    """The status of a restore of which this is the last run; `busy` if somebody writes now."""
    states: dict[str, int] = {}
    items = {outcome.value: 0 for outcome in Outcome}
    for account in accounts:
        states[account.state] = states.get(account.state, 0) + 1
        if account.state == "skipped":
            items[Outcome.SKIPPED.value] += account.items or 0
    size = 0
    for tally in tallies:
        items[tally.outcome.value] += tally.count
        size += tally.bytes if tally.outcome is Outcome.DONE else 0
    state = run.outcome or ("running" if busy else "cut off")
    return RestoreStatus(restore, run, state, states, items, size, expected)


def expected_items(journal: Reader, restore: str, run: int) -> int | None:
    """How many items a run set out with; None as long as it has not counted them."""
    phases = journal.read(stream=restore_stream(restore), types=[PhaseStarted])
    counts = [
        recorded.event.items
        for recorded in phases
        if isinstance(recorded.event, PhaseStarted) and recorded.event.run == run
    ]
    return counts[-1] if counts else None


def journal_files(journal: Path) -> tuple[Path, Path]:
    """The files that change when the journal does."""
    return journal, journal.with_name(journal.name + "-wal")
