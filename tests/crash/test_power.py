"""A restore whose power is cut at any moment ends, after `resume`, as if nothing had been.

A real restore of phases 1 to 3 is recorded (recording.py), and its operations are done
again on a disk that loses what was not flushed (power.py).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from crash import wal
from crash.killing import Outcome, outcome_of
from crash.matrix import Row, ran
from crash.power import LOSSES, Loss, PowerCutDisk
from crash.powered import BUGS, Place, restore_with_strays
from crash.promises import broken_promises
from crash.recording import Flushed, FlushedAll, Linked, Moved, Operation, record
from crash.small import ADDRESSES, write_small_backup
from reinstate_journal.check import check
from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.maildir import dotlock

_LOCK = re.compile(r"\.lock(\.\d+\.\d+)?$")
LONG = "REINSTATE_LONG" in os.environ
#: Moments when the power is cut; ways to cut the log in each class, at most.
_STATES, _CUTS = (1000, 100) if LONG else (30, 2)
#: How many commits of a resumed run the power is cut after, at most.
_COMMITS = 12
#: How another user's folder is shown, where one of the ways has to do in the short run.
_KINDS = ["shared", "symlink"] if LONG else ["shared"]
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


KILLED_BEFORE = Row(
    "3 power is cut",
    "while a run goes on that another one, killed before a flush, had begun",
    "everything that the journal says is restored lies there, whichever run did it",
    "`resume` ends as the run that nothing happened to",
    _FILE,
)


class Recorded(NamedTuple):
    """A restore that was recorded: where it was done, everything it did, and how it ended."""

    place: Place
    backup: Path
    operations: Sequence[Operation]


def _recorded(folder: Path, backup: Path, mountpoints: str, bug: str = "") -> Recorded:
    place = Place(folder, backup, mountpoints)
    for disk in place.disks:
        disk.mkdir(parents=True)
    work = ["-m", "crash.powered", str(folder), str(backup), mountpoints, bug]
    return Recorded(place, backup, record(work, place.disks, folder / "trace").operations)


@pytest.fixture(scope="module", params=["shared", "symlink"])
def recorded(request: pytest.FixtureRequest, memory_folder: Path) -> Recorded:
    folder = Path(tempfile.mkdtemp(dir=memory_folder))  # made again if tests come in another order
    write_small_backup(folder / "backup")
    return _recorded(folder, folder / "backup", request.param)


@pytest.fixture(scope="module")
def whole(recorded: Recorded) -> Outcome:
    """The end of a restore that nothing happens to."""
    return _outcome(recorded.place)


def _outcome(place: Place) -> Outcome:
    """Without locks: that one was given back is not flushed, and one that comes back means
    nothing, as its maker is gone."""
    outcome = outcome_of(ADDRESSES, place.tree, place.journal)
    return outcome._replace(files=[file for file in outcome.files if not _LOCK.search(file[0])])


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


def _complaints(recorded: Recorded, whole: Outcome, state: State, workplace: Path) -> list[str]:
    """What is wrong after this power cut: before anything is done about it, and after `resume`."""
    folder = Path(tempfile.mkdtemp(dir=workplace))
    try:
        place = _what_is_left(recorded, state, folder)
        complaints = broken_promises(place)
        restore_with_strays(place)
        complaints += [str(problem) for problem in check(place.journal)]
        complaints += _differences(_outcome(place), whole)
    except ReinstateError as error:
        complaints = [f"{type(error).__name__}: {error}"]
    shutil.rmtree(folder)
    return complaints


def _differences(outcome: Outcome, whole: Outcome) -> Iterator[str]:
    for name, is_there, should_be in zip(Outcome._fields, outcome, whole, strict=True):
        if is_there != should_be:
            yield f"{name}: {is_there} instead of {should_be}"


@pytest.fixture(autouse=True)
def _half_a_minute_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that comes up again finds the locks of before older than Dovecot honours."""
    monkeypatch.setattr(dotlock, "_STALE_SECONDS", 0.0)


def test_a_disk_that_loses_nothing_ends_as_the_real_one(
    recorded: Recorded, whole: Outcome, workplace: Path
) -> None:
    state = State(len(recorded.operations), Loss("all", "all"), 0)
    place = _what_is_left(recorded, state, workplace)
    assert _outcome(place) == whole


def test_no_power_cut_breaks_what_the_journal_says_or_what_resume_makes_of_it(
    recorded: Recorded, whole: Outcome, workplace: Path
) -> None:
    states = [*_moments(recorded, _STATES), *_committed(recorded)[-2:]]
    _must_hold(recorded, whole, states, workplace, ANY_MOMENT)


def test_an_item_is_never_there_without_what_stands_beside_it(
    recorded: Recorded, whole: Outcome, workplace: Path
) -> None:
    (named,) = (
        moment
        for moment, operation in enumerate(recorded.operations, start=1)
        if isinstance(operation, Moved) and operation.new.endswith(".vcf")
    )
    states = [
        State(named, Loss("all", names), seed) for names in ("first", "some") for seed in range(6)
    ]
    _must_hold(recorded, whole, states, workplace, ANY_MOMENT)


