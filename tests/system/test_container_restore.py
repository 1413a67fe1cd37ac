"""Container restore end to end on a real Dovecot with Pigeonhole: rules 2, 6, 7 and 8, into the
tree that it serves and, by its own protocols, onto the live server.

The restore stops after phase 2, mail arrives and the real Sieve scripts file it, the
restore goes on with phase 3, and mail arrives again.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from system.live import live_server
from team import BOB, SCRIPT, SECRET, restore_until_phase_3, write_backup

pytestmark = needs_dovecot


class Between(NamedTuple):
    """A restore between phase 2 and phase 3, and a server over its tree."""

    folder: Path
    options: Options
    journal: Path
    server: Dovecot

    def deliver(self, subject: str) -> None:
        message = f"From: x@elsewhere.test\r\nSubject: {subject}\r\n\r\n{subject}\r\n"
        self.server.lmtp("x@elsewhere.test", "alice@example.test", message.encode())

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
        with self.server.imap(address, SECRET) as client:
            if not client.folder_exists(folder):
                return []
            return _subjects(client, folder)

    def folders(self, address: str) -> set[str]:
        with self.server.imap(address, SECRET) as client:
            return {name for _, _, name in client.list_folders()}

    def script(self) -> str:
        return (self.folder / "mail/example.test/alice/.dovecot.sieve").read_text()


def _subjects(client: IMAPClient, folder: str) -> list[str]:
    client.select_folder(folder, readonly=True)
    found = client.fetch(client.search(), ["ENVELOPE"])
    return sorted(message[b"ENVELOPE"].subject.decode() for message in found.values())


@pytest.fixture(params=["maildir", "imap"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def between(kind: str, request: pytest.FixtureRequest) -> Iterator[Between]:
    owner = getattr(request, "param", BOB)
    yield from (_between_on_live_server if kind == "imap" else _between)(owner)


def _between_on_live_server(owner: str) -> Iterator[Between]:
    with live_server(["alice@example.test", "bob@example.test"]) as live:
        write_backup(live.folder / "backup", owner=owner)
        options = live.options(live.folder / "backup")
        journal = live.folder / "reinstate.db"
        restore_until_phase_3(journal, options)
        yield Between(live.folder, options, journal, live.dovecot)


def _between(owner: str) -> Iterator[Between]:
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
            yield Between(folder, options, journal, server)


def test_what_a_filter_has_filed_moves_to_the_owner_and_the_filter_follows(
    between: Between,
) -> None:
    for subject in ("[team] one", "[team] two", "[old] three", "[workshop] four"):
        between.deliver(subject)
    assert between.subjects("alice@example.test", "Team") == ["[team] one", "[team] two"]
    assert between.subjects("alice@example.test", "Team/Old") == ["[old] three"]
    with between.server.imap("alice@example.test", SECRET) as client:
        client.select_folder("Team")
        (first,) = client.search(["SUBJECT", "one"])
        client.add_flags([first], ["\\Seen", "\\Flagged", "todo"])
        date = client.fetch([first], ["INTERNALDATE"])[first][b"INTERNALDATE"]

    between.finish()
    between.deliver("[team] later")
    between.deliver("[old] latest")

    team = ["[team] later", "[team] one", "[team] two", "restored 1000"]
    assert between.subjects("bob@example.test", "Team") == team
    assert between.subjects("bob@example.test", "Team/Old") == ["[old] latest", "[old] three"]
    assert between.subjects("alice@example.test", "shared/example.test/bob/Team") == team
    assert between.subjects("alice@example.test", "Teamwork") == ["[workshop] four"]
    assert between.subjects("alice@example.test", "INBOX") == []
    own = {name for name in between.folders("alice@example.test") if not name.startswith("shared")}
    assert "Team" not in own
    assert "Team/Old" not in own
    with between.server.imap("bob@example.test", SECRET) as client:
        client.select_folder("Team", readonly=True)
        (first,) = client.search(["SUBJECT", "one"])
        found = client.fetch([first], ["FLAGS", "INTERNALDATE"])[first]
    assert {b"\\Seen", b"\\Flagged", b"todo"} <= set(found[b"FLAGS"])
    assert found[b"INTERNALDATE"] == date

    expected = SCRIPT.replace(':create "Team"', ':create "shared/example.test/bob/Team"').replace(
        ':create "Team/Old"', ':create "shared/example.test/bob/Team/Old"'
    )
    assert between.script() == expected
    _compiles(between)


def _compiles(between: Between) -> None:
    sievec = shutil.which("sievec")
    assert sievec, "sievec comes with dovecot-sieve"
    script = between.folder / "check.sieve"
    script.write_text(between.script())
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
    script = (between.folder / "mail/example.test/alice/.dovecot.sieve").resolve()
    script.write_text('require "fileinto";\nkeep;\n')
    with between.server.imap("alice@example.test", SECRET) as client:
        client.create_folder("Team")
        client.append("Team", b"Subject: my own\r\n\r\nx\r\n")
    between.finish(("different", "filter", "incoming"))
    assert between.subjects("alice@example.test", "Team") == ["my own"]
    shared = "shared/example.test/bob/Team"
    assert between.subjects("alice@example.test", shared) == ["restored 1000"]
    with open_reader(between.journal) as reader:
        mapped = make_account_map(reader, "alice@example.test").mountpoints["300"]
    assert mapped.reason == "beside"
    assert between.script() == 'require "fileinto";\nkeep;\n'


@pytest.mark.parametrize("between", ["99999999-0000-4000-8000-000000000000"], indirect=True)
def test_a_dangling_mountpoint_is_reported_and_breaks_no_list(between: Between) -> None:
    between.deliver("[team] one")
    between.finish()
    assert {"INBOX", "Work", "Team", "Sent"} <= between.folders("alice@example.test")
    assert between.subjects("alice@example.test", "Team") == ["[team] one"]
    assert between.script() == SCRIPT
    with open_reader(between.journal) as reader:
        mapped = make_account_map(reader, "alice@example.test").mountpoints["300"]
    assert "is not on the destination" in mapped.refused


def test_a_second_run_changes_nothing(between: Between) -> None:
    between.deliver("[team] one")
    between.finish()
    script = between.script()
    with open_reader(between.journal) as reader:
        head = reader.head()
    restore_here(between.journal, between.options)
    with open_reader(between.journal) as reader:
        assert reader.head() == head
    assert between.script() == script
