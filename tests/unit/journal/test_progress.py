"""What the projection `progress` answers."""

from __future__ import annotations

from pathlib import Path

import msgspec

from reinstate_journal import open_journal, open_reader
from reinstate_journal.catalogue import Catalogue, Event, Outcome
from reinstate_journal.events import (
    GRANTS,
    AccountCompleted,
    AccountConfigured,
    AccountCreated,
    AccountFailed,
    AccountSkipped,
    DeliveriesSettled,
    DeliveryIntended,
    DomainCreated,
    GrantsApplied,
    IntendedItem,
    ItemFailed,
    ItemInDoubt,
    ItemReopened,
    ItemRestored,
    ItemsCompleted,
    ItemSkipped,
    MountpointRefused,
    OldestDeliveriesSettled,
    PhaseCompleted,
    PhaseStarted,
    ProvisioningFailed,
    QuotaLifted,
    QuotaPutBack,
    RestoreCreated,
    RunEnded,
    RunStarted,
    account_stream,
    item_step,
    restore_stream,
)
from reinstate_journal.journal import Journal
from reinstate_journal.progress import Account, Ended, QuotaDue, Restore, Run, Tally

WHOLE = restore_stream("r1")
ANNA = account_stream("r1", "a1")
BERT = account_stream("r1", "b2")
DIGEST = "0123456789"


def record(journal: Journal, stream: str, *events: Event) -> None:
    journal.append(stream, journal.version(stream), events)


def restored(item: str, size: int = 10) -> ItemRestored:
    return ItemRestored(item, "2", DIGEST, size)


def skipped(item: str, reason: str, size: int = 10) -> ItemSkipped:
    return ItemSkipped(item, "2", reason, DIGEST, size)


def failed(item: str, failure: str, size: int = 10) -> ItemFailed:
    return ItemFailed(item, "2", failure, "the details", DIGEST, size)


def reopened(item: str, was: Outcome, reason: str, size: int = 10) -> ItemReopened:
    return ItemReopened(item, was, reason, DIGEST, size)


def state_of(journal: Journal, account: str) -> str | None:
    found = journal.progress.account("r1", account)
    return found.state if found else None


def test_restores_are_listed_by_age(journal: Journal) -> None:
    assert journal.progress.restores() == []
    assert journal.progress.restore("r1") is None
    facts = ("/backup", "server", "carbonio", "maildir:/mail", "id-7")
    record(journal, WHOLE, RestoreCreated("r1", *facts))
    record(journal, "restore/r0", RestoreCreated("r0", *facts))
    at = 1_700_000_000_000
    assert journal.progress.restore("r1") == Restore("r1", *facts, created_at=at)
    assert {restore.restore for restore in journal.progress.restores()} == {"r0", "r1"}


def test_a_run_tells_its_options_phases_and_end(journal: Journal) -> None:
    at = 1_700_000_000_000
    options = {"accounts": ["a@x.test"], "nested": {"dry": False, "size": 3}}
    record(journal, WHOLE, RunStarted(1, 0, "0.1", options, 99), PhaseStarted(1, 1))
    begun = Run("r1", 1, 0, "0.1", options, 99, at, None, "", "", 1, 0)
    assert journal.progress.last_run("r1") == begun
    record(journal, WHOLE, PhaseCompleted(1, 1), PhaseStarted(1, 2), RunEnded(1, "stopped", "full"))
    record(journal, WHOLE, RunStarted(2, 1, "0.2", {}))
    assert journal.progress.runs("r1") == [
        Run("r1", 1, 0, "0.1", options, 99, at, at, "stopped", "full", 2, 1),
        Run("r1", 2, 1, "0.2", {}, None, at, None, "", "", 0, 0),
    ]
    assert journal.progress.last_run("r2") is None


