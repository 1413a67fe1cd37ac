"""A restore in a process of its own that tells after each batch how far it is.

`python -m tests.bench.observed BACKUP DESTINATION JOURNAL STARTED ACCOUNT...` prints a line of
JSON for each, and one at the end; `Observed` starts that and listens.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from reinstate_service.operations.session import start_restore
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options


class Moment(NamedTuple):
    """How far a run is: items that it has restored, and those it found done; processor seconds
    of its process so far, its peak of memory in MiB, and wall seconds since it was started."""

    restored: int
    already: int
    processor: float
    peak: float
    seconds: float


class Observed:
    """The run of a restore of `backup` (of all `accounts`, or of these) in `folder`, as a context;
    killed if it is left early."""

    def __init__(self, backup: Path, folder: Path, accounts: Sequence[str] = ()) -> None:
        places = [str(backup), f"maildir:{folder / 'mail'}", str(folder / "r.db")]
        self._command = [sys.executable, "-m", "tests.bench.observed", *places]
        self._accounts = accounts

    def __enter__(self) -> Self:
        command = [*self._command, str(time.time()), *self._accounts]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._process:
            self.kill()

    def moments(self) -> Iterator[Moment]:
        """One for each batch and one at the end. Raises SystemExit if it ends otherwise, unless it
        is killed."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield msgspec.json.decode(line, type=Moment)
        if self._process.wait() != 0 and not self.was_killed():
            sys.exit(f"{' '.join(self._command)}: exit {self._process.returncode}")

    def to_the_end(self) -> Moment:
        """The last of its moments."""
        *_, last = self.moments()
        return last

    def kill(self, after: float = 0.0) -> None:
        """SIGKILL after so many seconds, unless it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(after)
        self._process.kill()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """SIGSTOP; it goes on afterwards."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def was_killed(self) -> bool:
        """Whether it is over, and by a kill that hit."""
        return self._process.wait() == -signal.SIGKILL


class _Telling(Observer):
    def __init__(self, started: float) -> None:
        self._started = started
        self._lock = threading.Lock()
        self._restored = self._already = 0

    def items(self, *, restored: int, skipped: int, failed: int, already: int, size: int) -> None:  # noqa: ARG002 - there is nothing but what is restored
        with self._lock:
            self._restored += restored
            self._already += already
            self.tell()

    def tell(self) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        moment = Moment(
            self._restored,
            self._already,
            used.ru_utime + used.ru_stime,
            _peak(),
            time.time() - self._started,
        )
        os.write(1, msgspec.json.encode(moment) + b"\n")


def _peak() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    backup, destination, journal, started, *accounts = sys.argv[1:]
    telling = _Telling(float(started))
    options = Options(source=backup, destination=destination, accounts=tuple(accounts))
    start_restore(Path(journal), options, telling, threading.Event())
    telling.tell()


if __name__ == "__main__":
    main()
