"""A restore that is killed at any system call, or whose call fails, ends as if nothing had been.

Every call counts that changes the destination or the journal: of a whole restore that makes
its destination, and of phase 3 where filters have put mail in the mountpoint's place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from crash.matrix import Row, ran
from crash.scenes import Scene, settled
from crash.syscalls import CREATING, FLUSHING, OPENING, Call, Traced, run_traced
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.events import AccountFailed, ItemFailed, ProvisioningFailed
from running import restore_here

LONG = "REINSTATE_LONG" in os.environ
PARTS = 8 if LONG else 1
KINDS = ("whole", "shared", "symlink")
FILE = "tests/crash/test_syscalls.py"

KILLED = Row(
    "1 the process dies",
    "SIGKILL at each system call that changes the destination or the journal (strace)",
    "anything between the call before and this one; temporary files and locks of the dead process",
    "`resume` ends in the same destination, journal and quotas; a second run finds nothing to do",
    FILE,
)
#: What each error stands for.
ERRORS = {
    "EIO": "the disk fails",
    "ENOSPC": "the disk is full",
    "EDQUOT": "the quota of the disk is used up",
    "EMFILE": "no more files can be opened",
    "EINTR": "a signal comes in between",
}
FAILED = {
    error: Row(
        "2 a system call fails",
        f"{error} from any one system call: {meaning} (strace)",
        "the run goes on rightly, or ends with exit 5 (destination), 6 (journal) or 3 or 4"
        " (backup); nothing more is written behind a flush that failed",
        "no item is blamed for it; `resume` ends in the same destination, journal and quotas",
        FILE,
    )
    for error, meaning in ERRORS.items()
}
IDLE = Row(
    "2 a system call fails",
    "none: a second restore over a finished one (strace)",
    "no call that changes anything but the journal's own -wal, -shm and .lock; no event",
    "the destination is the same, to the modification times",
    FILE,
)
#: How many cases of each kind there are: of the whole restore, and of each of the others.
_ALL = 10_000
SAMPLES = {"kill": (26, 8), "EIO": (3, 2), "ENOSPC": (2, 1), "EDQUOT": (1, 1)}
SAMPLES |= {"EMFILE": (1, 1), "EINTR": (1, 1)}
LONG_SAMPLES = {"kill": (_ALL, _ALL), "EIO": (300, 150), "ENOSPC": (100, 60), "EDQUOT": (50, 30)}
LONG_SAMPLES |= {"EMFILE": (150, 60), "EINTR": (60, 30)}
_NUMBERS = LONG_SAMPLES if LONG else SAMPLES


class Place(NamedTuple):
    """A call that failed badly once: its name, what stands in its line, which of those, and the
    scene."""

    error: str
    call: str
    about: str
    number: int = -1
    scene: str = "whole"


FOUND = (
    # SQLite stays with its rollback journal where it cannot change to a WAL, and says nothing.
    Place("EIO", "fdatasync", "reinstate.db.new-journal>"),
    # It closes without a word where it cannot empty the WAL into the file.
    Place("EIO", "fdatasync", "reinstate.db.new>"),
    # An OSError of the lock file came through as a fault of reinstate; also after the end.
    Place("EIO", "ftruncate", "reinstate.db.lock>", 0),
    Place("EIO", "ftruncate", "reinstate.db.lock>"),
    # Quotas were put back, with flushes of their own, behind a flush that had failed.
    Place("EIO", "fsync", "/mail/example.test/"),
    # The journal emptied its WAL, with flushes of it, behind a flush of it that had failed.
    Place("EIO", "fdatasync", "reinstate.db-wal>"),
    # A folder that was put aside to be removed was forgotten there.
    Place("EIO", "unlinkat", "/reinstate.removed/", scene="shared"),
    # A mailbox that could not be opened was taken for one that is not there.
    Place("EIO", "openat", '/Maildir>, ".Team"', scene="shared"),
    # The system's shortage was recorded as a fault of the item.
    Place("EMFILE", "openat", "/backup/items/"),
)
#: The exit codes of a run in which a call about something failed; 0 where it went on rightly.
EXITS = {"destination": {0, 5}, "journal": {0, 6}, "both": {0, 5, 6}, "backup": {0, 3, 4}}


class Case:
    """A scene, what it comes to when nothing happens, and the calls of that run."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        arguments = scene.begin(folder)
        run = run_traced(arguments, folder)
        assert run.exit == 0, run.output
        self.settled = settled(folder)
        about = ((call, self.about(call, folder)) for call in run.calls)
        self.calls = [(call, what) for call, what in about if what]

    def about(self, call: Call, folder: Path) -> str:
        """What the call is about: destination, journal, backup, or nothing that counts."""
        if call.concerns(folder / "mail"):
            return "destination"
        if call.concerns(folder / "reinstate.db"):
            return "journal"
        if call.is_of(folder):
            return "both"
        return "backup" if call.concerns(self.scene.backup) else ""


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, memory_folder: Path) -> Case:
    """One scene."""
    return _case(request.param, memory_folder)


