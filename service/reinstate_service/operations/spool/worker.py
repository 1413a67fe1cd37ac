"""One pass of one job, in a thread of its own."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from reinstate_journal import open_reader
from reinstate_journal.errors import Interrupted, ReinstateError
from reinstate_service.operations.report import make_report
from reinstate_service.operations.session import start_restore
from reinstate_service.operations.spool.outcome import Outcome, State, failed_in
from reinstate_service.restore.limits import Suspended
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.source.open import open_source

#: Minutes until a pass is tried again that an error ended which may go away by itself; each
#: further one waits twice as long, up to the limit.
_RETRY_MINUTES, _LONGEST_MINUTES = 1, 60


class _Hearing(Observer):
    """Says on to whoever tells people that there may be something to tell."""

    def __init__(self, hear: Callable[[], None]) -> None:
        self._hear = hear

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002
        self._hear()


class Worker:
    """Works until the pass has ended, or `stop` was called and the batch in hand is through.

    `began` is the outcome with which it began; `ended` is called with the one it came to, from
    the worker's thread. `now` gives milliseconds, `hear` is called when something may be told.
    """

    def __init__(
        self,
        began: Outcome,
        options: Options,
        *,
        last: bool,
        now: Callable[[], int],
        hear: Callable[[], None],
        ended: Callable[[Outcome, bool], None],
    ) -> None:
        self.began = began
        self.last = last
        self._options = options
        self._now = now
        self._hear = hear
        self._ended = ended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"job {began.job}")

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Asks it to end after the batch in hand."""
        self._stop.set()

    def join(self) -> None:
        """Waits until it has ended."""
        self._thread.join()

    def _work(self) -> None:
        self._ended(self._outcome(), self.last)

    def _outcome(self) -> Outcome:
        try:
            return self._restored()
        except Suspended as error:
            return self._becomes(State.SUSPENDED, str(error))
        except Interrupted:
            return self._becomes(State.WAITING, "interrupted")
        except ReinstateError as error:
            return self._stopped(str(error), again=error.retryable)
        except Exception:  # a fault of reinstate costs this job, not the others
            return self._stopped(traceback.format_exc(), again=False)

    def _restored(self) -> Outcome:
        scan = open_source(self._options.source).identity().last_scan
        journal = Path(self.began.journal)
        finished = start_restore(journal, self._options, _Hearing(self._hear), self._stop)
        with open_reader(journal) as reader:
            report = make_report(reader, finished.restore)
        state = State.FINISHED if report.whole else State.INCOMPLETE
        return self._becomes(
            state if self.last else State.FOLLOWING,
            "",
            restore=finished.restore,
            scan=scan,
            passes=self.began.passes + finished.began,
            attempts=0,
            counts=report.totals,
            failed=failed_in(report),
        )

    def _stopped(self, reason: str, *, again: bool) -> Outcome:
        attempts = self.began.attempts + 1
        minutes = min(_RETRY_MINUTES * 2 ** (attempts - 1), _LONGEST_MINUTES)
        retry_at = self._now() + minutes * 60_000 if again else None
        return self._becomes(State.STOPPED, reason, attempts=attempts, retry_at=retry_at)

    def _becomes(self, state: State, reason: str, **changes: object) -> Outcome:
        return self.began.becomes(state, reason, self._now(), **changes)
