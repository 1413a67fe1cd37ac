"""A verification finds what is not as it was restored, and nothing else."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tampering
from damage import snapshot
from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check
from reinstate_journal.errors import DestinationError, Interrupted, JournalInUse
from reinstate_journal.events import AccountVerified, VerificationFinding
from reinstate_service.model import Flag
from reinstate_service.operations.sample import build_sample, demo_messages
from reinstate_service.operations.session import OtherDestination, start_verification
from reinstate_service.operations.verification import Verification, last_verification
from reinstate_service.restore.options import Options
from reinstate_service.restore.verification.verify import Request, UnknownAccounts
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from team import ALICE, BOB, DAY, write_backup

DEEP = Request(deep=True)


class Place(NamedTuple):
    """A restored backup: tests change the tree, and ask."""

    backup: Path
    tree: Path
    journal: Path

    def restore(self) -> None:
        restore_here(
            self.journal, Options(source=str(self.backup), destination=f"maildir:{self.tree}")
        )

    def verify(self, request: Request = DEEP, heard: list[str] | None = None) -> Verification:
        told = heard if heard is not None else []
        restore, number = start_verification(
            self.journal, None, request, lambda one: told.append(one.address), threading.Event()
        )
        with open_reader(self.journal) as reader:
            found = last_verification(reader, restore)
        assert found is not None
        assert found.number == number
        return found

    def home(self, local: str, domain: str = "example.test") -> Path:
        return self.tree / domain / local

    def folder(self, local: str, name: str = "", domain: str = "example.test") -> Path:
        return self.home(local, domain) / "Maildir" / name


def place_in(folder: Path) -> Place:
    return Place(folder / "backup", folder / "mail", folder / "j.db")


@pytest.fixture
def team(tmp_path: Path) -> Place:
    """Two accounts, a share between them, a redirected filter."""
    place = place_in(tmp_path)
    write_backup(place.backup)
    place.restore()
    return place


@pytest.fixture
def sample(tmp_path: Path) -> Place:
    """One of everything."""
    place = place_in(tmp_path)
    build_sample(place.backup, demo_messages())
    place.restore()
    return place


def told(found: Verification) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.what, "/".join(one.path), one.detail) for one in found.findings]


def test_ten_ways_of_tampering_are_named_and_nothing_else(sample: Place) -> None:
    assert told(sample.verify()) == []
    tampering.tamper_in_ten_ways(sample.tree)
    found = sample.verify()
    assert sorted(told(found)) == sorted(
        [
            ("missing", "item", "Work", ""),
            ("different", "item", "Junk", "other bytes"),
            ("changed", "item", "Workshop", "moved from Sent"),
            ("changed", "item", "Drafts", "flags +\\Flagged"),
            ("changed", "folder", "Kontor", "renamed to Kontor"),
            ("different", "filter", "", "edited since"),
            ("missing", "grant", "Work/Projects", "lrswipte"),
            ("different", "list", "", "member spy@elsewhere.example is new"),
            ("different", "quota", "", "5 bytes instead of 67108864"),
            ("extra", "item", "INBOX", _doubled(found)),
        ]
    )
    assert found.whole is False
    assert {name: found.totals[name] for name in ("changed", "missing", "different", "extra")} == {
        "changed": 2,
        "missing": 1,
        "different": 1,
        "extra": 1,
    }


def _doubled(found: Verification) -> str:
    (extra,) = (one for one in found.findings if one.kind == "extra")
    assert extra.detail.startswith("a duplicate of item 1")
    return extra.detail


def test_without_reading_contents_all_is_found_but_what_has_the_same_size(team: Place) -> None:
    tampering.flip_byte(team.folder("bob", ".Team"))
    assert team.verify(Request()).whole
    assert told(team.verify()) == [("different", "item", "Team", "other bytes")]
    tampering.move_message(team.folder("alice", ".Work"), team.folder("alice", ".Trash"))
    assert told(team.verify(Request())) == [("changed", "item", "Trash", "moved from Work")]


def test_what_users_do_to_their_mail_is_told_and_no_loss(team: Place) -> None:
    tampering.flag_message(team.folder("alice", ".Work"))
    (team.folder("alice", ".Work") / "dovecot-keywords").write_text("0 later\n")
    path = tampering.message(team.folder("alice", ".Work"))
    path.rename(path.with_name(path.name + "a"))
    (team.folder("alice") / "new" / "1999999999.M1P1.host").write_text("Subject: new\n\n")
    found = team.verify()
    assert told(found) == [("changed", "item", "Work", "flags +\\Flagged; keywords +later")]
    assert found.whole
    assert found.totals["arrived"] == 1


def test_old_mail_that_nobody_restored_is_told_apart_from_mail_that_arrived(team: Place) -> None:
    planted = team.folder("alice") / "cur" / "1000000000.M1P1.host:2,"
    planted.write_text("Subject: planted\n\n")
    os.utime(planted, (1_000_000_000, 1_000_000_000))
    found = team.verify()
    assert told(found) == [
        (
            "extra",
            "item",
            "INBOX",
            "nobody restored it, and it is dated before the restore began",
        )
    ]
    assert found.totals["arrived"] == 0


def test_an_account_or_domain_that_is_gone_is_one_finding(team: Place) -> None:
    tampering.change_directory(team.tree, "DELETE FROM accounts WHERE address LIKE 'bob%'")
    shutil.rmtree(team.home("alice"))
    found = team.verify()
    assert sorted(told(found)) == [
        ("missing", "account", "", "account bob@example.test does not exist on the destination"),
        (
            "missing",
            "account",
            "",
            "the home of alice@example.test does not exist on the destination",
        ),
    ]
    assert found.totals["missing"] == 2


def test_what_cannot_be_read_is_told_and_stops_nothing(team: Place) -> None:
    tampering.change_directory(team.tree, "UPDATE domains SET attributes = '{'")
    tampering.change_directory(
        team.tree, "UPDATE accounts SET quota = 'much' WHERE address LIKE 'alice%'"
    )
    found = team.verify()
    assert [(one.kind, one.what) for one in found.findings] == [
        ("unchecked", "domain"),
        ("unchecked", "account"),
    ]
    assert found.totals["there"] == 2
    assert not found.whole


def test_settings_that_differ_are_named_and_secrets_are_not_shown(team: Place) -> None:
    tampering.change_directory(
        team.tree, "UPDATE accounts SET password = 'hunter2', admin = 1 WHERE address LIKE 'bob%'"
    )
    found = team.verify()
    assert told(found) == [
        ("different", "account", "", "password differs; admin is yes instead of no")
    ]


def test_nothing_is_ever_written_to_the_destination(team: Place) -> None:
    (team.folder("alice") / "tmp" / "leftover").write_text("of a dead process")
    before = snapshot(team.tree)
    directories = {path: path.stat().st_mtime_ns for path in team.tree.rglob("*")}
    team.verify()
    assert snapshot(team.tree) == before
    assert {path: path.stat().st_mtime_ns for path in team.tree.rglob("*")} == directories


def test_a_verification_is_events_and_does_not_disturb_the_restore(team: Place) -> None:
    tampering.remove_message(team.folder("bob", ".Team"))
    number = team.verify().number
    with open_reader(team.journal) as reader:
        verified = [recorded.event for recorded in reader.read(types=[AccountVerified])]
        findings = [recorded.event for recorded in reader.read(types=[VerificationFinding])]
    counts = {
        one.address: (one.there, one.missing)
        for one in verified
        if isinstance(one, AccountVerified)
    }
    assert counts == {"alice@example.test": (1, 0), "bob@example.test": (0, 1)}
    assert findings == [
        VerificationFinding(number, "missing", "item", "1000", account=BOB, path=("Team",))
    ]
    assert check(team.journal) == []
    events = _head(team.journal)
    team.restore()
    assert _head(team.journal) == events


def _head(journal: Path) -> int:
    with open_reader(journal) as reader:
        return reader.head().position


def test_one_that_was_cut_off_goes_on_with_the_accounts_that_are_left(team: Place) -> None:
    stop = threading.Event()
    with pytest.raises(Interrupted):
        start_verification(
            team.journal, None, Request(concurrent_accounts=1), lambda _: stop.set(), stop
        )
    with open_reader(team.journal) as reader:
        (restore,) = reader.progress.restores()
        cut = last_verification(reader, restore.restore)
    assert cut is not None
    assert (cut.finished_at, cut.whole) == (None, None)
    done = [account.address for account in cut.accounts]
    heard: list[str] = []
    found = team.verify(Request(concurrent_accounts=1), heard)
    assert found.number == cut.number
    assert sorted([*done, *heard]) == ["alice@example.test", "bob@example.test"]
    assert len(found.accounts) == 2
    assert team.verify(Request()).number == cut.number + 1


def test_one_that_was_cut_off_is_not_gone_on_with_if_another_is_asked_for(team: Place) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        start_verification(team.journal, None, Request(), lambda _: None, stop)
    assert team.verify(DEEP).number == 2


def test_only_the_named_accounts_are_compared(team: Place) -> None:
    tampering.remove_message(team.folder("bob", ".Team"))
    assert team.verify(Request(accounts=("ALICE@example.test",))).whole
    found = team.verify(Request(accounts=("bob@example.test",)))
    assert [one.address for one in found.accounts] == ["bob@example.test"]
    with pytest.raises(UnknownAccounts, match=r"no account nobody@example\.test"):
        team.verify(Request(accounts=("nobody@example.test", "bob@example.test")))


def test_a_sample_looks_at_so_many_items_of_each_account(sample: Place) -> None:
    found = sample.verify(Request(deep=True, sample=3))
    assert found.whole
    assert {one.there for one in found.accounts} == {3}
    for path in (sample.folder("anna", domain="example.com")).rglob("cur/*"):
        path.unlink()
    assert sample.verify(Request(sample=3)).totals["missing"] in {1, 2, 3}


def test_without_the_backup_items_are_compared_with_the_journal(team: Place) -> None:
    shutil.rmtree(team.backup)
    assert team.verify().whole
    assert not team.verify().backup
    tampering.flag_message(team.folder("alice", ".Work"))
    assert team.verify().whole
    tampering.remove_message(team.folder("bob", ".Team"))
    assert told(team.verify()) == [("missing", "item", "Team", "")]


def test_what_a_newer_scan_has_changed_is_not_held_against_the_destination(team: Place) -> None:
    later = DAY + 60_000
    with BackupWriter(team.backup, clock=lambda: later, durable=False) as writer:
        content = b"Subject: restored 1001\r\n\r\nbody\r\n"
        writer.put_item(
            ALICE, "1001", content=content, folder="258", date=DAY, flags=Flag.SEEN, start=later
        )
        writer.put_item(ALICE, "1002", content=b"new\r\n", folder="258", date=later, start=later)
        writer.finish_scan(later)
    assert told(team.verify()) == []
    team.restore()
    found = team.verify()
    assert told(found) == []
    assert found.totals["there"] == 3


@pytest.fixture
def gone(team: Place) -> Iterator[Place]:
    """The tree is not where it was."""
    away = team.tree.with_name("away")
    team.tree.rename(away)
    yield team
    shutil.rmtree(away)


def test_a_destination_that_is_not_there_is_no_empty_one(gone: Place) -> None:
    with pytest.raises(DestinationError):
        gone.verify()
    assert not gone.tree.exists()


def test_another_tree_in_its_place_is_not_taken_for_it(gone: Place) -> None:
    other = Place(gone.backup, gone.tree, gone.journal.with_name("other.db"))
    other.restore()
    with pytest.raises(OtherDestination):
        gone.verify()


def test_while_another_process_writes_the_journal_is_in_use(team: Place) -> None:
    with open_journal(team.journal), pytest.raises(JournalInUse):
        team.verify()


def test_the_directory_is_compared_object_by_object(sample: Place) -> None:
    for statement in (
        "UPDATE domains SET max_accounts = 7 WHERE name = 'example.com'",
        "UPDATE classes_of_service SET quota = 1 WHERE name = 'staff'",
        "UPDATE lists SET display_name = 'x' WHERE address = 'everyone@example.com'",
        "DELETE FROM aliases WHERE alias = 'c.bianchi@mail.example.com'",
        "DELETE FROM list_members WHERE list = 'office@example.org' AND member LIKE 'farid%'",
        "UPDATE accounts SET status = 'closed' WHERE address = 'dieter@example.com'",
    ):
        tampering.change_directory(sample.tree, statement)
    found = {(one.what, one.name): one.detail for one in sample.verify(Request()).findings}
    names = {account.address: account.account for account in sample.verify(Request()).accounts}
    assert found == {
        ("domain", "example.com"): "max accounts is 7 instead of 50",
        ("class of service", "staff"): "quota is 1 instead of 536870912",
        ("list", "everyone@example.com"): "display name differs",
        ("list", "office@example.org"): "member farid@example.org is gone",
        ("account", names["chiara@example.com"]): "alias c.bianchi@mail.example.com is gone",
        ("account", names["dieter@example.com"]): "status is closed instead of active",
    }
