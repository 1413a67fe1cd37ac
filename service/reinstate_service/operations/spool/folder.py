"""The folder of a service: its jobs, what stands beside them, and who works here."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from reinstate_journal.errors import UsageError
from reinstate_service.operations.replacing import replace_file
from reinstate_service.operations.spool.job import Job, read_job
from reinstate_service.operations.spool.outcome import Outcome
from reinstate_service.operations.spool.schedule import COMPLETE, RESUME, SUSPEND

#: What a job may be called: it names files, and stands in messages.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SETTINGS = "service.toml"
_MARKS = (SUSPEND, RESUME, COMPLETE)
#: A job file is a page of text; what is longer is none.
_LONGEST = 1 << 20


class SpoolUnusable(UsageError):
    """The folder of jobs is not there, or cannot be worked in."""

    message = "The spool {path} cannot be used: {detail}"
    hint = "Make the folder, and let it belong to the user that the service runs as."


class SpoolInUse(UsageError):
    """Another service works in the folder."""

    message = "Another service works in {path}"
    hint = "One service for a spool: stop that one first."
    retryable = True


class NoJob(UsageError):
    """There is no job of that name."""

    message = "The spool {path} has no job {name}"
    hint = "reinstate spool list has those that there are."


class JobFile(msgspec.Struct, frozen=True):
    """A job file: its stamp changes with its text, `added` (nanoseconds) is when it came."""

    name: str
    text: str
    stamp: str
    added: int


class SpoolFolder:
    """Raises SpoolUnusable."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.journals = self.path / "journals"
        self.settings = self.path / _SETTINGS
        if not self.path.is_dir():
            raise SpoolUnusable(path=path, detail="it is no folder")

    @contextmanager
    def held(self) -> Iterator[None]:
        """While one service works here, no other one does. Raises SpoolInUse, SpoolUnusable."""
        try:
            self.journals.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolUnusable(path=self.path, detail=error.strerror) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise SpoolInUse(path=self.path) from None
        finally:
            os.close(lock)

    def jobs(self) -> list[JobFile]:
        """The job files, by name; one that went away meanwhile is left out."""
        found = []
        for path in sorted(self.path.glob("*.toml")):
            if path.name != _SETTINGS and _NAME.fullmatch(path.stem):
                try:
                    with path.open("rb") as file:
                        data = file.read(_LONGEST)
                        added = os.fstat(file.fileno()).st_mtime_ns
                except OSError:
                    continue
                stamp = hashlib.sha256(data).hexdigest()[:12]
                found.append(JobFile(path.stem, data.decode(errors="replace"), stamp, added))
        return found

    def job(self, name: str) -> Job:
        """One job. Raises NoJob, JobWrong."""
        for file in self.jobs():
            if file.name == name:
                return read_job(name, file.text)
        raise NoJob(path=self.path, name=name)

    def journal(self, name: str) -> Path:
        """The job's journal, which may not be there yet."""
        return self.journals / f"{name}.db"

    def outcome(self, name: str) -> Outcome | None:
        """What became of a job, also of one whose file is gone; None before the service saw it."""
        try:
            data = (self.path / f"{name}.outcome.json").read_bytes()
            return msgspec.json.decode(data, type=Outcome)
        except (OSError, msgspec.DecodeError):
            return None

    def write_outcome(self, outcome: Outcome) -> None:
        """Puts it beside the job, for everybody to read. Raises SpoolUnusable."""
        text = msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode() + "\n"
        self._write(self.path / f"{outcome.job}.outcome.json", text, 0o644)

    def told(self, name: str) -> Told:
        """Which notifications of a job have gone out."""
        try:
            data = (self.journals / f"{name}.told").read_bytes()
            return msgspec.json.decode(data, type=Told)
        except (OSError, msgspec.DecodeError):
            return Told()

    def write_told(self, name: str, told: Told) -> None:
        """Keeps it. Raises SpoolUnusable."""
        self._write(self.journals / f"{name}.told", msgspec.json.encode(told).decode(), 0o600)

    def _write(self, path: Path, text: str, mode: int) -> None:
        try:
            replace_file(path, text, mode)
        except OSError as error:
            raise SpoolUnusable(path=self.path, detail=error.strerror) from None

    def marks(self, name: str) -> frozenset[str]:
        """What the marks beside a job ask for."""
        return frozenset(mark for mark in _MARKS if self._mark(name, mark).exists())

    def put_mark(self, name: str, mark: str) -> None:
        """Asks for it. Raises NoJob, SpoolUnusable."""
        if not any(file.name == name for file in self.jobs()):
            raise NoJob(path=self.path, name=name)
        try:
            self._mark(name, mark).touch(mode=0o600)
        except OSError as error:
            raise SpoolUnusable(path=self.path, detail=error.strerror) from None

    def take_mark(self, name: str, mark: str) -> None:
        """Asks for it no longer. Raises SpoolUnusable."""
        try:
            self._mark(name, mark).unlink(missing_ok=True)
        except OSError as error:
            raise SpoolUnusable(path=self.path, detail=error.strerror) from None

    def _mark(self, name: str, mark: str) -> Path:
        return self.path / f"{name}.{mark}"


class Told(msgspec.Struct, frozen=True):
    """Up to which position of the journal, and of which outcome (its key)."""

    position: int = 0
    outcome: str = ""
