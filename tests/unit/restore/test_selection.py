"""Which accounts and items are restored: docs/decisions/selection.md is the truth."""

from __future__ import annotations

import pytest

from reinstate_service.model import AbsentItem, AccountRef, Item, ItemType, UnreadableItem
from reinstate_service.restore.options import Options
from reinstate_service.restore.selection import (
    Selection,
    UnknownAccounts,
    UnknownDomains,
    reason_to_skip,
    select_accounts,
)

ANN = AccountRef("id-ann", "ann@example.com")
BOB = AccountRef("id-bob", "bob@example.com")
EVE = AccountRef("id-eve", "eve@example.org")
SYSTEM = AccountRef("id-sys", "galsync@example.com", system=True)
GONE = AccountRef("id-gone", "gone@example.com", deleted=True)
ANN_BEFORE = AccountRef("id-old", "Ann@example.com", deleted=True)
ALL = [ANN_BEFORE, ANN, BOB, EVE, SYSTEM, GONE]
DOMAINS = {"example.com", "example.org", "example.net"}


def choose(options: Options) -> Selection:
    return select_accounts(ALL, DOMAINS, options)


def options(**chosen: object) -> Options:
    return Options(source="b", destination="memory:", **chosen)  # type: ignore[arg-type]


def test_by_default_all_but_system_and_deleted_accounts_which_are_reported() -> None:
    made = choose(options())
    assert made.chosen == (ANN, BOB, EVE)
    assert {ref.id: reason for ref, reason in made.skipped} == {
        "id-sys": "system account",
        "id-gone": "deleted",
        "id-old": "deleted",
    }


def test_named_accounts_are_restored_in_the_order_named_by_address_in_any_case_or_id() -> None:
    made = choose(options(accounts=("EVE@example.org", "id-bob", "bob@example.com")))
    assert made.chosen == (EVE, BOB)
    assert made.skipped == ()


def test_accounts_with_domains_are_narrowed_by_both() -> None:
    made = choose(
        options(accounts=("bob@example.com", "eve@example.org"), domains=("example.org",))
    )
    assert made.chosen == (EVE,)
    assert made.skipped == ()


def test_domains_alone_choose_their_accounts_in_any_case() -> None:
    assert choose(options(domains=("EXAMPLE.org",))).chosen == (EVE,)


def test_unknown_accounts_are_refused_all_at_once() -> None:
    with pytest.raises(UnknownAccounts, match=r"x@example\.com, y@example\.com"):
        choose(options(accounts=("x@example.com", "ann@example.com", "y@example.com")))


def test_unknown_domains_are_refused_all_at_once() -> None:
    with pytest.raises(UnknownDomains, match=r"a\.invalid, b\.invalid"):
        choose(options(domains=("b.invalid", "a.invalid", "example.com")))


def test_a_domain_without_accounts_is_no_error() -> None:
    assert choose(options(domains=("example.net",))).chosen == ()


def test_a_system_account_that_is_named_is_left_out_all_the_same_and_reported() -> None:
    made = choose(options(accounts=("galsync@example.com",)))
    assert made.chosen == ()
    assert made.skipped == ((SYSTEM, "system account"),)


def test_system_accounts_come_if_asked_for() -> None:
    assert SYSTEM in choose(options(skip_system_accounts=False)).chosen


def test_a_deleted_account_comes_if_asked_for_unless_a_living_one_has_its_address() -> None:
    made = choose(options(filter_deleted=False))
    assert made.chosen == (ANN, BOB, EVE, GONE)
    assert made.skipped[-1] == (ANN_BEFORE, "another account has the address")


def item(**chosen: object) -> Item:
    return Item("1", ItemType.MESSAGE, "2", 0, 1000, "digest", **chosen)  # type: ignore[arg-type]


def test_an_item_is_restored_unless_there_is_a_reason() -> None:
    assert reason_to_skip(item(), options()) is None


def test_a_deleted_item_is_left_out_unless_asked_for() -> None:
    assert reason_to_skip(item(deleted=True), options()) == "deleted"
    assert reason_to_skip(item(deleted=True), options(filter_deleted=False)) is None


def test_only_what_is_larger_than_the_limit_is_too_large() -> None:
    assert reason_to_skip(item(), options(max_file_size=999)) == "too large"
    assert reason_to_skip(item(), options(max_file_size=1000)) is None
    assert reason_to_skip(item(), options(max_file_size=0)) is None


def test_an_item_that_came_later_is_left_out() -> None:
    assert reason_to_skip(AbsentItem("1"), options(at=1)) == "later"


def test_an_item_that_cannot_be_read_is_not_skipped_but_fails_later() -> None:
    assert reason_to_skip(UnreadableItem("1", "RecordMalformed", "x"), options()) is None