def test_an_account_goes_from_open_to_failed_to_open_to_completed(journal: Journal) -> None:
    assert state_of(journal, "a1") is None
    record(journal, ANNA, AccountCreated("a1", "anna@x.test"))
    assert state_of(journal, "a1") == "open"
    record(journal, ANNA, AccountFailed(1, 2, "DiskFull", "no room"))
    assert journal.progress.account("r1", "a1") == Account(
        "r1", "a1", "anna@x.test", "failed", "DiskFull", "no room", 2, None, None, None
    )
    record(journal, WHOLE, RunStarted(2, 0, "0.1", {}))
    assert state_of(journal, "a1") == "open"
    record(journal, ANNA, ItemsCompleted("stamp"), AccountCompleted(2))
    assert journal.progress.account("r1", "a1") == Account(
        "r1", "a1", "anna@x.test", "completed", "", "", None, "stamp", None, None
    )


def test_a_new_run_leaves_the_accounts_of_other_restores_alone(journal: Journal) -> None:
    record(journal, account_stream("r9", "a1"), AccountFailed(1, 1, "Refused", "no"))
    record(journal, WHOLE, RunStarted(2, 0, "0.1", {}))
    other = journal.progress.account("r9", "a1")
    assert other is not None
    assert other.state == "failed"


def test_a_skipped_account_says_why_and_how_much_until_it_is_made(journal: Journal) -> None:
    record(journal, WHOLE, AccountSkipped("b2", "bert@x.test", "not asked for", 500))
    assert journal.progress.account("r1", "b2") == Account(
        "r1", "b2", "bert@x.test", "skipped", "", "not asked for", None, None, None, 500
    )
    record(journal, BERT, AccountCreated("b2", "bert@x.test"))
    assert state_of(journal, "b2") == "open"


def test_accounts_are_listed_by_id_over_many_pages(journal: Journal) -> None:
    ids = [f"{number:05}" for number in range(1234)]
    record(journal, WHOLE, *(AccountSkipped(i, f"{i}@x.test", "no", 0) for i in ids))
    record(journal, account_stream("r1", "00007"), AccountCreated("00007", "7@x.test"))
    assert [account.account for account in journal.progress.accounts("r1")] == ids
    assert [a.account for a in journal.progress.accounts("r1", "open")] == ["00007"]
    assert len(list(journal.progress.accounts("r1", "skipped"))) == 1233
    assert list(journal.progress.accounts("r2")) == []


def test_a_lifted_quota_is_due_until_it_is_put_back(journal: Journal) -> None:
    record(journal, ANNA, AccountCreated("a1", "anna@x.test"), QuotaLifted(1000))
    record(journal, BERT, AccountCreated("b2", "bert@x.test"), QuotaLifted(0))
    assert journal.progress.quotas_due("r1") == [
        QuotaDue("a1", "anna@x.test", 1000),
        QuotaDue("b2", "bert@x.test", 0),
    ]
    record(journal, ANNA, QuotaPutBack(1000))
    assert [due.account for due in journal.progress.quotas_due("r1")] == ["b2"]


def test_steps_that_have_ended_are_found_however_many_are_asked_for(journal: Journal) -> None:
    record(journal, ANNA, *(restored(str(number)) for number in range(0, 1400, 2)))
    record(journal, ANNA, skipped("x", "deleted", 5), failed("y", "Unreadable", 6))
    record(journal, BERT, restored("1"))
    asked = [item_step(str(number), DIGEST) for number in range(1400)]
    ended = journal.progress.ended(ANNA, [*asked, "item x 01234567", "item y 01234567"])
    assert len(ended) == 702
    assert ended["item 4 01234567"] == Ended(Outcome.DONE, "", 0, 3)
    assert ended["item x 01234567"] == Ended(Outcome.SKIPPED, "deleted", 5, 701)
    assert ended["item y 01234567"] == Ended(Outcome.FAILED, "Unreadable", 6, 702)
    assert journal.progress.ended(ANNA, []) == {}
    assert journal.progress.ended("nobody", asked) == {}