@cache
def _case(kind: str, memory_folder: Path) -> Case:
    scene = Scene(kind, memory_folder / kind)
    (memory_folder / kind / "reference").mkdir()
    return Case(scene, memory_folder / kind / "reference")


@pytest.fixture
def place(memory_folder: Path) -> Iterator[Path]:
    """A folder for one test, gone after it."""
    folder = Path(tempfile.mkdtemp(dir=memory_folder))
    yield folder
    shutil.rmtree(folder)


def _spread(calls: list[tuple[Call, str]], number: int) -> list[Call]:
    """So many of the calls: of each kind about each thing in turn, the rarest kind first, and of
    each those in the middle first."""
    kinds: dict[tuple[str, str], list[Call]] = {}
    for call, what in calls:
        kinds.setdefault((call.name, what), []).append(call)
    waiting = [
        sorted(some, key=lambda c: abs(c.ordinal - len(some) // 2)) for some in kinds.values()
    ]
    waiting.sort(key=len)
    chosen: list[Call] = []
    for some in cycle(waiting):
        if len(chosen) >= min(number, len(calls)):
            return chosen
        if some:
            chosen.append(some.pop(0))
    return chosen


def _part(case: Case, kind: str, part: int) -> list[Call]:
    calls = [
        (call, what)
        for call, what in case.calls
        if _possible(kind, call) and (what != "backup" or kind in {"EIO", "EMFILE"})
    ]
    number = _NUMBERS[kind][case.scene.kind != "whole"]
    return _spread(calls, number)[part::PARTS]


def _possible(kind: str, call: Call) -> bool:
    """Whether the call can fail so; and whether there is a point in killing at it."""
    match kind:
        case "EIO":
            return call.changes or call.name in OPENING
        case "ENOSPC" | "EDQUOT":
            return call.changes and call.name in CREATING
        case "EMFILE":
            return call.name in OPENING
        case _:
            return call.changes


def _must_come_to(case: Case, folder: Path) -> None:
    """The resumed restore equals the one that nothing happened to, and a further one is idle."""
    options = case.scene.options(folder)
    journal = folder / "reinstate.db"
    restore_here(journal, options)
    assert check(journal) == []
    assert settled(folder) == case.settled
    assert not restore_here(journal, options).began


@pytest.mark.parametrize("part", range(PARTS))
def test_a_restore_that_is_killed_at_any_system_call_is_resumed_to_the_same_end(
    case: Case, part: int, memory_folder: Path
) -> None:
    for call in _part(case, "kill", part):
        folder = Path(tempfile.mkdtemp(dir=memory_folder))
        arguments = case.scene.begin(folder)
        run = run_traced(arguments, folder, f"{call.name}:signal=KILL:when={call.ordinal}")
        try:
            assert run.exit in {0, -9}, run.output
            _must_come_to(case, folder)
        except BaseException as error:
            error.add_note(f"{case.scene.kind}: killed at {call}")
            raise
        ran(KILLED, run.exit == -9)
        shutil.rmtree(folder)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("error", ERRORS)
def test_a_system_call_that_fails_ends_the_run_clearly_and_the_next_one_ends_the_restore(
    case: Case, error: str, part: int, memory_folder: Path
) -> None:
    for call in _part(case, error, part):
        _must_survive(case, call, error, memory_folder)


@pytest.mark.parametrize("kind", {place.scene: None for place in FOUND})
def test_a_failure_that_once_went_wrong_does_not(kind: str, memory_folder: Path) -> None:
    case = _case(kind, memory_folder)
    for place in FOUND:
        if place.scene == kind:
            calls = [
                call
                for call, _ in case.calls
                if call.name == place.call and place.about in call.line
            ]
            _must_survive(case, calls[place.number], place.error, memory_folder)


def _must_survive(case: Case, call: Call, error: str, memory_folder: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=memory_folder))
    arguments = case.scene.begin(folder)
    run = run_traced(arguments, folder, f"{call.name}:error={error}:when={call.ordinal}")
    if not any(one.injected for one in run.calls):
        # A run may have one opening less of the journal's -shm than the one that was counted.
        assert run.exit == 0
        assert settled(folder) == case.settled
        shutil.rmtree(folder)
        return
    try:
        _must_tell(case, run, folder)
        _must_not_write_on(run, folder)
        _must_come_to(case, folder)
    except BaseException as failure:
        failure.add_note(f"{case.scene.kind}: {error} at {call}; {run.exit}: {run.output}")
        raise
    ran(FAILED[error])
    shutil.rmtree(folder)


def _must_tell(case: Case, run: Traced, folder: Path) -> None:
    """It ended with the exit code that is true, and nobody is blamed for it in the journal."""
    injected = [call for call in run.calls if call.injected]
    assert len(injected) == 1
    about = case.about(injected[0], folder)
    if not about:  # the number has shifted to a call that is not of this test
        return
    assert run.exit in EXITS[about]
    assert run.exit != 0 or settled(folder) == case.settled
    assert "Traceback" not in run.output
    assert run.exit in {0, 3} or run.output.startswith("reinstate: ")
    if (folder / "reinstate.db").exists():
        blamed = [ItemFailed, AccountFailed, ProvisioningFailed]
        if about == "backup":  # of which an item can be unreadable, but not for want of room
            blamed = [ItemFailed] if "EMFILE" in injected[0].line else []
        with open_reader(folder / "reinstate.db") as reader:
            assert not (blamed and list(reader.read(types=blamed)))


def _must_not_write_on(run: Traced, folder: Path) -> None:
    """Behind a flush that failed nothing is written to what it was a flush of. Locks and
    temporary files may go; SQLite may undo its transaction, which writes all of it anew."""
    at = next(number for number, call in enumerate(run.calls) if call.injected)
    failed, later = run.calls[at], run.calls[at + 1 :]
    if failed.name not in FLUSHING or "EINTR" in failed.line:
        return
    if failed.name == "fdatasync" and failed.is_of(folder, folder / "mail") and run.exit == 0:
        return  # SQLite does not tell of this one, see docs/destinations.md
    directory, journal = folder / "mail" / "directory.sqlite", folder / "reinstate.db"
    for part in (folder / "mail", journal):
        if failed.concerns(part):
            wrong = [call for call in later if call.concerns(part) and call.writes]
            if failed.name == "fdatasync":
                wrong = [call for call in wrong if not call.concerns(directory)]
                wrong = [call for call in wrong if not call.is_of(folder / "mail")]
            if failed.concerns(folder / "reinstate.db.new"):  # it never becomes the journal
                wrong = [call for call in wrong if call.name.startswith("rename")]
            assert wrong == []
    assert not any("O_CREAT" in call.line and call.concerns(directory) for call in later)


def test_a_second_restore_writes_nothing_outside_the_journal(case: Case, place: Path) -> None:
    arguments = case.scene.begin(place)
    assert run_traced(arguments, place, threads=True).exit == 0
    before, looked = settled(place), _looks(place / "mail")
    run = run_traced(arguments, place, threads=True)
    assert run.exit == 0
    assert settled(place) == before
    assert _looks(place / "mail") == looked
    own = [place / f"reinstate.db{suffix}" for suffix in ("-wal", "-shm", ".lock")]
    own += [place / "output"]
    others = [call for call in run.calls if not any(call.concerns(path) for path in own)]
    assert [call for call in others if call.changed] == []
    ran(IDLE)


def _looks(tree: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in tree.rglob("*")}
    return {path: (one.st_ino, one.st_mtime_ns, one.st_ctime_ns) for path, one in found.items()}
