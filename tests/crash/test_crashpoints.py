"""A restore that dies at any named point, and again while it recovers, ends as if nothing had been.

A short run has each point as the first death of one case and as the second of another; a long
run has every pair of a point and a point that the recovery from it reaches.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from crash.matrix import Row, ran
from crash.small import ADDRESSES, STRAY
from crash.stage import VARIANTS, Death, Stage, lying
from reinstate_journal.crashpoints import POINTS, At

LONG = "REINSTATE_LONG" in os.environ
_PARTS = 8
#: Points of destinations that name messages themselves: test_fence.py has their cases,
#: tests/system/test_imap_without_move.py that of the last.
FENCED = {
    At.DELIVERY_INTENDED,
    At.DELIVERY_SENT,
    At.DELIVERY_STORED,
    At.ARRIVALS_COMPARED,
    At.RELOCATION_COPIED,
}
_NAMES = [point.name for point in POINTS if point not in FENCED]

#: Points that a recovery does not reach after the point before them: the variant and the death
#: after which it does. Those that are in no trace are reached by recoveries only.
AFTER = {
    At.DOTLOCK_BROKEN.name: ("fresh", Death(At.DOTLOCK_LINKED.name)),
    At.LEFTOVER_REMOVED.name: ("shared", Death(At.KEYWORDS_LOCKED.name)),
    At.TEMPORARY_SWEPT.name: ("shared", Death(At.CONTENT_EMPTY.name)),
    At.SECOND_NAME_REMOVED.name: ("symlink", Death(At.SECOND_NAME_FLUSHED.name)),
    At.ASIDE_FOUND.name: ("shared", Death(At.STRAY_ASIDE.name)),
    At.JOURNAL_MADE.name: ("shared", Death(At.JOURNAL_FLUSHED.name)),
    At.COMPILED_DROPPED.name: ("shared", Death(At.FILTER_DECIDED.name)),
    At.FILTER_REPLACED.name: ("shared", Death(At.FILTER_DECIDED.name)),
    At.PUT_BACK_FLUSHED.name: ("shared", Death(At.PUT_BACK_WHOLE.name, 2)),
}

_GROUP = "1 the process dies"
_SEEN = "a batch half delivered, folders half made, an effect without its event; never the reverse"
_HOLDS = (
    "nothing lost or doubled, quotas back, tmp/ empty, journal whole; a second run does nothing"
)
_TEST = "tests/crash/test_crashpoints.py"
ONCE = Row(_GROUP, "SIGKILL or os._exit at each named point", _SEEN, _HOLDS, _TEST)
TWICE = Row(_GROUP, "the same, and again during the recovery from it", _SEEN, _HOLDS, _TEST)
PHASE_3 = Row(
    _GROUP,
    "SIGKILL or os._exit at every step of phase 3",
    "mail in the mountpoint's place, in its target, or in a folder put aside; a script replaced",
    "what filters had filed lies with the owner, once, with its flags and keywords",
    _TEST,
)


@pytest.fixture(scope="module")
def stages(memory_folder: Path) -> dict[str, Stage]:
    return {variant: Stage(memory_folder / variant, variant) for variant in VARIANTS}


def _own(stages: dict[str, Stage], variant: str) -> list[str]:
    """The points that the variant is the first to reach, in the order in which it does."""
    earlier = VARIANTS[: VARIANTS.index(variant)]
    known = {name for one in earlier for name in stages[one].trace}
    return [name for name in dict.fromkeys(stages[variant].trace) if name not in known]


def _cases(stages: dict[str, Stage]) -> Iterator[tuple[str, Death, str]]:
    """A variant, where a restore of it dies, and where its recovery does: at the next point.
    Every run reaches the first one."""
    start = At.LOCK_OPENED.name
    for variant in VARIANTS:
        own = [name for name in _own(stages, variant) if name != start]
        for first, second in pairwise((start, *own, start)):
            yield variant, Death(first), start if second in AFTER else second
    for name, (variant, death) in AFTER.items():
        yield variant, death, name


def _must_end_well(stage: Stage, *deaths: Death) -> list[str]:
    trace = stage.restore()
    assert stage.outcome() == stage.whole, " and then ".join(map(str, deaths))
    return trace


def test_every_point_has_a_case(stages: dict[str, Stage]) -> None:
    """In which a restore dies there, unless recoveries alone reach it, and one in which a
    recovery does."""
    cases = list(_cases(stages))
    reached = {name for stage in stages.values() for name in stage.trace}
    assert {*_NAMES} - {*AFTER} <= reached
    assert {death.point for _, death, _ in cases} == reached
    assert {second for _, _, second in cases} == {*_NAMES}


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_restore_that_dies_and_whose_recovery_dies_ends_as_one_that_did_not(
    stages: dict[str, Stage], part: int
) -> None:
    for number, (variant, first, second) in enumerate(_cases(stages)):
        if number % _PARTS == part:
            stage = stages[variant]
            deaths = (
                first._replace(by_signal=number % 2 == 0),
                Death(second, by_signal=number % 2 == 1),
            )
            stage.back_to("before")
            for death in deaths:
                stage.die(death)
            _must_end_well(stage, *deaths)
            ran(TWICE)


def test_a_restore_of_gzip_files_that_dies_while_it_delivers_ends_as_one_that_did_not(
    stages: dict[str, Stage],
) -> None:
    stage = stages["kept"]
    steps = _NAMES[_NAMES.index(At.BATCH_DECIDED.name) : _NAMES.index(At.BATCH_DELIVERED.name) + 1]
    passed = [name for name in dict.fromkeys(stage.trace) if name in steps]
    assert {At.TWIN_LINKED.name, At.CONTENT_WRITTEN.name, At.ITEM_RENAMED.name} <= {*passed}
    for number, name in enumerate(passed):
        hit = (1, stage.trace.count(name))[number % 2]
        deaths = Death(name, hit, number % 2 == 0), Death(At.BATCH_DELIVERED.name)
        stage.back_to("before")
        for death in deaths:
            stage.die(death)
        _must_end_well(stage, *deaths)
        ran(TWICE)


@pytest.mark.parametrize("variant", ["shared", "symlink"])
def test_a_restore_that_dies_at_any_step_of_phase_3_is_resumed_to_the_same_end(
    stages: dict[str, Stage], variant: str
) -> None:
    stage = stages[variant]
    stage.back_to("before")
    stage.die(Death(At.MOUNTPOINTS_DECIDED.name))
    stage.keep("phase 3")
    steps = _NAMES[_NAMES.index(At.MOUNTPOINTS_DECIDED.name) :]
    if variant != "shared" and not LONG:
        steps = _own(stages, variant)
    hits: Counter[str] = Counter()
    for number, name in enumerate(stage.restore()):
        hits[name] += 1
        if name in steps:
            death = Death(name, hits[name], number % 2 == 0)
            stage.back_to("phase 3")
            stage.die(death)
            _must_end_well(stage, death)
            ran(PHASE_3)


def test_whatever_filters_had_put_in_the_way_lies_with_the_owner(
    stages: dict[str, Stage],
) -> None:
    alice, bob = ADDRESSES
    for variant in ("shared", "symlink"):
        there = lying(stages[variant].whole)
        assert there[bob, ("Team",)] == 1 + STRAY["Team",]
        assert there[bob, ("Team", "Old")] == STRAY["Team", "Old"] + len(("late", "late", "anew"))
        assert not there[alice, ("Team",)]
        assert {
            one.keywords
            for one in stages[variant].whole.destination
            if one.path == ("Team",) and one.account == bob
        } == {frozenset({"todo"})}


@pytest.mark.long
@pytest.mark.parametrize("part", range(4 * _PARTS))
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_point_and_any_later_one_may_follow_each_other(
    stages: dict[str, Stage], variant: str, part: int
) -> None:
    stage, own = stages[variant], _own(stages, variant)
    for number, name in enumerate(dict.fromkeys(stage.trace)):
        if number % (4 * _PARTS) == part:
            hits = stage.trace.count(name)
            for hit in sorted({1, min(2, hits), (hits + 1) // 2, hits}):
                first = Death(name, hit, (number + hit) % 2 == 0)
                stage.back_to("before")
                stage.die(first)
                stage.keep("dead")
                reached = _must_end_well(stage, first)
                ran(ONCE)
                for second in dict.fromkeys(reached) if hit == 1 else ():
                    if name in own or second in own or second in AFTER:
                        again = Death(second, by_signal=not first.by_signal)
                        stage.back_to("dead")
                        stage.die(again)
                        _must_end_well(stage, first, again)
                        ran(TWICE)
