"""A backup restored onto a live server over IMAP, by the command, as an administrator does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import oracle
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_service.operations.report import make_report
from reinstate_service.operations.sample import Sample, build_sample, demo_messages
from running import run
from system.dovecot import needs_dovecot
from system.live import LiveServer, as_served, live_server

pytestmark = needs_dovecot


class Restored(NamedTuple):
    """A sample, the server that it was restored onto, and the journal of it."""

    sample: Sample
    live: LiveServer
    journal: Path

    def again(self, expect: int) -> None:
        """The same command once more."""
        live = self.live
        run(
            *("restore", self.sample.path, live.location, "--config", live.config),
            *("--journal", self.journal),
            expect=expect,
        )


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    sample = build_sample(tmp_path_factory.mktemp("imap") / "backup", demo_messages())
    with live_server(one.address for one in oracle.restored_accounts(sample)) as live:
        made = Restored(sample, live, live.folder / "reinstate.db")
        made.again(expect=3)
        yield made


def test_every_message_lies_where_the_backup_had_it_with_flags_keywords_and_date(
    restored: Restored,
) -> None:
    accounts = oracle.restored_accounts(restored.sample)
    with open_reader(restored.journal) as reader:
        restore = reader.progress.restores()[0].restore
        places = oracle.places(reader, restore, accounts)
    destination = restored.live.destination()
    found = oracle.found(destination, [one.address for one in accounts])
    destination.close()
    wanted = as_served(restored.sample.path, oracle.expected(accounts, places), accounts)
    assert found == wanted
    assert found.total() > 200


def test_what_a_mail_server_has_no_place_for_is_told_one_by_one(restored: Restored) -> None:
    assert check(restored.journal) == []
    with open_reader(restored.journal) as reader:
        report = make_report(reader)
    assert report.totals.failed == {"NoMail": 52}
    assert {one.state for one in report.accounts} == {"completed", "skipped"}


def test_a_second_run_changes_nothing(restored: Restored) -> None:
    with open_reader(restored.journal) as reader:
        head = reader.head()
    restored.again(expect=3)
    with open_reader(restored.journal) as reader:
        assert reader.head() == head


def test_an_account_that_is_not_there_fails_alone(restored: Restored, tmp_path: Path) -> None:
    sample = build_sample(tmp_path / "backup", demo_messages())
    (known, *_) = oracle.restored_accounts(sample)
    with live_server([known.address]) as live:
        journal = tmp_path / "r.db"
        domain = known.address.rpartition("@")[2]
        run(
            *("restore", sample.path, live.location, "--config", live.config),
            *("--journal", journal, "--domains", domain),
            expect=3,
        )
        with open_reader(journal) as reader:
            report = make_report(reader)
    states = {one.address: one.state for one in report.accounts if one.state != "skipped"}
    assert states.pop(known.address) == "completed"
    assert set(states.values()) == {"failed"}
    assert all("cannot log in" in one.reason for one in report.accounts if one.state == "failed")
    assert restored.live is not live
