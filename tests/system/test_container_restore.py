"""Container restore end to end on real servers, Dovecot with Pigeonhole and Cyrus: rules 2, 6, 7
and 8, into the tree that Dovecot serves and, by their own protocols, onto both live.

The restore stops after phase 2, mail arrives and the real Sieve scripts file it, the
restore goes on with phase 3, and mail arrives again.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from imapclient import IMAPClient

from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_service.operations.container_map import make_account_map
from reinstate_service.operations.session import start_verification
from reinstate_service.operations.verification import last_verification
from reinstate_service.restore.options import Options
from reinstate_service.restore.verification.verify import Request
from running import restore_here
from system.cyrus import ADMIN, needs_cyrus
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from system.live import WORD, LiveServer, live_server
from system.live_cyrus import LiveCyrus, live_cyrus
from team import BOB, SCRIPT, SECRET, restore_until_phase_3, write_backup

ACCOUNTS = ("alice@example.test", "bob@example.test")


class Served(Protocol):
    """A server that alice and bob log in to. `shared` leads what bob shows to alice."""

    shared: str

    def imap(self, address: str) -> IMAPClient:
        """A client that is logged in."""

    def deliver(self, message: bytes) -> None:
        """Delivers to alice as the MTA would."""

    def script(self) -> str:
        """What alice's filter says."""

    def replace_script(self, text: str) -> None:
        """Writes it as alice would."""


class OnDovecot:
    """A Dovecot over the tree in `folder`."""

    shared = "shared/example.test/bob/"

    def __init__(self, dovecot: Dovecot, folder: Path) -> None:
        self._dovecot = dovecot
        self._script = folder / "mail/example.test/alice/.dovecot.sieve"

    def imap(self, address: str) -> IMAPClient:
        return self._dovecot.imap(address, SECRET)

    def deliver(self, message: bytes) -> None:
        self._dovecot.lmtp("x@elsewhere.test", "alice@example.test", message)

    def script(self) -> str:
        return self._script.read_text()

    def replace_script(self, text: str) -> None:
        self._script.resolve().write_text(text)


class OnCyrus:
    """A live Cyrus."""

    shared = "Other Users/bob/"

    def __init__(self, live: LiveCyrus) -> None:
        self._live = live

    def imap(self, address: str) -> IMAPClient:
        return self._live.cyrus.imap(ADMIN, WORD, address)

    def deliver(self, message: bytes) -> None:
        self._live.cyrus.lmtp("x@elsewhere.test", "alice@example.test", message)

    def script(self) -> str:
        with self._live.destination().mailbox("alice@example.test") as mailbox:
            return mailbox.scripts()["incoming"]

    def replace_script(self, text: str) -> None:
        with self._live.destination().mailbox("alice@example.test") as mailbox:
            mailbox.replace_script("incoming", text)


class Between(NamedTuple):
    """A restore between phase 2 and phase 3, and the server that it goes to."""

    folder: Path
    options: Options
    journal: Path
    server: Served

    def deliver(self, subject: str) -> None:
        message = f"From: x@elsewhere.test\r\nSubject: {subject}\r\n\r\n{subject}\r\n"
        self.server.deliver(message.encode())

    def finish(self, *differences: tuple[str, str, str]) -> None:
        """Phase 3; a verification finds these differences and no others."""
        restore_here(self.journal, self.options)
        assert check(self.journal) == []
        assert self.differences() == [*differences]

    def differences(self) -> list[tuple[str, str, str]]:
        """What a verification finds that is not as it was restored."""
        request = Request(deep=True)
        restore, _ = start_verification(
            self.journal, None, request, lambda _: None, threading.Event()
        )
        with open_reader(self.journal) as reader:
            found = last_verification(reader, restore)
        assert found is not None
        return [(one.kind, one.what, one.name) for one in found.findings]

    def subjects(self, address: str, folder: str) -> list[str]:
        with self.server.imap(address) as client:
            if not client.folder_exists(folder):
                return []
            return _subjects(client, folder)

    def folders(self, address: str) -> set[str]:
        with self.server.imap(address) as client:
            return {name for _, _, name in client.list_folders()}


def _subjects(client: IMAPClient, folder: str) -> list[str]:
    client.select_folder(folder, readonly=True)
    found = client.fetch(client.search(), ["ENVELOPE"])
    return sorted(message[b"ENVELOPE"].subject.decode() for message in found.values())