def _moments(recorded: Recorded, number: int) -> list[State]:
    """So many states, spread over the whole restore and over all kinds of losses."""
    moments = Random(number)
    last = len(recorded.operations)
    return [
        State(last * one // number + moments.randrange(last // number or 1), loss, one)
        for one, loss in zip(range(number), cycle(LOSSES))
    ]


def _committed(recorded: Recorded) -> list[State]:
    """Every moment when events have just become durable; everything else is lost."""
    log = Flushed(f"{recorded.place.journal}-wal")
    return [
        State(moment, Loss("none", "none"), moment)
        for moment, operation in enumerate(recorded.operations, start=1)
        if operation == log
    ]


def _must_hold(
    recorded: Recorded, whole: Outcome, states: Iterable[State], workplace: Path, row: Row
) -> None:
    for state in states:
        complaints = _complaints(recorded, whole, state, workplace)
        before = recorded.operations[state.moment - 1]
        assert not complaints, (complaints, state, before)
        ran(row)


def test_the_journals_log_may_be_cut_anywhere(
    recorded: Recorded, whole: Outcome, workplace: Path
) -> None:
    reached = _wal_states(recorded)
    assert reached.keys() == set(wal.CLASSES)
    for kind, states in reached.items():
        chosen = Random(kind).sample(states, min(_CUTS, len(states)))
        _must_hold(recorded, whole, chosen, workplace, WAL_CUT)
        print(f"the log was cut {kind} in {len(chosen)} of {len(states)} ways")  # noqa: T201 - shown with -s


def _wal_states(recorded: Recorded) -> dict[str, list[State]]:
    """Every way to cut the log before each of its flushes, by the class of the place."""
    found: dict[str, list[State]] = defaultdict(list)
    journal = str(recorded.place.journal)
    (disk,) = (PowerCutDisk(root) for root in recorded.place.disks if root.name == "journal")
    for moment, operation in enumerate(recorded.operations):
        if disk.holds(operation.path):
            if operation in {Flushed(journal), Flushed(f"{journal}-wal")}:
                for kind, torn in wal.cuts(disk, journal):
                    loss = LOSSES[moment % len(LOSSES)]
                    found[kind].append(State(moment, loss, moment, torn))
            disk.apply(operation)
    return found


@pytest.mark.parametrize("recorded", _KINDS, indirect=True)
def test_what_a_killed_run_did_not_flush_is_durable_before_the_next_one_records_it(
    recorded: Recorded, whole: Outcome, workplace: Path
) -> None:
    for killed in _before_flushes(recorded):
        resumed = _killed_and_resumed(recorded, killed, workplace / str(killed))
        committed = [state for state in _committed(resumed) if state.moment > killed]
        chosen = Random(killed).sample(committed[:_COMMITS], min(len(committed), 3))
        _must_hold(resumed, whole, chosen, workplace, KILLED_BEFORE)
        shutil.rmtree(workplace / str(killed))


def _before_flushes(recorded: Recorded) -> list[int]:
    """Moments to kill a run at: before it flushes, also before it flushes messages' names."""
    flushes = [
        (moment, operation.path)
        for moment, operation in enumerate(recorded.operations)
        if isinstance(operation, Flushed | FlushedAll)
    ]
    names = [moment for moment, path in flushes if path.endswith("/cur")]
    if LONG:
        return [moment for moment, _ in flushes]
    return [*names[:2], *(moment for moment, _ in Random(0).sample(flushes, 2))]


def _killed_and_resumed(recorded: Recorded, moment: int, folder: Path) -> Recorded:
    """The recording of a run that was killed at a moment, and of the one that took it up: what
    was not flushed was still there, as only the process had gone."""
    place = _what_is_left(recorded, State(moment, Loss("all", "all"), 0), folder)
    old, new = str(recorded.place.tree.parent.parent), str(folder)
    before = [_elsewhere(operation, old, new) for operation in recorded.operations[:moment]]
    work = ["-m", "crash.powered", new, str(recorded.backup), place.options.mountpoints]
    after = record(work, place.disks, folder / "trace").operations
    return Recorded(place, recorded.backup, [*before, *after])


def _elsewhere(operation: Operation, old: str, new: str) -> Operation:
    moved = operation._replace(path=operation.path.replace(old, new, 1))
    if isinstance(moved, Moved | Linked):
        return moved._replace(new=moved.new.replace(old, new, 1))
    return moved


@pytest.mark.parametrize("recorded", ["shared"], indirect=True)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(
    recorded: Recorded, whole: Outcome, workplace: Path, bug: str
) -> None:
    planted = _recorded(workplace / bug, recorded.backup, "shared", bug)
    assert any(
        complaint.startswith("item ")
        for state in _committed(planted)
        for complaint in _complaints(planted, whole, state, workplace)
    )
