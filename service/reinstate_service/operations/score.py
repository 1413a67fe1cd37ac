"""How consistent an account is after its restore, in the words that Exchange's migrations use."""

from __future__ import annotations

from enum import StrEnum

#: A larger part of an account's items that is lost is a major loss.
_MAJOR = 0.01


class Score(StrEnum):
    """Perfect: everything that was asked for is there. Good: something is not as it was, but no
    item is lost. Investigate: a small part of the items is lost or in doubt. Poor: more is, or
    the account itself."""

    PERFECT = "perfect"
    GOOD = "good"
    INVESTIGATE = "investigate"
    POOR = "poor"


_ORDER = tuple(Score)


def account_score(*, items: int, lost: int, troubles: int, broken: bool) -> Score:
    """The score of an account with so many `items`, of which `lost` failed, are in doubt, or were
    found missing or changed; `troubles` are other steps that failed and other differences."""
    if broken:
        return Score.POOR
    if lost:
        return Score.INVESTIGATE if lost <= max(1, items * _MAJOR) else Score.POOR
    return Score.GOOD if troubles else Score.PERFECT


def worst(scores: list[Score]) -> Score:
    """The score of them all together."""
    return max(scores, key=_ORDER.index, default=Score.PERFECT)
