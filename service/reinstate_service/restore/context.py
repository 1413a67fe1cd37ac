"""What every phase of a run works with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice

from reinstate_journal.errors import DestinationError, Interrupted, JournalError, ReinstateError
from reinstate_journal.events import AccountFailed, account_stream
from reinstate_journal.journal import Journal
from reinstate_service.destination.contract import Destination
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import AccountRef, Containers
from reinstate_service.restore.limits import Limits
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.recorder import Recorder, RunLog
from reinstate_service.source.contract import Source

#: Errors that end the run and not only the account they happened in.
FATAL = (DestinationError, JournalError, Interrupted)


@dataclass
class Context:
    """One run: its parties, its options, and which accounts have failed so far."""

    source: Source
    destination: Destination
    journal: Journal
    options: Options
    observer: Observer
    stop: threading.Event
    log: RunLog
    addresses: Mapping[str, str]
    cos_names: Mapping[str, str]
    namespace: Namespace
    limits: Limits
    failed: set[str] = field(default_factory=set)

    def recorder(self, account: str) -> Recorder:
        """The recorder of one account's stream."""
        return Recorder(self.journal, account_stream(self.log.restore, account), self.log.begin)

    def containers(self, ref: AccountRef) -> Containers:
        """What the account holds beside its items, as far as the options ask for it."""
        return self.source.containers(ref.id, deleted=not self.options.filter_deleted)

    def items_state(self, ref: AccountRef) -> str:
        """Changes whenever an item of the account may have changed, or whether it is chosen.

        Raises AccountUnreadable.
        """
        return f"{self.source.state(ref.id)} {self.options.item_selection()}"

    def check_stop(self) -> None:
        """Raises Interrupted if the run was asked to stop."""
        if self.stop.is_set():
            raise Interrupted

    def for_each_account(
        self, refs: Iterable[AccountRef], work: Callable[[AccountRef], None]
    ) -> None:
        """Does `work` for the accounts, in order, several at once.

        An account that fails is recorded and does not stop the others; an error that
        concerns the whole run lets the accounts in hand reach a safe point and is
        raised then.
        """
        waiting: Iterator[AccountRef] = (ref for ref in refs if ref.id not in self.failed)
        workers = max(1, self.options.concurrent_accounts)
        with ThreadPoolExecutor(workers, thread_name_prefix="account") as pool:
            running: set[Future[None]] = {
                pool.submit(self._guarded, work, ref) for ref in islice(waiting, workers)
            }
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                    self.check_stop()
                    running |= {
                        pool.submit(self._guarded, work, ref)
                        for ref in islice(waiting, workers - len(running))
                    }
            except BaseException:
                self.stop.set()
                raise

    def _guarded(self, work: Callable[[AccountRef], None], ref: AccountRef) -> None:
        try:
            self.check_stop()
            work(ref)
        except FATAL:
            raise
        except Exception as error:  # a fault of ours must not stop the others
            self.fail(ref, error)

    def fail(self, ref: AccountRef, error: Exception) -> None:
        """Records that the account cannot be finished in this run."""
        self.failed.add(ref.id)
        known = isinstance(error, ReinstateError)
        self.recorder(ref.id).append(
            AccountFailed(
                run=self.log.run,
                phase=self.log.phase,
                address=ref.address,
                failure=type(error).__name__ if known else "InternalError",
                reason=str(error) if known else f"{type(error).__name__}: {error}",
            )
        )
        self.observer.account(ref.address, "failed")
