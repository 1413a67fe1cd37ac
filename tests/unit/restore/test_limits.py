"""A restore that more goes wrong with than was allowed is suspended, and goes on when told to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from reinstate_journal import open_journal, open_reader
from reinstate_journal.catalogue import Outcome
from reinstate_journal.events import ItemFailed, ItemReopened, ItemSkipped
from reinstate_journal.progress import Tally
from reinstate_service.operations.approval import Approval, NothingToApprove, approve
from reinstate_service.operations.report import make_report
from reinstate_service.operations.session import start_restore
from reinstate_service.restore.limits import Limits, Suspended
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from running import restore_here
from suspending import Place
from team import write_backup


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_restore_within_its_limit_ends_as_ever(place: Place) -> None:
    finished = restore_here(place.journal, replace(place.options, bad_item_limit=4))
    assert finished.outcome == "incomplete"


def test_one_beyond_its_limit_is_suspended_and_stays_so(place: Place) -> None:
    options = replace(place.options, bad_item_limit=2)
    with pytest.raises(Suspended, match="3 items could not be restored, more than the 2"):
        restore_here(place.journal, options)
    report = place.report()
    assert report.runs[-1].outcome == "suspended"
    assert report.totals.restored == 1
    head = report.head
    with pytest.raises(Suspended):
        restore_here(place.journal, options)
    assert place.report().head == head


def test_what_is_approved_counts_no_more_and_is_skipped_in_the_report(place: Place) -> None:
    options = replace(place.options, bad_item_limit=2)
    with pytest.raises(Suspended):
        restore_here(place.journal, options)
    assert place.approve(Approval(failures=("BlobMissing",), items=("2001", "2002"))) == 2
    finished = restore_here(place.journal, options)
    assert finished.outcome == "incomplete"
    totals = place.report().totals
    assert totals.failed == {"BlobMissing": 2}
    assert totals.skipped == {"approved: BlobMissing": 2}
    assert place.approve(Approval()) == 2
    report = place.report()
    assert report.whole
    assert report.totals.skipped == {"approved: BlobMissing": 4}
    assert restore_here(place.journal, options).outcome == "finished"


def test_an_approved_item_that_fails_again_stays_approved_and_one_that_works_is_restored(
    place: Place,
) -> None:
    restore_here(place.journal, place.options)
    place.approve(Approval(items=("2001",)))
    restore_here(place.journal, place.options)  # the others failed: alice is looked at again
    assert place.report().totals.skipped == {"approved: BlobMissing": 1}
    place.mend()
    assert restore_here(place.journal, place.options).outcome == "finished"
    assert place.report().totals.skipped == {}
    assert place.report().totals.restored == 6


def test_retry_tries_again_beyond_the_limit(place: Place) -> None:
    options = replace(place.options, bad_item_limit=0)
    with pytest.raises(Suspended):
        restore_here(place.journal, options)
    with pytest.raises(Suspended):  # bob's item fails as well
        start_restore(place.journal, options, Observer(), threading.Event(), retrying=True)
    place.mend()
    finished = start_restore(place.journal, options, Observer(), threading.Event(), retrying=True)
    assert finished.outcome == "finished"
    assert restore_here(place.journal, options).began is False


def test_too_many_large_items_suspend_as_well(place: Place) -> None:
    options = replace(place.options, max_file_size=100, large_item_limit=1)
    with pytest.raises(Suspended, match="items are too large, more than the 1"):
        restore_here(place.journal, options)
    assert restore_here(place.journal, replace(options, large_item_limit=4)).outcome == "finished"


def test_a_mountpoint_that_is_accepted_is_not_told_again(tmp_path: Path) -> None:
    write_backup(tmp_path / "backup", owner="99999999-0000-4000-8000-000000000000")
    options = Options(source=str(tmp_path / "backup"), destination=f"maildir:{tmp_path / 'mail'}")
    journal = tmp_path / "j.db"
    assert restore_here(journal, options).outcome == "incomplete"
    with open_journal(journal) as writer:
        (restore,) = writer.progress.restores()
        accepted = approve(writer, restore.restore, Approval(failures=("MountpointRefused",)))
        assert [one.type for one in accepted] == ["MountpointRefused"]
        with pytest.raises(NothingToApprove):
            approve(writer, restore.restore, Approval())
        head = writer.head()
    assert restore_here(journal, options).outcome == "finished"
    with open_reader(journal) as reader:
        assert reader.head() == head
        assert make_report(reader).whole


def test_an_item_that_is_taken_up_again_does_not_count_twice() -> None:
    options = Options(source="/b", destination="maildir:/m", bad_item_limit=1, large_item_limit=0)
    limits = Limits(options, [Tally("a", Outcome.FAILED, "BlobMissing", 1, 0)])
    again = ItemReopened(item="1", was=Outcome.FAILED, reason="BlobMissing")
    limits.count([again, ItemFailed(item="1", folder="2", failure="BlobCorrupt", reason="")])
    with pytest.raises(Suspended):
        limits.count([ItemFailed(item="2", folder="2", failure="BlobCorrupt", reason="")])
    with pytest.raises(Suspended):
        Limits(options).count([ItemSkipped(item="2", folder="2", reason="too large")])
