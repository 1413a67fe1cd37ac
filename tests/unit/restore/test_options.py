"""Options go through the journal's record and come back the same."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.restore.options import Options

names = st.lists(st.text(max_size=20), max_size=3).map(tuple)
anything = st.builds(
    Options,
    source=st.text(max_size=20),
    destination=st.text(max_size=20),
    owner=st.none() | st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)),
    accounts=names,
    domains=names,
    at=st.none() | st.integers(-(2**40), 2**45),
    filter_deleted=st.booleans(),
    skip_system_accounts=st.booleans(),
    skip_aliases=st.booleans(),
    skip_distribution_lists=st.booleans(),
    skip_coses=st.booleans(),
    skip_account_provisioning=st.booleans(),
    skip_domain_provisioning=st.booleans(),
    provisioning_only=st.booleans(),
    restore_datasource=st.booleans(),
    max_file_size=st.integers(0, 2**60),
    force_as_external_restore=st.booleans(),
    concurrent_accounts=st.integers(1, 64),
    notifications=names,
    compress=st.sampled_from(["none", "keep"]),
    dedupe=st.sampled_from(["none", "link", "reflink"]),
)


@given(anything)
def test_law_options_come_back_from_their_record_as_json(options: Options) -> None:
    recorded = msgspec.json.decode(msgspec.json.encode(options.recorded()))
    assert Options.from_record(recorded) == options


def test_only_what_differs_from_the_default_is_recorded() -> None:
    assert Options("b", "d").recorded() == {"source": "b", "destination": "d"}


def test_a_record_of_an_older_version_gets_todays_defaults() -> None:
    made = Options.from_record({"source": "b", "destination": "d"})
    assert made == Options("b", "d")
    assert made.concurrent_accounts == 4


def test_a_record_of_a_newer_version_can_still_be_read() -> None:
    made = Options.from_record({"source": "b", "destination": "d", "from_the_future": True})
    assert made == Options("b", "d")


def test_the_stamp_changes_with_what_selects_items_and_with_nothing_else() -> None:
    plain = Options("b", "d")
    stamps = {
        Options("b", "d", **changed).item_selection()  # type: ignore[arg-type]
        for changed in ({"at": 1}, {"filter_deleted": False}, {"max_file_size": 1})
    }
    assert len(stamps | {plain.item_selection()}) == 4
    same = Options("c", "e", accounts=("x",), concurrent_accounts=9, skip_aliases=True)
    assert same.item_selection() == plain.item_selection()
