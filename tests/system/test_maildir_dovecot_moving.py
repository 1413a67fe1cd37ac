"""A real Dovecot shows what moved while it was serving: messages, mountpoints, scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from smtplib import SMTPDataError

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from contract.destination_contract import delivery, folder
from reinstate_service.destination.contract import AccessGrant
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.model import Account, Domain, Filters
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner

pytestmark = needs_dovecot

PASSWORD = "s3cret"
ALICE = "alice@example.test"
BOB = "bob.b@example.test"
TEAM = ("Team",)
SHARED = "shared/example.test/bob.b"
CREATING = 'require ["fileinto", "mailbox"];\nfileinto :create "{}";\n'
FILING = 'require ["fileinto"];\nfileinto "{}";\n'


@pytest.fixture
def tree() -> Iterator[Path]:
    """Where the destination lies."""
    with reachable_folder() as above:
        yield above / "mail"


@pytest.fixture
def destination(tree: Path) -> Iterator[MaildirDestination]:
    """Bob has shared his folder Team with alice."""
    opened = MaildirDestination(tree, owner=tree_owner())
    opened.put_domain(Domain(id="d1", name="example.test"))
    password = "{SHA}" + base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    for address in (ALICE, BOB):
        account = Account(id=address, address=address, password=password)
        opened.put_account(account)
        opened.configure_account(account, "", True)
    with opened.mailbox(BOB) as bob:
        bob.create_folder(TEAM, folder())
        bob.deliver([delivery("r1-1", TEAM, keywords=("his", "blue"))])
        bob.grant(TEAM, [AccessGrant(f"user:{ALICE}", "lrswipte")])
    yield opened
    opened.close()


@pytest.fixture
def in_place(destination: MaildirDestination, tree: Path) -> Iterator[MaildirDestination]:
    """The same, with symlinks as mountpoints."""
    assert destination.has_account(ALICE)
    opened = MaildirDestination(tree, mountpoints="symlink")
    yield opened
    opened.close()


@pytest.fixture
def server(destination: MaildirDestination, tree: Path) -> Iterator[Dovecot]:
    """The private Dovecot, which must have had nothing to complain of."""
    assert destination.has_account(BOB)
    with Dovecot(tree) as running:
        yield running
        complaints = re.findall(r".*(?:Error|Warning|Panic|Fatal):.*", running.log())
        assert complaints == []


@pytest.fixture
def racing(destination: MaildirDestination, tree: Path) -> Iterator[Dovecot]:
    """A private Dovecot that may complain of folders that go while it writes to them."""
    assert destination.has_account(BOB)
    with Dovecot(tree) as running:
        yield running


def accepted(server: Dovecot, message: bytes) -> bool:
    """Whether the server has taken a message to alice; if not for now, the MTA tries again."""
    try:
        server.lmtp("x@elsewhere.test", ALICE, message)
    except SMTPDataError as refused:
        if refused.smtp_code != 451:
            raise
        return False
    return True


def deliver(server: Dovecot, *subjects: str) -> None:
    """Sends messages to alice as the MTA would."""
    for subject in subjects:
        message = f"Subject: {subject}\r\n\r\nx\r\n".encode()
        while not accepted(server, message):
            pass


def shown(client: IMAPClient, name: str) -> dict[str, tuple[set[bytes], datetime]]:
    """Keywords, flags but for what each user has alone, and dates, by subject."""
    client.select_folder(name, readonly=True)
    fetched = client.fetch(client.search(), ["ENVELOPE", "FLAGS", "INTERNALDATE"])
    found = {
        data[b"ENVELOPE"].subject.decode(): (
            set(data[b"FLAGS"]) - {b"\\Recent", b"\\Seen"},
            data[b"INTERNALDATE"].astimezone(UTC),
        )
        for data in fetched.values()
    }
    assert len(found) == len(fetched), "a message is there twice"
    return found


def names(client: IMAPClient) -> set[str]:
    """Every folder that LIST tells."""
    return {name for _, _, name in client.list_folders()}


def subscribed(client: IMAPClient) -> set[str]:
    """Every folder that LSUB tells."""
    return {name for _, _, name in client.list_sub_folders()}


def test_what_dovecot_filed_into_a_stray_folder_moves_to_the_owner(
    server: Dovecot, destination: MaildirDestination
) -> None:
    """Rule 6 by the shared namespace, while both users are looking."""
    with destination.mailbox(ALICE) as alice:
        alice.install_filters(Filters(incoming=CREATING.format("Work/Team")))
    deliver(server, "one", "two")
    with server.imap(ALICE, PASSWORD) as client:
        client.select_folder("Work/Team")
        client.add_flags(client.search(["SUBJECT", "one"]), [b"\\Flagged", b"green", b"Blue"])
        client.subscribe_folder("Work/Team")
        before = shown(client, "Work/Team")
        before["three"] = (set(), datetime.now(UTC))
    deliver(server, "three")
    with server.imap(BOB, PASSWORD) as owner, server.imap(ALICE, PASSWORD) as grantee:
        owner.select_folder("Team")
        owner.add_flags([1], [b"later"])
        grantee.select_folder("Work/Team")
        with destination.mailbox(ALICE) as alice:
            moving = alice.item_names(("Work", "Team"))
            assert len(moving) == 3
            assert all(alice.relocate(("Work", "Team"), BOB, TEAM, moving))
            assert alice.remove_folder(("Work", "Team"))
            alice.mount(("Work", "Team"), BOB, TEAM)
            alice.replace_script("incoming", FILING.format(f"{SHARED}/Team"))
        owner.noop()
        assert len(owner.search()) == 4
        for client, name in ((owner, "Team"), (grantee, f"{SHARED}/Team")):
            found = shown(client, name)
            flags, date = before["one"]
            assert found["one"] == (flags - {b"Blue"} | {b"blue"}, date)
            assert found["two"] == before["two"]
            assert found["three"][0] == set()
            assert abs((found["three"][1] - before["three"][1]).total_seconds()) < 10
            assert found["x"][0] == {b"his", b"blue", b"later"}
        assert f"{SHARED}/Team" in subscribed(grantee)
        owner.select_folder("Team")
        owner.add_flags(owner.search(["SUBJECT", "two"]), [b"newest"])
        deliver(server, "four")
        assert shown(owner, "Team")["four"][0] == set()
        assert shown(grantee, f"{SHARED}/Team")["two"][0] == {b"newest"}
    with server.imap(ALICE, PASSWORD) as client:
        assert "Work/Team" not in names(client) | subscribed(client)


def test_a_replaced_script_is_used_by_the_very_next_delivery(
    server: Dovecot, destination: MaildirDestination
) -> None:
    targets = ["Archive", "Junk", "Trash", "Sent", "Archive", "Drafts", "Junk"]
    with destination.mailbox(ALICE) as alice:
        alice.install_filters(Filters(incoming="keep;"))
        deliver(server, "none")
        for number, target in enumerate(targets):
            alice.replace_script("incoming", FILING.format(target))
            deliver(server, str(number), f"again {number}")
    with server.imap(ALICE, PASSWORD) as client:
        found = {target: set(shown(client, target)) for target in set(targets)}
    for number, target in enumerate(targets):
        assert {str(number), f"again {number}"} <= found[target]


def test_a_symlink_shows_the_owners_folder_at_its_own_place(
    server: Dovecot, destination: MaildirDestination, in_place: MaildirDestination
) -> None:
    """Rule 6 in place: the script stays as it is."""
    with destination.mailbox(ALICE) as alice:
        alice.install_filters(Filters(incoming=CREATING.format("Work/Team")))
    deliver(server, "one")
    with server.imap(BOB, PASSWORD) as owner, server.imap(ALICE, PASSWORD) as grantee:
        grantee.select_folder("Work/Team")
        grantee.add_flags(grantee.search(), [b"green"])
        with in_place.mailbox(ALICE) as alice:
            path = ("Work", "Team")
            assert all(alice.relocate(path, BOB, TEAM, alice.item_names(path)))
            assert alice.remove_folder(path)
            alice.mount(path, BOB, TEAM)
        deliver(server, "two")
        assert {"Work/Team"} <= names(grantee) & subscribed(grantee)
        for client, name in ((grantee, "Work/Team"), (owner, "Team")):
            found = shown(client, name)
            assert set(found) == {"x", "one", "two"}
            assert found["one"][0] == {b"green"}
    with server.imap(BOB, PASSWORD) as owner, server.imap(ALICE, PASSWORD) as grantee:
        rights = grantee._imap.myrights('"Work/Team"')[1][0].decode().rsplit(" ", 1)[1]
        assert set(rights) <= set("lrswipted"), "neither create nor delete nor administer"
        with pytest.raises(IMAPClientError):
            grantee.delete_folder("Work/Team")
        grantee.select_folder("Work/Team")
        grantee.add_flags(grantee.search(["SUBJECT", "two"]), [b"\\Flagged"])
        assert shown(owner, "Team")["two"][0] == {b"\\Flagged"}
        with pytest.raises(IMAPClientError, match="NOPERM"):
            grantee.create_folder("Work/Team/Below")
    with in_place.mailbox(ALICE) as alice:
        assert [entry.path for entry in alice.folders() if entry.mounted] == [("Work", "Team")]
        assert list(alice.contents()) == []
    with destination.mailbox(BOB) as bob:
        assert len(list(bob.contents())) == 3


def test_the_owners_inbox_can_be_shown_in_both_ways(
    server: Dovecot, destination: MaildirDestination, in_place: MaildirDestination
) -> None:
    with destination.mailbox(BOB) as bob:
        bob.grant(("INBOX",), [AccessGrant(f"user:{ALICE}", "lrswip")])
    with destination.mailbox(ALICE) as alice:
        alice.deliver([delivery("r1-1", ("Stray",), b"Subject: strayed\r\n\r\nx\r\n")])
        assert alice.relocate(("Stray",), BOB, ("INBOX",), alice.item_names(("Stray",))) == [True]
        alice.mount(("Bob",), BOB, ("INBOX",))
        alice.install_filters(Filters(incoming=FILING.format(f"{SHARED}/INBOX")))
        deliver(server, "by its address")
        alice.replace_script("incoming", FILING.format("Bob"))
    with in_place.mailbox(ALICE) as alice:
        alice.mount(("Bob",), BOB, ("INBOX",))
    deliver(server, "in place")
    with server.imap(ALICE, PASSWORD) as grantee, server.imap(BOB, PASSWORD) as owner:
        assert {SHARED, "Bob"} <= names(grantee)
        assert {SHARED, "Bob"} <= subscribed(grantee)
        for client, name in (
            (grantee, SHARED),
            (grantee, f"{SHARED}/INBOX"),
            (grantee, "Bob"),
            (owner, "INBOX"),
        ):
            assert set(shown(client, name)) == {"strayed", "by its address", "in place"}


def test_a_mountpoint_that_dangles_harms_nothing_else(
    server: Dovecot, in_place: MaildirDestination, tree: Path
) -> None:
    with in_place.mailbox(ALICE) as alice:
        alice.mount(("M",), BOB, TEAM)
    with server.imap(BOB, PASSWORD) as owner:
        owner.delete_folder("Team")
    assert (tree / "example.test" / "alice" / "Maildir" / ".M").is_symlink()
    with server.imap(ALICE, PASSWORD) as client:
        assert {"INBOX", "Sent", "Trash"} <= names(client)
        with pytest.raises(IMAPClientError, match="doesn't exist"):
            client.select_folder("M")


def test_deleting_a_mountpoint_deletes_nothing_of_the_owners(
    server: Dovecot, destination: MaildirDestination, in_place: MaildirDestination
) -> None:
    with destination.mailbox(BOB) as bob:
        bob.grant(TEAM, [AccessGrant(f"user:{ALICE}", "lrswipkxte")])
    with in_place.mailbox(ALICE) as alice:
        alice.mount(("M",), BOB, TEAM)
    with server.imap(ALICE, PASSWORD) as client:
        client.rename_folder("M", "Renamed")
        assert set(shown(client, "Renamed")) == {"x"}
        client.unselect_folder()
        client.delete_folder("Renamed")
    with server.imap(ALICE, PASSWORD) as client:
        assert not {"M", "Renamed"} & names(client)
    with server.imap(BOB, PASSWORD) as owner:
        assert set(shown(owner, "Team")) == {"x"}


def test_no_delivery_is_lost_while_its_folder_is_emptied_and_removed(
    racing: Dovecot, destination: MaildirDestination
) -> None:
    """The filter makes the folder again and again; each message ends in one place."""
    with destination.mailbox(ALICE) as alice:
        alice.install_filters(Filters(incoming=CREATING.format("Stray")))
    subjects = [f"number {n}" for n in range(60)]
    with ThreadPoolExecutor() as threads, destination.mailbox(ALICE) as alice:
        sending = threads.submit(deliver, racing, *subjects)
        removed = 0
        while not sending.done():
            alice.relocate(("Stray",), BOB, TEAM, alice.item_names(("Stray",)))
            removed += alice.remove_folder(("Stray",))
        sending.result()
        alice.relocate(("Stray",), BOB, TEAM, alice.item_names(("Stray",)))
    assert removed > 1
    with racing.imap(ALICE, PASSWORD) as grantee:
        found = [*shown(grantee, f"{SHARED}/Team"), *shown(grantee, "INBOX")]
    assert sorted(found) == sorted(["x", *subjects])
