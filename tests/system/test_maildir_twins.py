"""What a real Dovecot does to one of two messages that are names of one file leaves the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.destination_contract import DATE, delivery
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.model import Account, Domain
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner

pytestmark = needs_dovecot

ALICE, BOB = "alice@example.test", "bob@example.test"
SAME = b"Subject: to everybody\r\n\r\n" + b"the same\r\n" * 50


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """Both have the same message, in one file."""
    with reachable_folder() as folder:
        tree = folder / "mail"
        destination = MaildirDestination(tree, owner=tree_owner(), dedupe="link")
        destination.put_domain(Domain(id="d", name="example.test"))
        for number, address in enumerate((ALICE, BOB)):
            account = Account(id=str(number), address=address, password="{PLAIN}secret")
            destination.put_account(account)
            destination.configure_account(account, "", False)
            with destination.mailbox(address) as mailbox:
                mailbox.deliver([delivery(f"r{number}", content=SAME)])
        destination.close()
        assert len({file.stat().st_ino for file in _files(tree)}) == 1
        with Dovecot(tree) as running:
            yield running


def _files(tree: Path) -> list[Path]:
    return sorted(tree.glob("example.test/*/Maildir/**/cur/*"))


def test_flags_copies_and_moves_of_one_are_no_matter_of_the_other(server: Dovecot) -> None:
    before = [file for file in _files(server.tree) if "/bob/" in str(file)]
    written = before[0].stat()
    with server.imap(ALICE, "secret") as client:
        client.select_folder("INBOX")
        (uid,) = client.search()
        client.add_flags([uid], [b"\\Seen", b"$Label1"])
        client.copy([uid], "Sent")
        client.move([uid], "Trash")
        for name in ("Sent", "Trash"):
            client.select_folder(name)
            (found,) = client.fetch(client.search(), ["BODY.PEEK[]", "INTERNALDATE"]).values()
            assert found[b"BODY[]"] == SAME
            assert found[b"INTERNALDATE"].timestamp() == DATE // 1000
    assert [file for file in _files(server.tree) if "/bob/" in str(file)] == before
    assert before[0].read_bytes() == SAME
    assert before[0].stat().st_mtime_ns == written.st_mtime_ns


def test_an_expunge_removes_one_name(server: Dovecot) -> None:
    with server.imap(ALICE, "secret") as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()
        assert client.search() == []
    server.doveadm("force-resync", "-u", BOB, "*")
    with server.imap(BOB, "secret") as client:
        client.select_folder("INBOX")
        (found,) = client.fetch(client.search(), ["BODY.PEEK[]", "FLAGS"]).values()
    assert found[b"BODY[]"] == SAME
    assert b"\\Deleted" not in found[b"FLAGS"]
    assert [file.stat().st_nlink for file in _files(server.tree)] == [1]
