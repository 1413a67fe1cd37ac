"""The service: looks at its folder again and again, and lets jobs work.

What has to survive is in the folder's files alone; a service that is started again, after
whatever ended the one before, does what they say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from reinstate_journal.errors import ReinstateError, UsageError
from reinstate_service.operations.spool.folder import JobFile, SpoolFolder
from reinstate_service.operations.spool.job import Job, JobWrong, read_job
from reinstate_service.operations.spool.notifier import Notifier
from reinstate_service.operations.spool.outcome import Outcome, State
from reinstate_service.operations.spool.schedule import (
    COMPLETE,
    RESUME,
    Case,
    Verdict,
    in_order,
    is_last,
    judge,
)
from reinstate_service.operations.spool.settings import Settings
from reinstate_service.operations.spool.systemd import tell_systemd
from reinstate_service.operations.spool.worker import Worker
from reinstate_service.source.open import open_source
from reinstate_service.spelling import source_of

#: Milliseconds between two looks when nothing happens: quiet hours begin and end by the clock.
_PATIENCE = 1000
#: Seconds after which a followed backup is looked at though the kernel told of no change, which
#: it does not on a network's file system.
_LOOK_AGAIN = 60.0


class SpoolService:
    """Works through the jobs of a folder, at most `slots` at once; `say` hears what happens."""

    def __init__(
        self,
        folder: SpoolFolder,
        settings: Settings,
        slots: int,
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._slots = slots
        self._say = say
        self._notifier = Notifier(folder, settings, say)
        self._workers: dict[str, Worker] = {}
        self._jobs: dict[str, tuple[str, Job | JobWrong]] = {}
        self._looked: dict[str, tuple[float, int | None]] = {}

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set, and then until every job has ended the batch in hand.

        Raises SpoolInUse, SpoolUnusable.
        """
        with self._folder.held():
            self._notifier.start()
            try:
                self.turn()
                tell_systemd("READY=1")
                while not stop.is_set():
                    self._watch(stop)
            finally:
                tell_systemd("STOPPING=1")
                self._drain()

    def _watch(self, stop: threading.Event) -> None:
        """Takes turns until what is to be watched is something else."""
        from watchfiles import watch  # noqa: PLC0415 - only a service pays for it

        watched = self._watched()
        for changes in watch(
            *watched,
            recursive=False,
            watch_filter=None,
            stop_event=stop,
            step=50,
            debounce=500,
            rust_timeout=_PATIENCE,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            for folder in {str(Path(path).parent) for _, path in changes}:
                self._looked.pop(folder, None)
            self.turn()
            tell_systemd("WATCHDOG=1")
            if self._watched() != watched:
                return

    def _watched(self) -> tuple[Path, ...]:
        """The spool, and the backups that jobs follow."""
        sources = {
            Path(_folder_of(source_of(job.source)))
            for _, job in self._jobs.values()
            if isinstance(job, Job) and job.follow
        }
        return (self._folder.path, *sorted(path for path in sources if path.is_dir()))

    def _drain(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        for worker in list(self._workers.values()):
            worker.join()
        self._notifier.close()

    def turn(self) -> None:
        """One look at everything: stops who is to stop, starts who is to start."""
        now = datetime.now(UTC)
        files = {file.name: file for file in self._folder.jobs()}
        self._workers = {name: one for name, one in self._workers.items() if one.is_alive()}
        for name, worker in self._workers.items():
            if name not in files or files[name].stamp != worker.began.file:
                worker.stop()  # the file is gone, or says something else now
        ready: list[Case] = []
        for case in in_order(self._cases(files)):
            verdict = judge(case, now)
            if case.running and not verdict.works:
                self._workers[case.outcome.job].stop()
            elif not case.running and verdict.works:
                ready.append(case)
            elif not case.running:
                self._settle(case, verdict)
        free = max(self._slots - len(self._workers), 0)
        for case in ready[:free]:
            self._start(case, now)
        for case in ready[free:]:
            self._settle(case, Verdict(False, State.WAITING, "for other jobs"))

    def _cases(self, files: dict[str, JobFile]) -> Iterator[Case]:
        for name, file in files.items():
            job = self._job(file)
            outcome = self._folder.outcome(name)
            if outcome is None or outcome.file != file.stamp:
                journal = str(self._folder.journal(name))
                outcome = Outcome(name, file.stamp, since=_now(), journal=journal)
            if isinstance(job, JobWrong):
                self._refuse(outcome, job)
                continue
            yield Case(
                job,
                outcome,
                self._folder.marks(name),
                newer=outcome.state is State.FOLLOWING and self._is_newer(job, outcome),
                running=name in self._workers,
                added=file.added,
            )

    def _job(self, file: JobFile) -> Job | JobWrong:
        known = self._jobs.get(file.name)
        if known is not None and known[0] == file.stamp:
            return known[1]
        try:
            job: Job | JobWrong = read_job(file.name, file.text)
        except JobWrong as error:
            job = error
        self._jobs[file.name] = (file.stamp, job)
        return job

    def _is_newer(self, job: Job, outcome: Outcome) -> bool:
        source = source_of(job.source)
        looked, scan = self._looked.get(_folder_of(source), (-_LOOK_AGAIN, None))
        if time.monotonic() - looked >= _LOOK_AGAIN:
            try:
                scan = open_source(source).identity().last_scan
            except ReinstateError:  # out of reach for now
                scan = outcome.scan
            self._looked[_folder_of(source)] = (time.monotonic(), scan)
        return scan != outcome.scan

    def _refuse(self, outcome: Outcome, error: JobWrong) -> None:
        reason = str(error.fields["detail"])
        if (outcome.state, outcome.reason) != (State.REFUSED, reason):
            mistakes = error.fields["mistakes"]
            refused = outcome.becomes(State.REFUSED, reason, _now(), mistakes=mistakes)
            self._write(outcome, refused)

    def _settle(self, case: Case, verdict: Verdict) -> None:
        outcome = case.outcome
        self._write(outcome, outcome.becomes(verdict.state, verdict.reason, _now()))

    def _start(self, case: Case, now: datetime) -> None:
        began = case.outcome.becomes(State.RUNNING, "", _now())
        last = is_last(case, now)
        try:
            options = case.job.to_options()
        except UsageError as error:  # what the file names has gone since it was read
            self._write(case.outcome, case.outcome.becomes(State.STOPPED, str(error), _now()))
            return
        self._write(case.outcome, began)
        self._folder.take_mark(began.job, RESUME)
        worker = Worker(
            began, options, last=last, now=_now, hear=self._notifier.hear, ended=self._ended
        )
        self._workers[began.job] = worker
        worker.start()

    def _ended(self, outcome: Outcome, last: bool) -> None:
        self._write(None, outcome)
        if last and outcome.state is State.FINISHED:
            self._folder.take_mark(outcome.job, COMPLETE)

    def _write(self, before: Outcome | None, after: Outcome) -> None:
        """Keeps an outcome that is new, and says so."""
        if after == before:
            return
        self._folder.write_outcome(after)
        reason = f": {after.reason}" if after.reason else ""
        self._say(f"job {after.job}: {after.state}{reason}")
        self._notifier.hear()


def _folder_of(source: str) -> str:
    """The folder of a backup, whatever kind it is of."""
    scheme, separator, path = source.partition(":")
    return path if separator and "/" not in scheme else source


def _now() -> int:
    return time.time_ns() // 1_000_000
