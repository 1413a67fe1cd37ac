"""A real Dovecot shows what was restored into a Maildir destination."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from imapclient.exceptions import (  # type: ignore[import-untyped]
    IMAPClientError,
    LoginError,
)

from contract.destination_contract import UNUSUAL_PATHS, delivery, folder
from reinstate_service.destination.contract import AccessGrant, Refused
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.model import (
    Account,
    ClassOfService,
    DistributionList,
    Domain,
    Filters,
    Flag,
    ItemType,
)
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner

pytestmark = needs_dovecot

MESSAGES = Path("/work/shared/data/messages")
DATE = 1_234_567_890_000
PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """Where the destination lies."""
    with reachable_folder() as above:
        yield above / "mail"


@pytest.fixture(scope="module")
def destination(tree: Path) -> Iterator[MaildirDestination]:
    """Two domains; alice, bob, carol; two lists, of which one is in the other."""
    opened = MaildirDestination(tree, owner=tree_owner())
    opened.put_domain(Domain(id="d1", name="example.test"))
    opened.configure_domain(Domain(id="d1", name="example.test", aliases=("alias.test",)))
    opened.put_domain(Domain(id="d2", name="second.test"))
    opened.put_class_of_service(ClassOfService(id="c1", name="gold", quota=40_000_000))
    for address, aliases, status in (
        ("alice@example.test", ("al@example.test",), "active"),
        ("bob.b@example.test", (), "active"),
        ("carol@second.test", (), "active"),
        ("gone@example.test", (), "locked"),
    ):
        account = Account(
            id=address,
            address=address,
            password=_ssha(PASSWORD),
            aliases=aliases,
            status=status,
        )
        opened.put_account(account)
        opened.configure_account(account, "gold" if "carol" in address else "", True)
    opened.set_quota("alice@example.test", 50_000_000)
    for address, member in (
        ("inner@example.test", "carol@second.test"),
        ("outer@example.test", "inner@example.test"),
    ):
        members = DistributionList(id=address, address=address, members=(member,))
        opened.put_list(members)
        opened.configure_list(members, True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(destination: MaildirDestination, tree: Path) -> Iterator[Dovecot]:
    """The private Dovecot."""
    assert destination.has_domain("example.test")
    with Dovecot(tree) as running:
        yield running


def _ssha(password: str) -> str:

    salt = b"saltsalt"
    return (
        "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()
    )


def test_logins_work_with_the_hashes_of_the_backup(server: Dovecot) -> None:
    for name in ("alice@example.test", "Al@Example.test", "alice@alias.test"):
        with server.imap(name, PASSWORD) as client:
            assert client.folder_exists("INBOX")
    with pytest.raises(LoginError):
        server.imap("alice@example.test", "wrong")


def test_an_unusual_address_logs_in_and_receives(
    server: Dovecot, destination: MaildirDestination
) -> None:
    address = "o'brien&y=z@example.test"
    account = Account(id="o", address=address, password=_ssha(PASSWORD))
    destination.put_account(account)
    destination.configure_account(account, "", True)
    server.lmtp("x@elsewhere.test", address, b"Subject: x\r\n\r\nx\r\n")
    with server.imap(address, PASSWORD) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_a_locked_account_cannot_log_in_but_receives(
    server: Dovecot, destination: MaildirDestination
) -> None:
    with pytest.raises(LoginError):
        server.imap("gone@example.test", PASSWORD)
    server.lmtp("x@elsewhere.test", "gone@example.test", b"Subject: late\r\n\r\nx\r\n")
    with destination.mailbox("gone@example.test") as mailbox:
        assert len(list(mailbox.contents())) == 1


def test_system_folders_are_there_subscribed_and_have_their_use(server: Dovecot) -> None:
    with server.imap("alice@example.test", PASSWORD) as client:
        uses = {name: flags for flags, _, name in client.list_folders()}
        subscribed = {name for _, _, name in client.list_sub_folders()}
    for name in ("Sent", "Drafts", "Trash", "Junk", "Archive"):
        assert b"\\" + name.encode() in uses[name]
        assert name in subscribed
    assert "INBOX" in subscribed


def test_messages_read_back_byte_for_byte(server: Dovecot, destination: MaildirDestination) -> None:
    """Up to the CRLF that IMAP demands (RFC 9051 §2.2)."""
    if not MESSAGES.is_dir():
        pytest.skip(f"there are no sample messages in {MESSAGES}")
    contents = [path.read_bytes() for path in sorted(MESSAGES.glob("*.eml"))]
    batch = [
        delivery(f"r1-{n}", ("Samples", "Größe"), content, date=DATE + n * 1000)
        for n, content in enumerate(contents)
    ]
    with destination.mailbox("alice@example.test") as mailbox:
        assert all(answer.error is None for answer in mailbox.deliver(batch))
        assert all(answer.found for answer in mailbox.deliver(batch))
    with server.imap("alice@example.test", PASSWORD) as client:
        client.select_folder("Samples/Größe", readonly=True)
        fetched = client.fetch(client.search(), ["BODY.PEEK[]", "INTERNALDATE"])
    shown = {data[b"INTERNALDATE"].astimezone(UTC): data[b"BODY[]"] for data in fetched.values()}
    assert len(fetched) == len(contents)
    for n, content in enumerate(contents):
        moment = datetime.fromtimestamp(DATE // 1000 + n, UTC)
        assert shown[moment] == _crlf(content)


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_flags_keywords_and_dates_show(server: Dovecot, destination: MaildirDestination) -> None:
    system = Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT | Flag.DELETED
    with destination.mailbox("alice@example.test") as mailbox:
        mailbox.deliver(
            [
                delivery("r1-1", ("Flags",), keywords=("$Label1", "blue"), flags=system),
                delivery("r1-2", ("Flags",), flags=Flag.FORWARDED | Flag.MDN_SENT, date=DATE),
                delivery("r1-3", ("Flags",), date=-5_000),
            ]
        )
    with server.imap("alice@example.test", PASSWORD) as client:
        client.select_folder("Flags")
        found = client.fetch(client.search(), ["FLAGS", "INTERNALDATE"])
        flags = [set(data[b"FLAGS"]) - {b"\\Recent"} for data in found.values()]
        everything = {b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Draft", b"\\Deleted"}
        assert everything | {b"$Label1", b"blue"} in flags
        assert {b"$Forwarded", b"$MDNSent"} in flags
        assert set() in flags
        dates = {data[b"INTERNALDATE"].astimezone(UTC) for data in found.values()}
        assert datetime.fromtimestamp(DATE // 1000, UTC) in dates
        assert datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC) in dates
        client.add_flags(client.search(), [b"later"])
    with destination.mailbox("alice@example.test") as mailbox:
        mailbox.deliver([delivery("r1-4", ("Flags",), keywords=("newer",))])
        kept = {item.name: item for item in mailbox.contents() if item.path == ("Flags",)}
    assert kept["r1-1"].keywords == ("$Label1", "blue", "later")
    assert kept["r1-2"].flags == Flag.FORWARDED | Flag.MDN_SENT
    assert kept["r1-4"].keywords == ("newer",)
    with server.imap("alice@example.test", PASSWORD) as client:
        client.select_folder("Flags")
        assert len(client.search(["KEYWORD", "newer"])) == 1


def test_unusual_folder_names_show_as_they_are(
    server: Dovecot, destination: MaildirDestination
) -> None:
    with destination.mailbox("bob.b@example.test") as mailbox:
        for path in UNUSUAL_PATHS:
            mailbox.create_folder(path, folder())
            mailbox.deliver([delivery("r1-1", path)])
    with server.imap("bob.b@example.test", PASSWORD) as client:
        listed = {name for _, _, name in client.list_folders()}
        subscribed = {name for _, _, name in client.list_sub_folders()}
        for path in UNUSUAL_PATHS:
            name = "/".join(path)
            assert name in listed
            assert name in subscribed
            assert client.select_folder(name, readonly=True)[b"EXISTS"] == 1
        client.create_folder("made/by.Dovecot ~ü")
    with destination.mailbox("bob.b@example.test") as mailbox:
        assert ("made", "by.Dovecot ~ü") in {entry.path for entry in mailbox.folders()}
        assert not mailbox.create_folder(("made", "by.Dovecot ~ü"), folder())


@pytest.mark.parametrize(
    "grantee",
    [
        "user:carol@second.test",
        "group:inner@example.test",
        "group:outer@example.test",
        "group:@second.test",
        "authenticated",
        "anyone",
    ],
)
def test_a_granted_folder_shows_to_whom_it_was_granted(
    server: Dovecot, destination: MaildirDestination, grantee: str
) -> None:
    """Also when the server has looked at the owner's grants before."""
    name = f"By {grantee.replace('@', ' at ').replace(':', ' ')} v1.0"
    with destination.mailbox("bob.b@example.test") as mailbox:
        mailbox.create_folder((name, "Sub"), folder())
        mailbox.deliver([delivery("r1-1", (name, "Sub"))])
        mailbox.grant((name, "Sub"), [AccessGrant(grantee, "lrwst")])
    path = ("shared", "example.test", "bob.b", name, "Sub")
    with destination.mailbox("carol@second.test") as mailbox:
        mailbox.subscribe(path)
    with server.imap("carol@second.test", PASSWORD) as client:
        shown = "/".join(path)
        assert shown in {listed for _, _, listed in client.list_folders()}
        assert shown in {listed for _, _, listed in client.list_sub_folders()}
        assert client.select_folder(shown)[b"EXISTS"] == 1
        with pytest.raises(IMAPClientError):
            client.create_folder(f"{shown}/Below")
    with server.imap("bob.b@example.test", PASSWORD) as client:
        rights = client._imap.myrights(f'"{name}/Sub"')
        assert set("lrwstipekxa") <= set(rights[1][0].decode().rsplit(" ", 1)[1])


