"""Named points stand where the tests believe, and do nothing until they are watched."""

from __future__ import annotations

import pytest

import fault_points
from reinstate_journal import crashpoints
from reinstate_journal.crashpoints import POINTS, At, Point, reach, watch


def test_every_point_stands_in_exactly_one_place_and_nothing_else_is_reached() -> None:
    used = [use.point.lower() for use in fault_points.uses()]
    assert sorted(used) == sorted(point.name for point in POINTS)


def test_every_point_says_in_its_own_words_what_is_done_there() -> None:
    meanings = {point.meaning for point in POINTS}
    assert len(meanings) == len(POINTS)


def test_a_point_does_nothing_until_it_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashpoints, "_watcher", None)
    seen: list[Point] = []
    reach(At.COMMITTED)
    watch(seen.append)
    reach(At.COMMIT_ASKED)
    assert seen == [At.COMMIT_ASKED]
