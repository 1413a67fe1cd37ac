"""A restore whose power is cut at any moment ends, after `resume`, as if nothing had been.

A real restore of phases 1 to 3 is recorded (recording.py), and its operations are done
again on a disk that loses what was not flushed (power.py).
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from crash import wal
from crash.killing import Outcome, outcome_of
from crash.matrix import Row, ran
from crash.power import LOSSES, Loss, PowerCutDisk
from crash.powered import ADDRESSES, BUGS, Place, restore_with_strays, write_whole_backup
from crash.promises import broken_promises
from crash.recording import Operation, record
from reinstate_journal.check import check
from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.maildir import dotlock

_LOCK = re.compile(r"\.lock(\.\d+\.\d+)?$")
LONG = "REINSTATE_LONG" in os.environ
_FILE = "tests/crash/test_power.py"
ANY_MOMENT = Row(
    "3 power is cut",
    "at any operation; what was not flushed is lost, torn or reordered",
    "everything that the journal says is restored lies there, byte for byte; `check` finds nothing",
    "`resume` ends as the run that nothing happened to",
    _FILE,
)
WAL_CUT = Row(
    "3 power is cut",
    "the journal's write-ahead log is cut: " + ", ".join(wal.CLASSES),
    "the journal opens at the last whole commit; `check` finds nothing",
    "`resume` ends as the run that nothing happened to",
    _FILE,
)


class Recorded(NamedTuple):
    """A restore that was recorded: where it was done, everything it did, and how it ended."""

    place: Place
    backup: Path
    operations: Sequence[Operation]


class Ended(NamedTuple):
    """Everything that two restores must have in common, to the last byte."""

    outcome: Outcome
    tree: Mapping[str, bytes]


def _recorded(folder: Path, backup: Path, mountpoints: str, bug: str = "") -> Recorded:
    place = Place(folder, backup, mountpoints)
    for disk in place.disks:
        disk.mkdir(parents=True)
    work = ["-m", "crash.powered", str(folder), str(backup), mountpoints, bug]
    return Recorded(place, backup, record(work, place.disks, folder / "trace").operations)


@pytest.fixture(scope="module", params=["shared", "symlink"])
def recorded(request: pytest.FixtureRequest, memory_folder: Path) -> Recorded:
    folder = memory_folder / f"power-{request.param}"
    folder.mkdir()
    write_whole_backup(folder / "backup")
    return _recorded(folder, folder / "backup", request.param)


@pytest.fixture(scope="module")
def whole(recorded: Recorded) -> Ended:
    """The end of a restore that nothing happens to."""
    return _ended(recorded.place)


def _ended(place: Place) -> Ended:
    outcome = outcome_of(ADDRESSES, place.tree, place.journal)
    return Ended(outcome._replace(files=_nameless(outcome.files)), dict(_bytes(place.tree)))


def _nameless(names: Sequence[str]) -> list[str]:
    """The names of files without the restore's id in them: a destination that was cut off before
    it existed gets another id. Nor are there locks in them: that one was given back is not
    flushed, and one that comes back means nothing, as its maker is gone."""
    unlocked = (name for name in names if not _LOCK.search(name))
    return sorted(re.sub(r"R[0-9a-f]{20}", "R", name) for name in unlocked)


def _bytes(tree: Path) -> Iterator[tuple[str, bytes]]:
    """What the files hold that are no messages."""
    for path in tree.rglob("*"):
        name = re.sub(r"R[0-9a-f]{20}", "R", str(path.relative_to(tree)))
        if path.is_symlink():
            yield name, os.fsencode(path.readlink())
        elif path.name == "directory.sqlite":
            with closing(sqlite3.connect(path)) as database:
                own = ("id", "directory", "epoch")
                database.execute("DELETE FROM meta WHERE key IN (?, ?, ?)", own)
                yield name, "\n".join(database.iterdump()).encode()
        elif path.is_file() and path.parent.name != "cur":
            yield name, path.read_bytes()


class State(NamedTuple):
    """A moment when power is cut, and what is lost."""

    moment: int
    loss: Loss
    seed: int
    torn: Mapping[str, int] = {}


def _disks_at(recorded: Recorded, moment: int) -> list[PowerCutDisk]:
    disks = [PowerCutDisk(root) for root in recorded.place.disks]
    for operation in recorded.operations[:moment]:
        for disk in disks:
            if not operation.path or disk.holds(operation.path):
                disk.apply(operation)
    return disks


def _what_is_left(recorded: Recorded, state: State, folder: Path) -> Place:
    random = Random(state.seed)
    for disk in _disks_at(recorded, state.moment):
        disk.leave(folder / disk.root.name, state.loss, random, state.torn)
    return Place(folder, recorded.backup, recorded.place.options.mountpoints)


def _complaints(recorded: Recorded, whole: Ended, state: State, workplace: Path) -> list[str]:
    """What is wrong after this power cut: before anything is done about it, and after `resume`."""
    folder = Path(tempfile.mkdtemp(dir=workplace))
    try:
        place = _what_is_left(recorded, state, folder)
        complaints = broken_promises(place)
        restore_with_strays(place)
        complaints += [str(problem) for problem in check(place.journal)]
        complaints += _differences(_ended(place), whole)
    except ReinstateError as error:
        complaints = [f"{type(error).__name__}: {error}"]
    shutil.rmtree(folder)
    return complaints


def _differences(ended: Ended, whole: Ended) -> Iterator[str]:
    if ended.outcome.destination != whole.outcome.destination:
        yield f"items: {ended.outcome.destination} instead of {whole.outcome.destination}"
    if ended.outcome.journal != whole.outcome.journal:
        yield f"journal: {ended.outcome.journal} instead of {whole.outcome.journal}"
    if ended.outcome.files != whole.outcome.files:
        names = set(ended.outcome.files) ^ set(whole.outcome.files)
        yield f"files: {sorted(names)}"
    for name in ended.tree.keys() & whole.tree.keys():
        if ended.tree[name] != whole.tree[name]:
            yield f"{name}: {ended.tree[name]!r} instead of {whole.tree[name]!r}"


@pytest.fixture(autouse=True)
def _half_a_minute_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that comes up again finds the locks of before older than Dovecot honours."""
    monkeypatch.setattr(dotlock, "_STALE_SECONDS", 0.0)


def test_a_disk_that_loses_nothing_ends_as_the_real_one(
    recorded: Recorded, whole: Ended, workplace: Path
) -> None:
    state = State(len(recorded.operations), Loss("all", "all"), 0)
    place = _what_is_left(recorded, state, workplace)
    assert _ended(place) == whole


def test_no_power_cut_breaks_what_the_journal_says_or_what_resume_makes_of_it(
    recorded: Recorded, whole: Ended, workplace: Path
) -> None:
    number = int(os.environ.get("STATES", "20"))
    last = len(recorded.operations)
    for number_, moment in enumerate(range(0, last, last // number)):
        state = State(moment, LOSSES[number_ * 7 % len(LOSSES)], number_)
        complaints = _complaints(recorded, whole, state, workplace)
        if complaints: print(state, str(recorded.operations[moment - 1])[:300], str(complaints)[:800], sep="\n   ")
        ran(ANY_MOMENT)
