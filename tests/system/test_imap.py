"""A backup restored onto a live server over IMAP, by the command, as an administrator does it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

import oracle
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_service.destination.contract import Refused
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.operations.report import make_report
from reinstate_service.operations.sample import Sample, build_sample, demo_messages
from reinstate_service.source.backup_path import BackupWriter
from running import run
from system.dovecot import needs_dovecot
from system.live import LiveDovecot, as_served, live_server
from team import DAY

pytestmark = needs_dovecot

ACCOUNT = "11111111-0000-4000-8000-00000000000a"
ALICE = "alice@example.test"


class Restored(NamedTuple):
    """A sample, the server that it was restored onto, and the journal of it."""

    sample: Sample
    live: LiveDovecot
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


def test_the_server_is_verified_by_content(restored: Restored) -> None:
    """Also the messages that have other line ends there."""
    told = run("verify", "--journal", restored.journal, "--deep")
    assert "208 restored items = 208 there" in told


def test_a_quota_that_the_login_cannot_set_is_refused_and_not_passed_over(
    restored: Restored,
) -> None:
    """It would be recorded as put back."""
    destination = restored.live.destination()
    address = oracle.restored_accounts(restored.sample)[0].address
    assert destination.quota(address) == 0
    destination.set_quota(address, 0)
    with pytest.raises(Refused, match="quota"):
        destination.set_quota(address, 1_000_000)
    destination.close()


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


def test_a_quota_that_overflows_fails_items_one_by_one_and_is_told_beforehand(
    tmp_path: Path,
) -> None:
    with live_server([ALICE]) as live:
        _write_large(tmp_path / "backup", 40, 10_000)
        _set_quota(live, 200 * 1024)
        command = (tmp_path / "backup", live.location, "--config", live.config)
        assert "NO ROOM    390.6 KiB do not fit: 200.0 KiB are left" in run("plan", *command)
        journal = ("--journal", tmp_path / "r.db")
        run("restore", *command, *journal, expect=3)
        with open_reader(tmp_path / "r.db") as reader:
            totals = make_report(reader).totals
        assert set(totals.failed) == {"OverQuota"}
        assert 0 < totals.restored < 40
        assert totals.restored + totals.failed["OverQuota"] == 40
        _set_quota(live, 0)
        assert "NO ROOM" not in run("plan", *command)
        run("resume", *journal)
        with live.destination().mailbox(ALICE) as mailbox:
            found = Counter(item.digest for item in mailbox.contents())
        assert (len(found), found.total()) == (40, 40)


def _write_large(path: Path, count: int, size: int) -> None:
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        writer.put_account(Account(ACCOUNT, ALICE))
        writer.put_folder(ACCOUNT, Folder("2", "", "Inbox", role=Role.INBOX))
        for number in range(count):
            head = b"Subject: %d\r\n\r\n" % number
            writer.put_item(
                ACCOUNT,
                str(1000 + number),
                content=head + b"x" * (size - len(head) - 2) + b"\r\n",
                folder="2",
                date=DAY,
            )
        writer.finish_scan(DAY)


def _set_quota(live: LiveDovecot, quota: int) -> None:
    tree = MaildirDestination(live.tree)
    tree.set_quota(ALICE, quota)
    tree.close()


@pytest.mark.long
def test_a_message_of_100_mib_takes_less_than_200_mib_of_memory(tmp_path: Path) -> None:
    with live_server([ALICE]) as live:
        live.configure(timeout=120)
        _write_large(tmp_path / "backup", 2, 100 * 2**20)
        options = live.options(tmp_path / "backup")
        code = (
            "import sys, msgspec; from pathlib import Path; from running import restore_here;"
            "from reinstate_service.restore.options import Options;"
            "restore_here(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Options));"
            "print(Path('/proc/self/status').read_text())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "r.db", msgspec.json.encode(options)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
        assert int(peak) < 200 * 1024
        with live.destination().mailbox(ALICE) as mailbox:
            found = [item.size for item in mailbox.contents(lambda _: False)]
        assert found == [100 * 2**20] * 2
