"""Report, status and views: read from the journal alone, and their sums are right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reinstate_journal import open_journal, open_reader
from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.events import (
    AccountCompleted,
    AccountCreated,
    AccountFailed,
    AccountSkipped,
    FolderMapped,
    ItemFailed,
    ItemReopened,
    ItemRestored,
    ItemSkipped,
    PhaseStarted,
    RestoreCreated,
    RunEnded,
    RunStarted,
    account_stream,
    restore_stream,
)
from reinstate_journal.journal import Journal
from reinstate_service.operations.report import Counts, make_report
from reinstate_service.operations.restores import NoRestore, SeveralRestores, choose_restore
from reinstate_service.operations.status import journal_files, make_status
from reinstate_service.operations.watching import InWork, Trouble, Watcher

RESTORE = "5b7b35ceb061"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "j.db") as opened:
        yield opened


def append(journal: Journal, stream: str, *events: Event) -> None:
    journal.append(stream, journal.version(stream), events)


def begin(journal: Journal, restore: str = RESTORE) -> None:
    append(
        journal,
        restore_stream(restore),
        RestoreCreated(
            restore=restore,
            backup="/b",
            server_id="s",
            product="carbonio",
            destination="maildir:/m",
            destination_id="d",
        ),
        RunStarted(run=1, epoch=1, version="0.1.0", options={}, last_scan=None),
    )


def account(journal: Journal, name: str, *events: Event) -> None:
    append(
        journal,
        account_stream(RESTORE, name),
        AccountCreated(account=name, address=f"{name}@example.com"),
        *events,
    )


def restored(item: str, size: int = 10) -> ItemRestored:
    return ItemRestored(item=item, folder="2", digest=f"{item:>44}", size=size)


def failed(item: str, failure: str = "BlobMissing") -> ItemFailed:
    return ItemFailed(item=item, folder="2", failure=failure, reason="why", digest=f"{item:>44}")


def skipped(item: str, reason: str = "deleted") -> ItemSkipped:
    return ItemSkipped(item=item, folder="2", reason=reason, digest=f"{item:>44}", size=5)


def test_the_totals_are_the_sums_of_the_accounts(journal: Journal) -> None:
    begin(journal)
    account(journal, "ann", restored("1"), restored("2", 7), skipped("3"), failed("4"))
    account(journal, "bob", restored("1", 3), failed("2", "BlobCorrupt"), skipped("3", "too large"))
    append(
        journal,
        restore_stream(RESTORE),
        AccountSkipped(account="sys", address="sys@example.com", reason="system account", items=9),
    )
    report = make_report(journal)
    assert report.totals == Counts(
        items=16,
        restored=3,
        skipped={"deleted": 1, "too large": 1, "account: system account": 9},
        failed={"BlobMissing": 1, "BlobCorrupt": 1},
        size=20,
    )
    for counts in (report.totals, *(one.counts for one in report.accounts)):
        parts = counts.restored + sum(counts.skipped.values()) + sum(counts.failed.values())
        assert counts.items == parts + counts.doubt
    assert sum(one.counts.items for one in report.accounts) == report.totals.items
    assert [one.address for one in report.accounts] == [
        "ann@example.com",
        "bob@example.com",
        "sys@example.com",
    ]


def test_a_failure_names_account_item_folder_class_and_reason(journal: Journal) -> None:
    begin(journal)
    mapped = FolderMapped(folder="2", source=("Inbox",), path=("INBOX",), reason="system")
    account(journal, "ann", mapped, failed("4"))
    (failure,) = make_report(journal).failures
    assert (failure.address, failure.item, failure.folder) == ("ann@example.com", "4", "2")
    assert (failure.path, failure.failure, failure.reason) == (("INBOX",), "BlobMissing", "why")


def test_an_item_that_was_mended_later_counts_once_and_is_no_failure(journal: Journal) -> None:
    begin(journal)
    again = ItemReopened(item="4", was=Outcome.FAILED, reason="BlobMissing", digest=f"{'4':>44}")
    account(journal, "ann", failed("4"), again, restored("4"))
    report = make_report(journal)
    assert report.totals.items == report.totals.restored == 1
    assert report.failures == ()
    assert report.whole


def test_a_restore_is_whole_only_if_no_step_and_no_account_failed(journal: Journal) -> None:
    begin(journal)
    account(journal, "ann", restored("1"), AccountCompleted(run=1))
    assert make_report(journal).whole
    account(
        journal,
        "bob",
        AccountFailed(run=1, phase=2, address="bob@example.com", failure="Refused", reason="no"),
    )
    report = make_report(journal)
    assert not report.whole
    assert report.accounts[1].reason == "Refused: no"


def test_the_report_carries_the_journals_head_to_be_checked_against(journal: Journal) -> None:
    begin(journal)
    head = journal.head()
    assert make_report(journal).head == (head.position, head.chain.hex())


def test_a_restore_is_chosen_by_name_or_because_it_is_the_only_one(journal: Journal) -> None:
    with pytest.raises(NoRestore):
        choose_restore(journal, None)
    begin(journal)
    assert choose_restore(journal, None).restore == RESTORE
    begin(journal, "0123456789ab")
    with pytest.raises(SeveralRestores, match=f"{RESTORE}, 0123456789ab|0123456789ab, {RESTORE}"):
        choose_restore(journal, None)
    assert choose_restore(journal, "0123456789ab").restore == "0123456789ab"
    with pytest.raises(NoRestore, match="has no restore ffff"):
        choose_restore(journal, "ffff")


def test_status_counts_like_the_report_and_knows_who_writes(journal: Journal) -> None:
    begin(journal)
    account(journal, "ann", restored("1", 7), skipped("2"), failed("3"))
    append(
        journal,
        restore_stream(RESTORE),
        AccountSkipped(account="sys", address="sys@example.com", reason="system account", items=9),
    )
    status = make_status(journal)
    (one,) = status.restores
    assert status.writer.startswith("process ")
    assert one.state == "running"
    assert one.items == {"done": 1, "skipped": 10, "failed": 1, "doubt": 0}
    assert one.accounts == {"open": 1, "skipped": 1}
    assert one.size == 7


def test_status_tells_how_the_last_run_ended(journal: Journal) -> None:
    begin(journal)
    append(journal, restore_stream(RESTORE), RunEnded(run=1, outcome="interrupted"))
    assert make_status(journal).restores[0].state == "interrupted"


def test_a_run_that_never_ended_and_that_nobody_works_on_was_cut_off(journal: Journal) -> None:
    begin(journal)
    path = journal.path
    journal.close()
    with open_reader(path) as reader:
        status = make_status(reader)
    assert status.writer == ""
    assert status.restores[0].state == "cut off"


def test_the_files_to_watch_are_the_journal_and_its_log(tmp_path: Path) -> None:
    assert [file.name for file in journal_files(tmp_path / "j.db")] == ["j.db", "j.db-wal"]


def test_a_view_tells_the_rate_who_is_in_work_and_how_long_it_will_take(journal: Journal) -> None:
    begin(journal)
    account(journal, "ann", restored("1"))
    account(journal, "bob", restored("1"))
    append(journal, restore_stream(RESTORE), PhaseStarted(run=1, phase=2, accounts=2, items=10))
    seconds = iter((0.0, 4.0))
    watcher = Watcher(journal, clock=lambda: next(seconds))
    first = watcher.look()
    assert (first.rate, first.left, first.in_work) == (0, None, ())
    append(journal, account_stream(RESTORE, "ann"), restored("2"), skipped("3"))
    second = watcher.look()
    assert (second.settled, second.status.expected) == (4, 10)
    assert (second.rate, second.left) == (0.5, 12)
    assert second.in_work == (InWork("ann@example.com", 3),)


def test_a_view_has_each_trouble_once_and_keeps_the_newest(journal: Journal) -> None:
    begin(journal)
    account(journal, "ann", failed("1"))
    watcher = Watcher(journal)
    one = Trouble("ann@example.com", f"item 1 {'':>8}", "BlobMissing: why")
    assert watcher.look().troubles == (one,)
    append(
        journal,
        account_stream(RESTORE, "ann"),
        AccountFailed(run=1, phase=2, failure="ChangedMeanwhile", reason="moved"),
    )
    two = Trouble("ann@example.com", "account", "ChangedMeanwhile: moved")
    assert watcher.look().troubles == watcher.look().troubles == (one, two)
