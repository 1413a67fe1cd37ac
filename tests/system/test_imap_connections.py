"""An account's messages go to a live server over several connections, if it bears them; whatever
becomes of those, every message is there once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.destination_contract import delivery
from crash.proxy import Mischief, Proxy
from reinstate_journal import open_reader
from reinstate_service.destination.fence import ConnectionLost, FencedMailbox
from reinstate_service.destination.imap import pace
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.operations.report import make_report
from reinstate_service.operations.session import start_restore
from reinstate_service.restore import items
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from system.cyrus import needs_cyrus
from system.dovecot import needs_dovecot, reachable_folder
from system.lacking import Lacking
from system.live import LiveDovecot, LiveServer, live_server
from system.live_cyrus import live_cyrus
from team import ALICE, DAY

ADDRESS = "alice@example.test"
#: Always two are the same, in one batch of four.
CONTENTS = [b"Subject: %d\r\n\r\nx\r\n" % (number // 2) for number in range(40)]


class Hears(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def notice(self, text: str) -> None:
        self.told.append(text)


class CutsOthers(Proxy):
    """Cuts every connection at its first APPEND but the first that gives one."""

    def __init__(self, server: int) -> None:
        super().__init__(server)
        self.cut = 0
        self._first = ""

    def mischief_for(self, command: bytes) -> Mischief | None:
        super().mischief_for(command)
        if b" APPEND " not in command:
            return None
        name = threading.current_thread().name
        self._first = self._first or name
        self.cut += name != self._first
        return None if name == self._first else Mischief.CUT_AFTER


class CutsSecondStatus(Proxy):
    """Cuts the connection at the second STATUS."""

    def mischief_for(self, command: bytes) -> Mischief | None:
        super().mischief_for(command)
        second = self.commands[-1] == b"STATUS" and self.commands.count(b"STATUS") == 2
        return Mischief.CUT_BEFORE if second else None


def write_backup(path: Path) -> None:
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        writer.put_account(Account(ALICE, ADDRESS))
        writer.put_folder(ALICE, Folder("2", "", "Inbox", role=Role.INBOX))
        for number, content in enumerate(CONTENTS, start=1000):
            writer.put_item(ALICE, str(number), content=content, folder="2", date=DAY)
        writer.finish_scan(DAY)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(live_server, id="Dovecot", marks=needs_dovecot),
        pytest.param(live_cyrus, id="Cyrus", marks=needs_cyrus),
    ],
)
def live(request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    with request.param([ADDRESS]) as server:
        write_backup(server.folder / "backup")
        yield server


@pytest.fixture(autouse=True)
def in_fours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "BATCH_ITEMS", 4)
    monkeypatch.setattr(pace, "_FIRST_DELAY", 0.01)


def restore(journal: Path, options: Options) -> list[str]:
    """Restores everything; answers what an administrator was told."""
    observer = Hears()
    start_restore(journal, options, observer, threading.Event())
    with open_reader(journal) as reader:
        assert make_report(reader).whole
    return observer.told


def must_be_there_once(live: LiveServer) -> None:
    assert Counter(live.messages(ADDRESS)) == Counter(CONTENTS)


def logins(live: LiveServer, journal: Path) -> int:
    """How often a restore logs in."""
    live.empty()
    with Proxy(live.imap_port) as proxy:
        options = live.options(live.folder / "backup", f"imap://127.0.0.1:{proxy.port}")
        assert restore(journal, options) == []
    must_be_there_once(live)
    return proxy.commands.count(b"AUTHENTICATE")


def test_an_account_has_as_many_connections_as_are_configured(
    live: LiveServer, tmp_path: Path
) -> None:
    found = []
    for count in (1, 2, 3):
        live.configure(identity="the server", connections_per_account=count)
        found.append(logins(live, tmp_path / f"{count}.db"))
    live.configure(identity="the server")
    assert found == [found[0], found[0] + 1, found[0] + 2]
    assert logins(live, tmp_path / "default.db") == found[1]


def test_a_server_that_does_not_tell_uids_has_one(live: LiveServer, tmp_path: Path) -> None:
    live.empty()
    live.configure(identity="the server")
    with Lacking(live.imap_port, b"UIDPLUS") as lacking, Proxy(lacking.port) as proxy:
        options = live.options(live.folder / "backup", f"imap://127.0.0.1:{proxy.port}")
        assert restore(tmp_path / "r.db", options) == []
    live.configure(identity="the server", connections_per_account=1)
    assert proxy.commands.count(b"AUTHENTICATE") == logins(live, tmp_path / "one.db")


def test_further_ones_that_break_each_time_are_done_without(
    live: LiveServer, tmp_path: Path
) -> None:
    live.empty()
    live.configure(identity="the server")
    with CutsOthers(live.imap_port) as proxy:
        options = live.options(live.folder / "backup", f"imap://127.0.0.1:{proxy.port}")
        restore(tmp_path / "r.db", options)
    assert proxy.cut
    must_be_there_once(live)


def test_answers_of_a_connection_that_broke_are_not_taken_from_the_next(live: LiveServer) -> None:
    """It broke at a question between two batches."""
    live.empty()
    live.configure(identity="the server", connections_per_account=1)
    with CutsSecondStatus(live.imap_port) as proxy:
        destination = live.destination(f"imap://127.0.0.1:{proxy.port}")
        with destination.mailbox(ADDRESS) as mailbox:
            assert isinstance(mailbox, FencedMailbox)
            mailbox.fence(("INBOX",))
            mailbox.send([delivery("1", ("INBOX",))])
            with pytest.raises(ConnectionLost):  # noqa: PT012 - whichever notices first
                mailbox.fence(("Other",))
                mailbox.send([delivery("2", ("Other",))])
                mailbox.answers()


@needs_dovecot
def test_an_account_that_may_have_one_is_restored_over_it(tmp_path: Path) -> None:
    further = "protocol imap {\n  mail_max_userip_connections = 1\n}\n"
    with reachable_folder() as folder:
        write_backup(folder / "backup")
        server = LiveDovecot(folder, [ADDRESS], further)
        with server.dovecot:
            server.configure()
            (told,) = restore(tmp_path / "r.db", server.options(folder / "backup"))
            must_be_there_once(server)
    assert "one connection each" in told
    assert "Maximum number of connections" in told
