"""The consistency score of an account."""

from __future__ import annotations

import pytest

from reinstate_service.operations.score import Score, account_score, worst


@pytest.mark.parametrize(
    ("lost", "troubles", "broken", "score"),
    [
        (0, 0, False, Score.PERFECT),
        (0, 3, False, Score.GOOD),
        (1, 0, False, Score.INVESTIGATE),
        (10, 5, False, Score.INVESTIGATE),
        (11, 0, False, Score.POOR),
        (0, 0, True, Score.POOR),
    ],
)
def test_an_account_of_a_thousand_items_is_graded(
    lost: int, troubles: int, broken: bool, score: Score
) -> None:
    assert account_score(items=1000, lost=lost, troubles=troubles, broken=broken) is score


def test_one_lost_item_of_a_few_is_no_major_loss() -> None:
    assert account_score(items=3, lost=1, troubles=0, broken=False) is Score.INVESTIGATE


def test_a_restore_is_as_good_as_its_worst_account() -> None:
    assert worst([Score.PERFECT, Score.INVESTIGATE, Score.GOOD]) is Score.INVESTIGATE
    assert worst([]) is Score.PERFECT