def test_steps_of_every_kind_end(journal: Journal) -> None:
    record(
        journal,
        WHOLE,
        DomainCreated("x.test", "rev"),
        ProvisioningFailed("domain y.test", "Refused", "no"),
        AccountSkipped("b2", "bert@x.test", "not asked for", 500),
    )
    steps = ["domain x.test rev", "domain y.test", "account b2", "domain z.test"]
    assert journal.progress.ended(WHOLE, steps) == {
        "domain x.test rev": Ended(Outcome.DONE, "", 0, 1),
        "domain y.test": Ended(Outcome.FAILED, "Refused", 0, 2),
        "account b2": Ended(Outcome.SKIPPED, "not asked for", 0, 3),
    }


def test_tallies_count_items_only_and_a_reopened_item_counts_no_more(journal: Journal) -> None:
    record(journal, ANNA, AccountConfigured("rev"), restored("1", 5), restored("2", 7))
    record(journal, ANNA, skipped("3", "deleted"), failed("4", "Unreadable"), failed("5", "Full"))
    assert journal.progress.tallies(ANNA) == [
        Tally("a1", Outcome.DONE, "", 2, 12),
        Tally("a1", Outcome.SKIPPED, "deleted", 1, 10),
        Tally("a1", Outcome.FAILED, "Full", 1, 10),
        Tally("a1", Outcome.FAILED, "Unreadable", 1, 10),
    ]
    record(journal, ANNA, reopened("4", Outcome.FAILED, "Unreadable"), restored("4", 10))
    record(journal, ANNA, reopened("3", Outcome.SKIPPED, "deleted"))
    assert journal.progress.tallies(ANNA) == [
        Tally("a1", Outcome.DONE, "", 3, 22),
        Tally("a1", Outcome.FAILED, "Full", 1, 10),
    ]
    steps = [item_step(number, DIGEST) for number in "34"]
    assert list(journal.progress.ended(ANNA, steps)) == [steps[1]]


def test_the_tallies_of_a_restore_leave_out_other_restores(journal: Journal) -> None:
    for account in ("r1/b", "r1/a", "r10/a", "r/a", "r1/a.b/c"):
        record(journal, f"restore/{account}", restored("1"))
    tallies = list(journal.progress.all_tallies("r1"))
    assert [tally.account for tally in tallies] == ["a", "a.b/c", "b"]


def test_an_account_whose_item_is_reopened_is_not_complete(journal: Journal) -> None:
    record(journal, ANNA, failed("4", "Unreadable"), ItemsCompleted("stamp"))
    record(journal, ANNA, reopened("4", Outcome.FAILED, "Unreadable"))
    account = journal.progress.account("r1", "a1")
    assert account is not None
    assert account.items_state is None


def test_failures_are_the_events_of_steps_that_failed_and_were_not_mended(
    journal: Journal,
) -> None:
    record(journal, WHOLE, ProvisioningFailed("list l@x.test", "Refused", "no"))
    record(journal, ANNA, failed("1", "Unreadable"), failed("2", "Unreadable"), skipped("3", "old"))
    record(journal, BERT, MountpointRefused("9", ("Shared",), "its owner is not there"))
    record(journal, account_stream("r2", "a1"), failed("1", "Unreadable"))
    record(journal, ANNA, reopened("1", Outcome.FAILED, "Unreadable"), restored("1"))
    assert [row.event for row in journal.progress.failures("r1")] == [
        ProvisioningFailed("list l@x.test", "Refused", "no"),
        failed("2", "Unreadable"),
        MountpointRefused("9", ("Shared",), "its owner is not there"),
    ]


