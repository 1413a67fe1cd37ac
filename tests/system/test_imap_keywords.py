"""Flags and keywords that a live server has no place for: the message is there without them, and
that is told once for a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.destination_contract import delivery, folder
from reinstate_journal import open_reader
from reinstate_journal.events import ItemRestored, KeywordsLeftOut
from reinstate_service.destination.contract import Delivered
from reinstate_service.model import Account, Domain, Flag, Folder, Role
from reinstate_service.operations.report import make_report
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here, run
from system.cyrus import ADMIN, needs_cyrus
from system.dovecot import needs_dovecot
from system.live import WORD, LiveDovecot, live_server
from system.live_cyrus import LiveCyrus, live_cyrus
from team import ALICE, DAY

ADDRESS = "alice@example.test"
WORK = ("Work",)
#: Dovecot takes keywords of 50 bytes; an atom has three for each byte that is not ASCII.
LONG = "\u0412\u0430\u0436\u043d\u044b\u0435 \u043a\u043b\u0438\u0435\u043d\u0442\u044b"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[LiveDovecot]:
    with live_server([ADDRESS]) as live:
        yield live


@pytest.fixture(scope="module")
def cyrus() -> Iterator[LiveCyrus]:
    with live_cyrus([ADDRESS]) as live:
        yield live


def write_backup(path: Path) -> None:
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        writer.put_account(Account(ALICE, ADDRESS))
        writer.put_folder(ALICE, Folder("2", "", "Inbox", role=Role.INBOX))
        writer.put_folder(ALICE, Folder("258", "", "Work"))
        for number in range(1000, 1009):
            writer.put_item(
                ALICE,
                str(number),
                content=b"Subject: %d\r\n\r\nx\r\n" % number,
                folder="258" if number % 3 else "2",
                tags=("todo", LONG) if number % 2 else ("todo",),
                flags=Flag.SEEN | Flag.FLAGGED,
                date=DAY,
            )
        writer.finish_scan(DAY)


@needs_dovecot
def test_a_keyword_that_is_too_long_for_the_server_costs_no_message(dovecot: LiveDovecot) -> None:
    dovecot.empty()
    long, longer = "k" * 51, "K" * 60
    batch = [
        delivery("1", WORK, keywords=("todo",)),
        delivery("2", WORK, keywords=(long, "a[b", longer), flags=Flag.FORWARDED | Flag.SEEN),
        delivery("3", WORK, keywords=("fine", long)),
    ]
    with dovecot.destination().mailbox(ADDRESS) as mailbox:
        assert mailbox.deliver(batch) == [
            Delivered(),
            Delivered(unrepresented=(longer, long)),
            Delivered(unrepresented=(long,)),
        ]
        found = [(one.flags, one.keywords) for one in mailbox.contents()]
    assert found == [
        (Flag(0), ("todo",)),
        (Flag.FORWARDED | Flag.SEEN, ("a[b",)),
        (Flag(0), ("fine",)),
    ]


@needs_dovecot
def test_a_tag_without_a_place_is_told_once_for_each_folder(
    dovecot: LiveDovecot, tmp_path: Path
) -> None:
    dovecot.empty()
    write_backup(tmp_path / "backup")
    journal = tmp_path / "r.db"
    restore_here(journal, dovecot.options(tmp_path / "backup"))
    with open_reader(journal) as reader:
        told = [one.event for one in reader.read() if isinstance(one.event, KeywordsLeftOut)]
        restored = [one.event for one in reader.read() if isinstance(one.event, ItemRestored)]
        report = make_report(reader)
    assert sorted(one.folder for one in told) == ["2", "258"]
    assert len(restored) == 9
    assert sum(bool(one.unrepresented) for one in restored) == 4
    assert [(one.path, one.tags) for one in report.keyword_notes] == [
        (("INBOX",), (LONG,)),
        (WORK, (LONG,)),
    ]
    assert report.whole
    assert f"Work: {LONG}" in run("report", "--journal", journal)
    assert "= 9 there + 0 changed since" in run("verify", "--journal", journal)


@needs_cyrus
def test_a_mailbox_that_keeps_only_some_flags_is_restored_to_without_the_others(
    cyrus: LiveCyrus, tmp_path: Path
) -> None:
    """Where its owner has no right `w`, a server drops them without a word."""
    cyrus.empty()
    with cyrus.cyrus.imap(ADMIN, WORD, ADDRESS) as client:
        client.create_folder("Work")
        client.setacl("Work", "alice", "lrsipkxtea")
    write_backup(tmp_path / "backup")
    journal = tmp_path / "r.db"
    restore_here(journal, cyrus.options(tmp_path / "backup"))
    with open_reader(journal) as reader:
        (note,) = make_report(reader).keyword_notes
    assert note.path == WORK
    assert {*note.tags} == {"todo", LONG, "\\Flagged"}
    assert "= 9 there + 0 changed since" in run("verify", "--journal", journal)


@needs_cyrus
def test_a_mailbox_that_is_full_of_keywords_costs_no_message(cyrus: LiveCyrus) -> None:
    cyrus.empty()
    with cyrus.destination().mailbox(ADDRESS) as mailbox:
        mailbox.create_folder(WORK, folder())
        full = [delivery(f"f{n}", WORK, keywords=(f"word{n}",)) for n in range(100)]
        assert mailbox.deliver(full) == [Delivered()] * 100
        answers = mailbox.deliver(
            [
                delivery("1", WORK, keywords=("word7", "another", "one")),
                delivery("2", WORK, keywords=("word8",)),
            ]
        )
        assert answers == [Delivered(unrepresented=("another", "one")), Delivered()]
        found = [one.keywords for one in mailbox.contents()][100:]
    assert found == [("word7",), ("word8",)]