@pytest.fixture(
    params=[
        pytest.param("maildir", marks=needs_dovecot),
        pytest.param("dovecot", marks=needs_dovecot),
        pytest.param("cyrus", marks=needs_cyrus),
    ]
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def between(kind: str, request: pytest.FixtureRequest) -> Iterator[Between]:
    owner = getattr(request, "param", BOB)
    yield from {"maildir": _in_tree, "dovecot": _on_dovecot, "cyrus": _on_cyrus}[kind](owner)


def _on_dovecot(owner: str) -> Iterator[Between]:
    with live_server(ACCOUNTS) as live:
        yield _between(live, owner, OnDovecot(live.dovecot, live.folder))


def _on_cyrus(owner: str) -> Iterator[Between]:
    with live_cyrus(ACCOUNTS) as live:
        yield _between(live, owner, OnCyrus(live))


def _between(live: LiveServer, owner: str, served: Served) -> Between:
    write_backup(live.folder / "backup", owner=owner)
    options = live.options(live.folder / "backup")
    journal = live.folder / "reinstate.db"
    restore_until_phase_3(journal, options)
    return Between(live.folder, options, journal, served)


def _in_tree(owner: str) -> Iterator[Between]:
    with reachable_folder() as folder:
        write_backup(folder / "backup", owner=owner)
        options = Options(
            source=str(folder / "backup"),
            destination=f"maildir:{folder / 'mail'}",
            owner=tree_owner(),
        )
        journal = folder / "reinstate.db"
        restore_until_phase_3(journal, options)
        with Dovecot(folder / "mail") as server:
            yield Between(folder, options, journal, OnDovecot(server, folder))


def test_what_a_filter_has_filed_moves_to_the_owner_and_the_filter_follows(
    between: Between,
) -> None:
    for subject in ("[team] one", "[team] two", "[old] three", "[workshop] four"):
        between.deliver(subject)
    assert between.subjects("alice@example.test", "Team") == ["[team] one", "[team] two"]
    assert between.subjects("alice@example.test", "Team/Old") == ["[old] three"]
    with between.server.imap("alice@example.test") as client:
        client.select_folder("Team")
        (first,) = client.search(["SUBJECT", "one"])
        client.add_flags([first], ["\\Seen", "\\Flagged", "todo"])
        date = client.fetch([first], ["INTERNALDATE"])[first][b"INTERNALDATE"]

    between.finish()
    shared = between.server.shared
    between.deliver("[team] later")
    between.deliver("[old] latest")

    team = ["[team] later", "[team] one", "[team] two", "restored 1000"]
    assert between.subjects("bob@example.test", "Team") == team
    assert between.subjects("bob@example.test", "Team/Old") == ["[old] latest", "[old] three"]
    assert between.subjects("alice@example.test", f"{shared}Team") == team
    assert between.subjects("alice@example.test", "Teamwork") == ["[workshop] four"]
    assert between.subjects("alice@example.test", "INBOX") == []
    folders = between.folders("alice@example.test")
    own = {name for name in folders if not name.startswith(shared)}
    assert "Team" not in own
    assert "Team/Old" not in own
    with between.server.imap("bob@example.test") as client:
        client.select_folder("Team", readonly=True)
        (first,) = client.search(["SUBJECT", "one"])
        found = client.fetch([first], ["FLAGS", "INTERNALDATE"])[first]
    assert {b"\\Seen", b"\\Flagged", b"todo"} <= set(found[b"FLAGS"])
    assert found[b"INTERNALDATE"] == date

    expected = SCRIPT.replace(':create "Team', f':create "{shared}Team').replace(
        f'"{shared}Teamwork"', '"Teamwork"'
    )
    assert between.server.script() == expected
    _compiles(between)


def _compiles(between: Between) -> None:
    sievec = shutil.which("sievec")
    assert sievec, "sievec comes with dovecot-sieve"
    script = between.folder / "check.sieve"
    script.write_text(between.server.script())
    subprocess.run([sievec, str(script), str(between.folder / "check.svbin")], check=True)


def test_a_local_folder_that_a_filter_has_made_is_joined(between: Between) -> None:
    between.deliver("[work] new")
    between.finish()
    between.deliver("[work] newer")
    work = ["[work] new", "[work] newer", "restored 1001"]
    assert between.subjects("alice@example.test", "Work") == work


def test_a_folder_of_the_users_own_stays_and_the_mountpoint_comes_beside_it(
    between: Between,
) -> None:
    between.server.replace_script('require "fileinto";\r\nkeep;\r\n')
    with between.server.imap("alice@example.test") as client:
        client.create_folder("Team")
        client.append("Team", b"Subject: my own\r\n\r\nx\r\n")
    between.finish(("different", "filter", "incoming"))
    assert between.subjects("alice@example.test", "Team") == ["my own"]
    shown = f"{between.server.shared}Team"
    assert between.subjects("alice@example.test", shown) == ["restored 1000"]
    with open_reader(between.journal) as reader:
        mapped = make_account_map(reader, "alice@example.test").mountpoints["300"]
    assert mapped.reason == "beside"
    assert between.server.script().split() == ["require", '"fileinto";', "keep;"]


@pytest.mark.parametrize("between", ["99999999-0000-4000-8000-000000000000"], indirect=True)
def test_a_dangling_mountpoint_is_reported_and_breaks_no_list(between: Between) -> None:
    between.deliver("[team] one")
    between.finish()
    assert {"INBOX", "Work", "Team", "Sent"} <= between.folders("alice@example.test")
    assert between.subjects("alice@example.test", "Team") == ["[team] one"]
    assert between.server.script() == SCRIPT
    with open_reader(between.journal) as reader:
        mapped = make_account_map(reader, "alice@example.test").mountpoints["300"]
    assert "is not on the destination" in mapped.refused


def test_a_second_run_changes_nothing(between: Between) -> None:
    between.deliver("[team] one")
    between.finish()
    script = between.server.script()
    with open_reader(between.journal) as reader:
        head = reader.head()
    restore_here(between.journal, between.options)
    with open_reader(between.journal) as reader:
        assert reader.head() == head
    assert between.server.script() == script
