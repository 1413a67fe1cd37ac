"""Progress while a restore runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from reinstate_cli.console import duration, plural, size, tell
from reinstate_service.restore.observer import Observer

#: Seconds between two lines where there is no terminal.
PLAIN_INTERVAL = 10.0
_PHASES = {1: "provisioning", 2: "items", 3: "mountpoints and data sources"}


class Tally:
    """The running figures, and what follows from them."""

    def __init__(self) -> None:
        self.items = self.done = self.failed = self.settled = self.size = 0
        self.accounts = self.through = self.accounts_failed = 0
        self.phase = 0
        self.began = time.monotonic()

    def line(self) -> str:
        """The figures in one line, with rate and time left."""
        elapsed = max(time.monotonic() - self.began, 0.001)
        rate = (self.done - self.settled) / elapsed
        left = (self.items - self.done) / rate if rate else 0
        parts = [
            f"phase {self.phase}",
            f"{self.done:,}/{self.items:,} items",
            f"{self.through:,}/{self.accounts:,} accounts" if self.through else "",
            size(self.size),
            f"{rate:,.0f}/s",
            f"{self.failed:,} failed" if self.failed else "",
            f"{plural(self.accounts_failed, 'account')} failed" if self.accounts_failed else "",
            f"{duration(left)} left" if left else "",
        ]
        return ", ".join(part for part in parts if part)


class PlainProgress(Observer):
    """Lines on stderr: every phase, every failed account, and the figures now and then."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._lock = threading.Lock()
        self._next = time.monotonic() + PLAIN_INTERVAL

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to put away."""

    def reading(self, done: int, accounts: int) -> None:
        with self._lock:
            self.say_at_times(f"reading the backup: {done:,}/{accounts:,} accounts")

    def say_at_times(self, line: str) -> None:
        """Shows a line that is new with each call; called with the lock held."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_INTERVAL
            tell(line)

    def restore(self, restore: str, accounts: int, items: int) -> None:
        self.tally.items, self.tally.accounts = items, accounts
        tell(f"restore {restore}: {plural(accounts, 'account')}, {plural(items, 'item')}")

    def phase(self, phase: int, accounts: int) -> None:
        self._enter(phase)
        tell(f"phase {phase}: {_PHASES[phase]}, {plural(accounts, 'account')}")

    def _enter(self, phase: int) -> None:
        with self._lock:
            self.tally.phase, self.tally.through = phase, 0

    def account(self, address: str, state: str) -> None:
        with self._lock:
            self.tally.through += state == "done"
            self.tally.accounts_failed += state == "failed"
            self.changed()
        if state == "failed":
            tell(f"account {address} failed; the others go on")

    def items(self, *, restored: int, skipped: int, failed: int, already: int, size: int) -> None:
        with self._lock:
            self.tally.done += restored + skipped + failed + already
            self.tally.settled += already
            self.tally.failed += failed
            self.tally.size += size
            self.changed()

    def changed(self) -> None:
        """The figures are new; called with the lock held."""
        self.say_at_times(self.tally.line())

    def notice(self, text: str) -> None:
        tell(f"note: {text}")


class BarProgress(PlainProgress):
    """One line at the bottom of a terminal that follows the figures."""

    def __enter__(self) -> Self:
        from rich.console import Console  # noqa: PLC0415 - only terminals pay for it
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415
        from rich.table import Column  # noqa: PLC0415

        self._bar = Progress(
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task("reading the backup", total=None)
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def restore(self, restore: str, accounts: int, items: int) -> None:
        super().restore(restore, accounts, items)
        self._bar.update(self._task, total=items)

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002 - the bar has no room
        self._enter(phase)
        with self._lock:
            self.changed()

    def say_at_times(self, line: str) -> None:
        self._bar.update(self._task, description=line)

    def changed(self) -> None:
        self._bar.update(self._task, completed=self.tally.done, description=self.tally.line())


def choose_progress(*, silent: bool) -> AbstractContextManager[Observer]:
    """What fits the place where the command runs."""
    if silent:
        return nullcontext(Observer())
    return BarProgress() if sys.stderr.isatty() else PlainProgress()
