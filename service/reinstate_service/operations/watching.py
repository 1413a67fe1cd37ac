"""Looking at a restore again and again while another process works on it.

Only what the projections hold is read, never the items' events, so a look costs the same
however many items there are.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from reinstate_journal import lock_holder
from reinstate_journal.events import account_stream
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Account, Tally
from reinstate_service.model import Frozen
from reinstate_service.operations.restores import choose_restore, runs_of
from reinstate_service.operations.status import RestoreStatus, expected_items, sum_up

#: Seconds over which the rate is the mean.
_WINDOW = 60.0
_TROUBLES = 8


class Trouble(Frozen, frozen=True, omit_defaults=False):
    """Something that could not be restored: of whom, what, and why."""

    address: str
    what: str
    reason: str


class InWork(Frozen, frozen=True, omit_defaults=False):
    """An account some of whose items were settled since the look before, and how many in all."""

    address: str
    items: int


class View(Frozen, frozen=True, omit_defaults=False):
    """A restore at one moment.

    `elapsed` and `left` are seconds, of this run and until its items are through; `left` is None
    while that cannot be told. `settled` items are through, however they ended, those of skipped
    accounts aside; `rate` is how many a second in the last minute. `troubles` are the
    newest, newest last.
    """

    status: RestoreStatus
    writer: str
    settled: int
    elapsed: float
    rate: float
    left: float | None
    in_work: tuple[InWork, ...]
    troubles: tuple[Trouble, ...]


class Watcher:
    """Looks at one restore of a journal; remembers what the look before saw.

    `clock` gives seconds, `now` milliseconds since 1970-01-01 UTC. Raises NoRestore,
    SeveralRestores.
    """

    def __init__(
        self,
        journal: Reader,
        restore: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._journal = journal
        self._restore = choose_restore(journal, restore)
        self._clock = clock
        self._now = now
        self._seen = 0
        self._settled: dict[str, int] = {}
        self._failed: frozenset[str] = frozenset()
        self._samples: deque[tuple[float, int]] = deque()
        self._troubles: deque[Trouble] = deque(maxlen=_TROUBLES)

    def look(self) -> View:
        """The restore as it is now. Raises JournalDamaged."""
        journal, restore = self._journal, self._restore.restore
        writer = lock_holder(journal.path)
        run = runs_of(journal, restore)[-1]
        accounts = {one.account: one for one in journal.progress.accounts(restore)}
        tallies = list(journal.progress.all_tallies(restore))
        status = sum_up(
            self._restore,
            run,
            accounts.values(),
            tallies,
            busy=writer is not None,
            expected=expected_items(journal, restore, run.run),
        )
        self._troubles.extend(self._new_troubles(accounts))
        settled = sum(tally.count for tally in tallies)
        rate = self._rate(settled)
        return View(
            status=status,
            writer=writer or "",
            settled=settled,
            elapsed=((run.ended_at or self._now()) - run.started_at) / 1000,
            rate=rate,
            left=_left(status.expected, settled, rate),
            in_work=tuple(self._in_work(accounts, tallies)),
            troubles=tuple(self._troubles),
        )

    def _new_troubles(self, accounts: dict[str, Account]) -> Iterator[Trouble]:
        restore = self._restore.restore
        addresses = {account_stream(restore, one): accounts[one].address for one in accounts}
        for recorded in self._journal.progress.failures(restore, self._seen):
            self._seen = recorded.position
            event = recorded.event
            failure = getattr(event, "failure", recorded.type)
            yield Trouble(
                addresses.get(recorded.stream, ""),
                event.step() or recorded.type,
                f"{failure}: {getattr(event, 'reason', '')}",
            )
        failed = [one for one in accounts.values() if one.state == "failed"]
        for one in failed:
            if one.account not in self._failed:
                yield Trouble(one.address or one.account, "account", f"{one.failure}: {one.reason}")
        self._failed = frozenset(one.account for one in failed)

    def _rate(self, settled: int) -> float:
        now, samples = self._clock(), self._samples
        samples.append((now, settled))
        while len(samples) > 2 and samples[0][0] < now - _WINDOW:
            samples.popleft()
        (began, first), (ended, last) = samples[0], samples[-1]
        return max(last - first, 0) / (ended - began) if ended > began else 0.0

    def _in_work(self, accounts: dict[str, Account], tallies: Sequence[Tally]) -> Iterator[InWork]:
        before, self._settled = self._settled, {}
        for tally in tallies:
            self._settled[tally.account] = self._settled.get(tally.account, 0) + tally.count
        for account, settled in self._settled.items():
            if before and settled != before.get(account, 0) and account in accounts:
                yield InWork(accounts[account].address, settled)


def _left(expected: int | None, settled: int, rate: float) -> float | None:
    if expected is None or not rate or settled >= expected:
        return None
    return (expected - settled) / rate
