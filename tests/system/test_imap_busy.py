"""A live server that lets few in, or none for a while: it is waited for, and nothing is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.proxy import CUTS, Mischief, Proxy
from listening import Forwarder
from reinstate_journal import open_reader
from reinstate_journal.errors import DestinationError, Interrupted
from reinstate_service.destination.imap import pace
from reinstate_service.destination.waiting import Waiting
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.operations.report import Report, make_report
from reinstate_service.operations.session import opened_for_reading, start_restore
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from system.dovecot import needs_dovecot
from system.lacking import Lacking
from system.live import LiveDovecot, live_server
from team import DAY, SECRET

pytestmark = needs_dovecot

ADDRESSES = [f"{name}@example.test" for name in ("alice", "bob", "carol", "dave")]
ITEMS = 30


class Hears(Observer):
    """Keeps what it is told, and does something then."""

    def __init__(self, act: threading.Event) -> None:
        self.told: list[str] = []
        self._act = act

    def notice(self, text: str) -> None:
        self.told.append(text)
        self._act.set()


class BusyProxy(Proxy):
    """Refuses every command of a kind for now, until it is `free`; every one once it is `busy`."""

    def __init__(self, server: int, kind: bytes) -> None:
        super().__init__(server)
        self._kind = kind
        self.refused = threading.Event()
        self.free = threading.Event()

    def mischief_for(self, command: bytes) -> Mischief | None:
        super().mischief_for(command)
        if self.free.is_set() or self._kind not in command.upper():
            return None
        self.refused.set()
        return Mischief.LIMIT


class GreetsWithBye(Lacking):
    """Ends so many connections with its greeting."""

    def __init__(self, server: int, many: int) -> None:
        super().__init__(server)
        self._many = many

    def refuses(self, client: socket.socket) -> bool:
        self._many -= 1
        if self._many < 0:
            return False
        client.sendall(b"* BYE Too many connections\r\n")
        return True


class LoginCutter(Proxy):
    """Cuts the connection at every other login."""

    def __init__(self, server: int, mischief: Mischief) -> None:
        super().__init__(server)
        self._kind = mischief

    def mischief_for(self, command: bytes) -> Mischief | None:
        super().mischief_for(command)
        logins = self.commands.count(b"AUTHENTICATE")
        return self._kind if self.commands[-1] == b"AUTHENTICATE" and logins % 2 else None


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tells of waiting at once, and waits less."""
    monkeypatch.setattr(pace, "_TOLD_AFTER", 0.0)
    monkeypatch.setattr(pace, "_FIRST_DELAY", 0.05)
    monkeypatch.setattr(pace, "_LONGEST_DELAY", 0.5)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("busy") / "backup"
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        for number, address in enumerate(ADDRESSES):
            account = f"11111111-0000-4000-8000-00000000000{number}"
            writer.put_account(Account(account, address))
            writer.put_folder(account, Folder("2", "", "Inbox", role=Role.INBOX))
            for item in range(ITEMS):
                content = f"Subject: {number} {item}\r\n\r\nx\r\n".encode()
                writer.put_item(account, str(1000 + item), content=content, folder="2", date=DAY)
        writer.finish_scan(DAY)
    return path


@pytest.fixture(scope="module")
def running() -> Iterator[LiveDovecot]:
    with live_server(ADDRESSES) as server:
        yield server


@pytest.fixture
def live(running: LiveDovecot) -> LiveDovecot:
    """An empty server, the same whoever stands before it."""
    running.empty()
    running.configure(identity="the server")
    return running


def through(proxy: Forwarder, live: LiveDovecot, backup: Path) -> Options:
    """The options of a restore that reaches the server through the proxy."""
    return live.options(backup, f"imap://127.0.0.1:{proxy.port}")


def must_be_whole(live: LiveDovecot, journal: Path) -> Report:
    with open_reader(journal) as reader:
        report = make_report(reader)
    assert report.whole, [one.reason for one in report.accounts]
    assert report.totals.restored == ITEMS * len(ADDRESSES)
    for address in ADDRESSES:
        with live.dovecot.imap(address, SECRET) as client:
            assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == ITEMS
    return report


def test_a_server_that_serves_two_at_once_is_given_fewer(backup: Path, tmp_path: Path) -> None:
    """Dovecot lets the third log in and then ends its connection."""
    with live_server(ADDRESSES, further="service imap {\n  process_limit = 2\n}\n") as live:
        restore_here(tmp_path / "r.db", live.options(backup))
        assert "process_limit (2) reached" in live.dovecot.log()
        must_be_whole(live, tmp_path / "r.db")


