"""A live Cyrus IMAP: who logs in, who sees what, what is full, and what a kill leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient.exceptions import IMAPClientError

from contract.destination_contract import delivery, folder
from crash.stage import Death
from crash.test_fence import must_be_whole, restore, write_backup
from reinstate_journal.crashpoints import At, Point
from reinstate_service.destination.contract import AccessGrant, Delivered, Refused
from reinstate_service.destination.imap.errors import NoInbox, NotTrusted, OverQuota
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account, Filters, Role
from reinstate_service.model import Path as FolderPath
from system.cyrus import ADMIN, PROXY, needs_cyrus
from system.live import WORD
from system.live_cyrus import LiveCyrus, live_cyrus

pytestmark = needs_cyrus

ALICE, BOB, DAVE = "alice@example.test", "bob@example.test", "dave@example.test"
CAROL, NAMESAKE = "carol@other.test", "carol@example.test"
TEAM: FolderPath = ("TeamX",)


@pytest.fixture(scope="module")
def live() -> Iterator[LiveCyrus]:
    with live_cyrus([ALICE, BOB, CAROL, NAMESAKE]) as server:
        write_backup(server.folder / "backup")
        yield server


@pytest.fixture
def empty(live: LiveCyrus) -> LiveCyrus:
    live.empty()
    live.configure()
    return live


@pytest.mark.parametrize("user", [ADMIN, PROXY])
def test_who_may_be_anybody_logs_in_on_an_accounts_behalf(empty: LiveCyrus, user: str) -> None:
    empty.configure(login={"method": "authzid", "user": user})
    destination = empty.destination()
    for address in (ALICE, CAROL):
        assert destination.has_account(address)
        with destination.mailbox(address) as mailbox:
            assert {one.role for one in mailbox.folders()} == {*destination.namespace().roles}
            assert mailbox.install_filters(Filters(incoming="keep;")) == ["incoming"]


@pytest.mark.parametrize("user", [ADMIN, PROXY])
def test_who_may_be_anybody_is_nobody_that_is_not_there(empty: LiveCyrus, user: str) -> None:
    empty.configure(login={"method": "authzid", "user": user})
    nobody = "nobody@example.test"
    with empty.cyrus.imap(user, WORD, nobody) as client:
        assert client.noop()
    destination = empty.destination()
    assert not destination.has_account(nobody)
    with pytest.raises(NoInbox, match="no such account"):
        destination.put_account(Account("x", nobody))


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_it_is_reached_by_tls_and_starttls_with_a_ca_of_ones_own(
    empty: LiveCyrus, scheme: str
) -> None:
    cyrus = empty.cyrus
    at = cyrus.imaps_port if scheme == "imaps" else cyrus.imap_port
    location = f"{scheme}://127.0.0.1:{at}"
    empty.configure(tls="required")
    with pytest.raises(NotTrusted, match="certificate"):
        open_destination(location, config=str(empty.config)).has_account(ALICE)
    empty.configure(tls="required", ca_file=str(cyrus.ca))
    destination = open_destination(location, config=str(empty.config))
    with destination.mailbox(ALICE) as mailbox:
        assert mailbox.deliver([delivery("1")]) == [Delivered()]
        assert mailbox.install_filters(Filters(incoming="keep;")) == ["incoming"]


def test_a_missing_system_folder_is_made_for_its_use(empty: LiveCyrus) -> None:
    with empty.cyrus.imap(ADMIN, WORD) as client:
        client.create_folder(f"user/{DAVE}")
    with empty.cyrus.imap(ADMIN, WORD, DAVE) as client:
        client._imap.create("Bin (USE (\\Trash))")
    with empty.destination().mailbox(DAVE) as mailbox:
        for name in ("Sent", "Trash", "Work"):
            assert mailbox.create_folder((name,), folder())
        roles = {one.path[0]: one.role for one in mailbox.folders()}
    empty.cyrus.delete_accounts([DAVE])
    assert roles == {
        "INBOX": Role.INBOX,
        "Bin": Role.TRASH,
        "Sent": Role.SENT,
        "Trash": None,
        "Work": None,
    }


def test_a_grant_is_written_as_the_server_writes_it_and_has_its_effect(empty: LiveCyrus) -> None:
    """Whoever grants to `alice@example.test` in the default domain grants to nobody."""
    destination = empty.destination()
    grants = [AccessGrant(f"user:{one}", "lrswipkxte") for one in (ALICE, CAROL)]
    with destination.mailbox(BOB) as bob:
        bob.create_folder(TEAM, folder())
        assert bob.grant(TEAM, grants) == {}
        assert {one.grantee for one in bob.grants(TEAM)} == {f"user:{ALICE}", f"user:{CAROL}"}
        bob.deliver([delivery("1", TEAM)])
    with empty.cyrus.imap(ADMIN, WORD, BOB) as client:
        written = {who for who, _ in client.getacl("TeamX")}
    assert written == {b"bob", b"alice", b"carol@other.test"}
    with destination.mailbox(ALICE) as alice:
        alice.mount(TEAM, BOB, TEAM)
    with empty.cyrus.imap(ADMIN, WORD, ALICE) as client:
        assert [name for _, _, name in client.list_sub_folders()] == ["Other Users/bob/TeamX"]
        assert client.select_folder("Other Users/bob/TeamX")[b"EXISTS"] == 1
    with empty.cyrus.imap(ADMIN, WORD, CAROL) as client, pytest.raises(IMAPClientError):
        client.select_folder("Other Users/bob/TeamX")


def test_what_is_of_another_domain_is_not_mounted(empty: LiveCyrus) -> None:
    """There, `Other Users/carol` is somebody else."""
    destination = empty.destination()
    for address in (CAROL, NAMESAKE):
        with destination.mailbox(address) as carol:
            carol.create_folder(TEAM, folder())
            carol.grant(TEAM, [AccessGrant(f"user:{ALICE}", "lrswipkxte")])
    with destination.mailbox(ALICE) as alice:
        alice.deliver([delivery("1", ("Stray",))])
        names = alice.item_names(("Stray",))
        with pytest.raises(Refused, match="another domain"):
            alice.mount(TEAM, CAROL, TEAM)
        with pytest.raises(Refused, match="another domain"):
            alice.relocate(("Stray",), CAROL, TEAM, names)
        alice.mount(TEAM, NAMESAKE, TEAM)
        assert list(alice.relocate(("Stray",), NAMESAKE, TEAM, names)) == [True]


def test_a_quota_that_is_used_up_in_the_middle_of_a_batch_fails_single_items(
    empty: LiveCyrus,
) -> None:
    empty.cyrus.set_quota(ALICE, 100)
    destination = empty.destination()
    content = b"Subject: x\r\n\r\n" + b"x" * 9_986 + b"\r\n"
    batch = [delivery(str(n), TEAM, content) for n in range(15)]
    with destination.mailbox(ALICE) as mailbox:
        answers = mailbox.deliver([*batch, delivery("small")])
        refused = [one.error for one in answers if one.error is not None]
        assert [type(one) for one in refused] == [OverQuota] * 5
        assert answers[-1].error is None
        assert len(list(mailbox.contents())) == 11
    empty.cyrus.set_quota(ALICE, 1000)
    with destination.mailbox(ALICE) as mailbox:
        answers = mailbox.deliver(batch[10:])
        assert [one.error for one in answers] == [None] * 5


def test_an_administrator_lifts_a_quota_and_puts_it_back(empty: LiveCyrus) -> None:
    empty.cyrus.set_quota(ALICE, 100)
    destination = empty.destination()
    assert destination.quota(ALICE) == 100 * 1024
    assert destination.room(ALICE) is None
    destination.set_quota(ALICE, 0)
    assert destination.quota(ALICE) == 0
    with destination.mailbox(ALICE) as mailbox:
        (answer,) = mailbox.deliver([delivery("1", TEAM, b"Subject: x\r\n\r\n" + b"x" * 200_000)])
        assert answer.error is None
    destination.set_quota(ALICE, 100 * 1024)
    assert destination.quota(ALICE) == 100 * 1024
    destination.set_quota(ALICE, 0)


def test_who_is_no_administrator_leaves_quotas_alone(empty: LiveCyrus) -> None:
    empty.cyrus.set_quota(ALICE, 100)
    empty.configure({"method": "authzid", "user": PROXY})
    destination = empty.destination()
    assert destination.quota(ALICE) == 0
    assert destination.room(ALICE) == 100 * 1024
    with pytest.raises(Refused):
        destination.set_quota(ALICE, 200 * 1024)


def test_a_script_files_through_a_mountpoint(empty: LiveCyrus) -> None:
    destination = empty.destination()
    with destination.mailbox(BOB) as bob:
        bob.create_folder(TEAM, folder())
        bob.grant(TEAM, [AccessGrant(f"user:{ALICE}", "lrswipkxte")])
    with destination.mailbox(ALICE) as alice:
        script = 'require "fileinto";\r\nfileinto "Other Users/bob/TeamX";\r\n'
        assert alice.install_filters(Filters(incoming=script)) == ["incoming"]
        assert alice.scripts() == {"incoming": script}
        with pytest.raises(Refused, match="line 1"):
            alice.install_filters(Filters(incoming="no sieve at all"))
    message = b"Message-ID: <1@x>\r\nSubject: x\r\n\r\nbody\r\n"
    empty.cyrus.lmtp("x@elsewhere.test", ALICE, message)
    lying = []
    for address in (ALICE, BOB):
        with destination.mailbox(address) as mailbox:
            lying += [(address, item.path) for item in mailbox.contents()]
    assert lying == [(BOB, TEAM)]


@pytest.mark.parametrize("point", [At.DELIVERY_SENT, At.DELIVERY_STORED], ids=lambda one: one.name)
def test_a_restore_that_dies_between_intent_and_outcome_ends_with_everything_there_once(
    empty: LiveCyrus, tmp_path: Path, point: Point
) -> None:
    journal = tmp_path / "reinstate.db"
    restore(empty, journal, Death(point.name, 2))
    restore(empty, journal)
    must_be_whole(empty, journal)