def test_a_folder_that_was_not_granted_does_not_show(
    server: Dovecot, destination: MaildirDestination
) -> None:
    with destination.mailbox("bob.b@example.test") as mailbox:
        mailbox.create_folder(("Private",), folder())
        mailbox.grant(("Private",), [AccessGrant("group:outer@example.test", "lr")])
    with server.imap("alice@example.test", PASSWORD) as client:
        assert "shared/example.test/bob.b/Private" not in {
            name for _, _, name in client.list_folders()
        }


def test_quotas_show(server: Dovecot, destination: MaildirDestination) -> None:
    for address, limit in (
        ("alice@example.test", 50_000_000),
        ("carol@second.test", 40_000_000),
    ):
        with server.imap(address, PASSWORD) as client:
            (quota,) = client.get_quota("INBOX")
            assert (quota.resource, quota.limit) == ("STORAGE", -(-limit // 1024))
    destination.set_quota("alice@example.test", 0)
    with server.imap("alice@example.test", PASSWORD) as client:
        assert b"STORAGE" not in client._imap.getquotaroot("INBOX")[1][1]
    destination.set_quota("alice@example.test", 50_000_000)


def test_filters_run_in_their_order_and_compile(
    server: Dovecot, destination: MaildirDestination, tree: Path
) -> None:
    filters = Filters(
        incoming='require "fileinto";\nif header :contains "subject" "user" {fileinto "Archive";}',
        before='require "fileinto";\nif header :contains "subject" "admin" {fileinto "Junk";stop;}',
    )
    with destination.mailbox("carol@second.test") as mailbox:
        mailbox.install_filters(filters)
    scripts = tree / "second.test" / "carol" / "sieve"
    sievec = shutil.which("sievec")
    assert sievec, "needs dovecot-sieve"
    for script in scripts.glob("*.sieve"):
        subprocess.run([sievec, str(script), str(tree.parent / "compiled")], check=True)
    for subject in (b"user", b"admin user", b"none"):
        message = b"Subject: " + subject + b"\r\n\r\nx\r\n"
        server.lmtp("x@elsewhere.test", "carol@second.test", message)
    with server.imap("carol@second.test", PASSWORD) as client:
        found = [
            client.select_folder(name, readonly=True)[b"EXISTS"]
            for name in ("Archive", "Junk", "INBOX")
        ]
    assert found == [1, 1, 1]


def test_a_script_that_the_user_activated_stays_active(
    destination: MaildirDestination, tree: Path
) -> None:
    home = tree / "example.test" / "alice"
    (home / "sieve" / "mine.sieve").write_text("keep;")
    (home / ".dovecot.sieve").symlink_to("sieve/mine.sieve")
    with destination.mailbox("alice@example.test") as mailbox, pytest.raises(Refused):
        mailbox.install_filters(Filters(incoming="discard;"))
    assert (home / ".dovecot.sieve").resolve().name == "mine.sieve"
    assert (home / "sieve" / "incoming.sieve").read_text() == "discard;"


def test_mail_that_arrives_while_items_are_delivered_is_kept(
    server: Dovecot, destination: MaildirDestination
) -> None:
    with destination.mailbox("carol@second.test") as mailbox:
        mailbox.deliver([delivery(f"r1-{n}", ("INBOX",)) for n in range(20)])
        with server.imap("carol@second.test", PASSWORD) as client:
            before = client.select_folder("INBOX")[b"EXISTS"]
            server.lmtp("x@elsewhere.test", "carol@second.test", b"Subject: new\r\n\r\nx\r\n")
            mailbox.deliver([delivery(f"r1-{n}", ("INBOX",)) for n in range(40)])
            client.add_flags(client.search(), [b"\\Seen"])
            assert client.select_folder("INBOX")[b"EXISTS"] == before + 21
        assert all(
            answer.found
            for answer in mailbox.deliver([delivery(f"r1-{n}", ("INBOX",)) for n in range(40)])
        )


def test_a_collection_is_no_mailbox(server: Dovecot, destination: MaildirDestination) -> None:
    with destination.mailbox("alice@example.test") as mailbox:
        mailbox.create_folder(("Contacts",), folder(ItemType.CONTACT))
        mailbox.deliver([delivery("r1-1", ("Contacts",), b"BEGIN:VCARD", type=ItemType.CONTACT)])
    with server.imap("alice@example.test", PASSWORD) as client:
        assert "Contacts" not in {name for _, _, name in client.list_folders()}
