"""Sets of UIDs are what sets are, however the server writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.destination.fence import Fence, Placed
from reinstate_service.destination.imap.ends import Ends
from reinstate_service.destination.uids import UidSet, joined, uids_in
from reinstate_service.testing import law

UIDS = st.sets(st.integers(1, 40))
PATH = ("INBOX",)


def made(uids: set[int]) -> UidSet:
    return joined((uid, uid) for uid in uids)


def members(uids: UidSet) -> set[int]:
    return {uid for uid in range(1, 50) if uid in uids}


@law()
@given(one=UIDS, other=UIDS)
def test_they_are_joined_as_sets_are_and_read_as_they_are_written(
    one: set[int], other: set[int]
) -> None:
    found = made(one) | made(other)
    assert members(found) == one | other
    assert len(found) == len(one | other)
    assert found.end == max(one | other, default=0) + 1
    assert uids_in(str(found)) == found == made(one | other)


@law()
@given(uids=UIDS, fence=st.integers(1, 45))
def test_a_fence_is_raised_above_what_stands_at_it_and_the_rest_stands_above_it(
    uids: set[int], fence: int
) -> None:
    raised, left = made(uids).above(fence)
    assert set(range(fence, raised)) <= uids
    assert raised not in uids
    assert members(left) == {uid for uid in uids if uid > raised}


@pytest.mark.parametrize(
    ("told", "written"), [("5", "5"), ("9:7,1:2,3", "1:3,7:9"), ("4,4:4", "4"), ("", "")]
)
def test_a_server_may_write_them_in_any_way(told: str, written: str) -> None:
    assert str(uids_in(told)) == written


@law()
@given(told=st.lists(st.integers(1, 40)))
def test_where_a_mailbox_ends_is_above_whatever_was_told_in_any_order(told: list[int]) -> None:
    ends, highest = Ends(), 0
    for uid in told:
        ends.stored(PATH, Placed(7, made({uid})))
        highest = max(uid, highest)
        assert ends.of(PATH) == Fence(PATH, 7, highest + 1)


def test_where_a_mailbox_ends_is_not_known_behind_what_was_not_told_until_it_is_asked() -> None:
    ends = Ends()
    ends.stored(PATH, Placed(7, made({9})))
    ends.stored(PATH, None)
    ends.stored(PATH, Placed(7, made({3})))
    assert ends.of(PATH) is None
    assert ends.asked(Fence(PATH, 7, 5)) == ends.of(PATH) == Fence(PATH, 7, 10)