def test_the_failures_of_one_stream_are_its_own(journal: Journal) -> None:
    record(journal, ANNA, failed("1", "Unreadable"), restored("2"))
    record(journal, BERT, *(failed(str(number), "Unreadable") for number in range(1100)))
    record(journal, ANNA, failed("3", "Unreadable"), ItemInDoubt("4", "2", "why", DIGEST))
    record(journal, ANNA, reopened("1", Outcome.FAILED, "Unreadable"), restored("1"))
    assert [row.event for row in journal.progress.failures_of(ANNA)] == [
        failed("3", "Unreadable"),
        ItemInDoubt("4", "2", "why", DIGEST),
    ]
    assert len(list(journal.progress.failures_of(BERT))) == 1100
    assert list(journal.progress.failures_of(WHOLE)) == []


def test_whether_any_step_of_a_kind_has_ended_is_told_of_one_stream(journal: Journal) -> None:
    record(journal, ANNA, GrantsApplied("2", "1", ()), restored("1"))
    record(journal, BERT, restored("1"))
    assert journal.progress.any_ended(ANNA, GRANTS)
    assert not journal.progress.any_ended(BERT, GRANTS)
    assert not journal.progress.any_ended(account_stream("r1", "c3"), GRANTS)


def intended(item: str, uidnext: int) -> DeliveryIntended:
    return DeliveryIntended(("A",), 7, uidnext, (IntendedItem(item, "2", DIGEST, 5),))


def test_an_intent_is_open_until_it_is_settled_and_its_fence_moves_up(journal: Journal) -> None:
    def open_intents() -> list[tuple[str, int, str]]:
        found = journal.progress.open_intents(ANNA)
        return [(one.intent.items[0].item, one.uidnext, one.settled) for one in found]

    record(journal, ANNA, intended("1", 10), intended("2", 10))
    record(journal, BERT, intended("1", 1))
    record(journal, ANNA, intended("3", 10))
    assert open_intents() == [("1", 10, ""), ("2", 10, ""), ("3", 10, "")]
    record(journal, ANNA, restored("1"), OldestDeliveriesSettled((11, 10), ("", "11:12,14")))
    assert open_intents() == [("2", 11, ""), ("3", 10, "11:12,14")]
    record(journal, ANNA, restored("2"), OldestDeliveriesSettled((13,)), intended("4", 13))
    assert open_intents() == [("3", 13, ""), ("4", 13, "")]
    record(journal, ANNA, DeliveriesSettled())
    assert open_intents() == []
    (bert,) = journal.progress.open_intents(BERT)
    assert (bert.intent, bert.uidnext) == (intended("1", 1), 1)


def test_a_fence_of_a_time_with_one_connection_for_each_account_is_read(tmp_path: Path) -> None:
    shape = msgspec.defstruct(
        "OldestDeliveriesSettled", [("uidnexts", tuple[int, ...])], bases=(Event,), frozen=True
    )
    assert issubclass(shape, Event)
    with open_journal(tmp_path / "j.db", catalogue=Catalogue([DeliveryIntended, shape])) as old:
        old.append(ANNA, 0, [intended("1", 10), intended("2", 10), shape((11,))])
    with open_journal(tmp_path / "j.db") as journal:
        journal.rebuild()
        (open_,) = journal.progress.open_intents(ANNA)
        assert (open_.intent, open_.uidnext, open_.settled) == (intended("2", 10), 11, "")


def test_failures_are_listed_over_many_pages(journal: Journal) -> None:
    record(journal, ANNA, *(failed(str(number), "Unreadable") for number in range(1100)))
    positions = [row.position for row in journal.progress.failures("r1")]
    assert positions == list(range(1, 1101))


def test_a_reader_answers_as_the_writer_does(journal: Journal) -> None:
    record(journal, ANNA, AccountCreated("a1", "anna@x.test"), restored("1"))
    with open_reader(journal.path) as reader:
        assert reader.progress.account("r1", "a1") == journal.progress.account("r1", "a1")
        assert reader.progress.tallies(ANNA) == journal.progress.tallies(ANNA)