def test_an_account_that_has_all_its_connections_is_waited_for(
    backup: Path, tmp_path: Path
) -> None:
    waiting = threading.Event()
    observer = Hears(waiting)
    with live_server(
        ADDRESSES, further="protocol imap {\n  mail_max_userip_connections = 1\n}\n"
    ) as live:
        with live.dovecot.imap(ADDRESSES[1], SECRET) as bob:

            def leave_when_told() -> None:
                waiting.wait(60)
                bob.logout()

            leaving = threading.Thread(target=leave_when_told)
            leaving.start()
            start_restore(tmp_path / "r.db", live.options(backup), observer, threading.Event())
            leaving.join()
        (told,) = observer.told
        assert "[LIMIT] Maximum number of connections" in told
        must_be_whole(live, tmp_path / "r.db")


@pytest.mark.parametrize("kind", [b" APPEND ", b" STATUS ", b" LIST "])
def test_a_server_that_is_busy_for_a_while_is_waited_for(
    live: LiveDovecot, backup: Path, tmp_path: Path, kind: bytes
) -> None:
    with BusyProxy(live.imap_port, kind) as proxy:
        options = through(proxy, live, backup)
        observer = Hears(proxy.free)
        start_restore(tmp_path / "r.db", options, observer, threading.Event())
        assert proxy.refused.is_set()
    assert observer.told
    must_be_whole(live, tmp_path / "r.db")


def test_a_server_that_greets_with_bye_is_busy(
    live: LiveDovecot, backup: Path, tmp_path: Path
) -> None:
    observer = Hears(threading.Event())
    with GreetsWithBye(live.imap_port, 3) as proxy:
        options = through(proxy, live, backup)
        start_restore(tmp_path / "r.db", options, observer, threading.Event())
    (told,) = observer.told
    assert "asks to come back later: * BYE Too many connections" in told
    must_be_whole(live, tmp_path / "r.db")


@pytest.mark.parametrize("kind", CUTS, ids=lambda one: one.name)
def test_a_connection_that_breaks_at_a_login_is_no_refusal(
    live: LiveDovecot, backup: Path, tmp_path: Path, kind: Mischief
) -> None:
    with LoginCutter(live.imap_port, kind) as proxy:
        restore_here(tmp_path / "r.db", through(proxy, live, backup))
    must_be_whole(live, tmp_path / "r.db")


def test_whoever_only_looks_at_a_busy_server_is_told_as_well(
    live: LiveDovecot, backup: Path
) -> None:
    told: list[str] = []
    with BusyProxy(live.imap_port, b" LIST ") as proxy:

        def notice(text: str) -> None:
            told.append(text)
            proxy.free.set()

        options = through(proxy, live, backup)
        with opened_for_reading(options, Waiting(notice=notice)) as destination:
            assert destination.has_account(ADDRESSES[0])
    assert len(told) == 1


def test_a_run_that_waits_for_a_server_stops_at_once(
    live: LiveDovecot, backup: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    with BusyProxy(live.imap_port, b" APPEND ") as proxy:
        options = through(proxy, live, backup)
        threading.Thread(target=lambda: (proxy.refused.wait(60), stop.set())).start()
        with pytest.raises(Interrupted):
            start_restore(tmp_path / "r.db", options, Observer(), stop)
        proxy.free.set()
        restore_here(tmp_path / "r.db", options)
    must_be_whole(live, tmp_path / "r.db")


def test_a_server_that_is_busy_for_longer_than_the_patience_ends_the_run(
    live: LiveDovecot, backup: Path, tmp_path: Path
) -> None:
    live.configure(identity="the server", patience=2)
    with BusyProxy(live.imap_port, b" APPEND ") as proxy:
        options = through(proxy, live, backup)
        began = time.monotonic()
        with pytest.raises(DestinationError, match="come back later"):
            start_restore(tmp_path / "r.db", options, Observer(), threading.Event())
        assert time.monotonic() - began > 2
        live.configure(identity="the server")
        proxy.free.set()
        restore_here(tmp_path / "r.db", options)
    must_be_whole(live, tmp_path / "r.db")


def test_a_server_that_goes_away_in_the_middle_is_waited_for(
    live: LiveDovecot, backup: Path, tmp_path: Path
) -> None:
    away, back = threading.Event(), threading.Event()

    class GoesAway(Observer):
        """The server is stopped in the first account, and started when it is waited for."""

        def notice(self, text: str) -> None:
            assert "cannot be reached" in text or "was lost" in text
            assert away.wait(60)
            live.dovecot.resume()
            back.set()

        def account(self, address: str, state: str) -> None:
            if (address, state) == (ADDRESSES[0], "started") and not away.is_set():
                live.dovecot.pause()
                away.set()

    start_restore(tmp_path / "r.db", live.options(backup), GoesAway(), threading.Event())
    assert back.is_set()
    must_be_whole(live, tmp_path / "r.db")
