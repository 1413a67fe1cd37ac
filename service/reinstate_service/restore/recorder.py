"""How the executor writes what it did: one recorder per stream, one log per run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    PhaseCompleted,
    PhaseStarted,
    RunEnded,
    approved,
    restore_stream,
)
from reinstate_journal.journal import Journal
from reinstate_journal.progress import Ended


class Recorder:
    """Appends to one stream, whose version it keeps; safe to use from several threads.

    `append` returns when the events are durable. `before` runs ahead of each append.
    """

    def __init__(
        self, journal: Journal, stream: str, before: Callable[[], None] = lambda: None
    ) -> None:
        self.journal = journal
        self.stream = stream
        self._before = before
        self._lock = threading.Lock()

    def append(self, *events: Event) -> None:
        """Makes the events durable, in this order."""
        if not events:
            return
        self._before()
        with self._lock:
            self.journal.append(self.stream, self.journal.version(self.stream), events)

    def ended(self, steps: Iterable[str]) -> Mapping[str, Ended]:
        """What became of those of `steps` that have ended."""
        return self.journal.progress.ended(self.stream, list(steps))

    def is_done(self, step: str) -> bool:
        """Whether the step needs no more doing."""
        ended = self.ended([step]).get(step)
        return ended is not None and ended.outcome is Outcome.DONE

    def append_news(self, event: Event, reason: str) -> None:
        """Records that a step was skipped, refused or failed, unless the journal says so already,
        for the same reason, or that it was accepted."""
        step = event.step()
        assert step is not None  # noqa: S101 - only events that end a step come here
        known = self.ended([step]).get(step)
        if known is None or known.reason not in {reason, approved(reason)}:
            self.append(event)


class RunLog(Recorder):
    """The stream of the whole restore. A run and its phases are recorded as begun when their
    first event is, so that a run that finds nothing to do leaves no trace.

    `accounts` and `items` are how many are chosen, once they are counted."""

    def __init__(
        self, journal: Journal, restore: str, run: int, start: Callable[[], tuple[Event, ...]]
    ) -> None:
        super().__init__(journal, restore_stream(restore), self.begin)
        self.restore = restore
        self.run = run
        self._start = start
        self._beginning = threading.Lock()
        self._recorded_phase = 0
        self.phase = 0
        self.accounts = self.items = 0
        self.begun = False

    def begin(self) -> None:
        """Records the run, and the phase it is in, as begun, if that is not done yet."""
        with self._beginning:
            events: list[Event] = []
            if not self.begun:
                events += self._start()
            if self.phase > self._recorded_phase:
                started = PhaseStarted(
                    run=self.run, phase=self.phase, accounts=self.accounts, items=self.items
                )
                events.append(started)
            if events:
                with self._lock:
                    version = self.journal.version(self.stream)
                    self.journal.append(self.stream, version, events)
                reach(At.RUN_BEGUN)
            self.begun, self._recorded_phase = True, self.phase

    def complete_phase(self) -> bool:
        """Records the phase as through, if anything happened in it; answers whether."""
        happened = self._recorded_phase == self.phase
        if happened:
            self.append(PhaseCompleted(run=self.run, phase=self.phase))
        return happened

    def end(self, outcome: str, reason: str = "") -> None:
        """Records the end of the run, if it ever began."""
        if self.begun:
            self.append(RunEnded(run=self.run, outcome=outcome, reason=reason))
