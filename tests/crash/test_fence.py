"""A restore onto a live IMAP server that dies between intent, effect and outcome, or whose
connection does, and again while it recovers, ends with every message there once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crash.killing import CONTEXT
from crash.proxy import Mischief, Proxy
from crash.stage import GONE, Death
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_journal.errors import ReinstateError
from reinstate_journal.events import DeliveryIntended, ItemRestored
from reinstate_service.destination.imap import pace
from reinstate_service.model import Account, Domain, Flag, Folder, Role, Tag
from reinstate_service.operations.report import make_report
from reinstate_service.restore import items
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from system.cyrus import needs_cyrus
from system.dovecot import needs_dovecot
from system.live import LiveServer, crlf_digest, live_server
from system.live_cyrus import live_cyrus
from team import ALICE, DAY

pytestmark = needs_dovecot
LONG = "REINSTATE_LONG" in os.environ

ADDRESS = "alice@example.test"
TWIN = b"Message-ID: <twin@x>\r\nSubject: twin\r\n\r\ntwin\r\n"
#: Several in different batches are the same, one has bare line ends, one has no header.
TWINS = frozenset({1, 2, 5, 6, 9, 10})
CONTENTS = (
    *(
        TWIN if n in TWINS else b"Message-ID: <%d@x>\r\nSubject: s\r\n\r\nbody %d\r\n" % (n, n)
        for n in range(11)
    ),
    b"Subject: bare\n\nlines\nend here\n",
    b"\r\nno header\r\n",
)
FOLDERS = {"2": ("INBOX",), "258": ("Work",), "259": ("Work", "Sub.x & y")}
Found = Counter[tuple[tuple[str, ...], str, Flag, tuple[str, ...], int]]


def _place(number: int) -> str:
    """The folder of the item: the twins lie in one."""
    return "2" if number in TWINS or number > 10 else list(FOLDERS)[number % 3]


def write_backup(path: Path) -> None:
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        writer.put_account(Account(ALICE, ADDRESS))
        writer.put_tag(ALICE, Tag("64", "todo"))
        writer.put_folder(ALICE, Folder("2", "", "Inbox", role=Role.INBOX))
        writer.put_folder(ALICE, Folder("258", "", "Work"))
        writer.put_folder(ALICE, Folder("259", "258", "Sub.x & y"))
        for number, content in enumerate(CONTENTS):
            writer.put_item(
                ALICE,
                str(1000 + number),
                content=content,
                folder=_place(number),
                date=DAY - number * 1000,
                flags=Flag.SEEN if number % 2 else Flag(0),
                tags=("todo",) if number % 3 == 0 else (),
            )
        writer.finish_scan(DAY)


def expected() -> Found:
    """What must lie on the server."""
    return Counter(
        (
            FOLDERS[_place(number)],
            crlf_digest(content),
            Flag.SEEN if number % 2 else Flag(0),
            ("todo",) if number % 3 == 0 else (),
            DAY - number * 1000,
        )
        for number, content in enumerate(CONTENTS)
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(live_server, id="Dovecot"),
        pytest.param(live_cyrus, id="Cyrus", marks=[needs_cyrus, pytest.mark.long]),
    ],
)
def live(request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    with request.param([ADDRESS]) as server:
        write_backup(server.folder / "backup")
        yield server


@pytest.fixture
def journal(live: LiveServer, tmp_path: Path) -> Path:
    live.empty()
    return tmp_path / "reinstate.db"


def _die(options: Options, journal: Path, death: Death | None) -> None:
    """What a process does: everything in fours, so that there is a middle."""
    items.BATCH_ITEMS = 4
    hits = 0

    def look(point: Point) -> None:
        nonlocal hits
        hits += death is not None and point.name == death.point
        if death is not None and point.name == death.point and hits == death.hit:
            if death.by_signal:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(GONE)

    watch(look)
    restore_here(journal, options)


def restore(live: LiveServer, journal: Path, death: Death | None = None) -> None:
    """Restores in another process, which must end there if it is to."""
    options = live.options(live.folder / "backup")
    process = CONTEXT.Process(target=_die, args=(options, journal, death))
    process.start()
    process.join()
    ends = {None: 0} if death is None else {death: -signal.SIGKILL if death.by_signal else GONE}
    assert process.exitcode == ends[death], f"{death}: exit {process.exitcode}"


def must_be_whole(live: LiveServer, journal: Path) -> None:
    """Everything is there once, the journal says so, and a further run has nothing to do."""
    destination = live.destination()
    with destination.mailbox(ADDRESS) as mailbox:
        found = Counter(
            (one.path, one.digest, one.flags, one.keywords, one.date) for one in mailbox.contents()
        )
    assert found == expected()
    assert check(journal) == []
    with open_reader(journal) as reader:
        done = [one.event for one in reader.read(types=[ItemRestored])]
    assert len(done) == len(CONTENTS)
    whole = restore_here(journal, live.options(live.folder / "backup"))
    assert not whole.began


@pytest.mark.parametrize("hit", [1, 3])
@pytest.mark.parametrize(
    "point",
    [At.DELIVERY_INTENDED, At.DELIVERY_SENT, At.DELIVERY_STORED, At.BATCH_DELIVERED, At.COMMITTED],
    ids=lambda point: point.name,
)
def test_a_restore_that_dies_ends_with_everything_there_once(
    live: LiveServer, journal: Path, point: Point, hit: int
) -> None:
    hit *= 6 if point is At.COMMITTED else 1
    restore(live, journal, Death(point.name, hit, by_signal=hit == 1))
    restore(live, journal)
    must_be_whole(live, journal)


@pytest.mark.parametrize("second", [At.ARRIVALS_COMPARED, At.DELIVERY_SENT, At.BATCH_DELIVERED])
def test_a_recovery_that_dies_is_recovered_from(
    live: LiveServer, journal: Path, second: Point
) -> None:
    restore(live, journal, Death(At.DELIVERY_SENT.name, 2))
    restore(live, journal, Death(second.name))
    restore(live, journal)
    must_be_whole(live, journal)


def test_only_what_is_open_is_looked_for(live: LiveServer, journal: Path) -> None:
    restore(live, journal, Death(At.DELIVERY_STORED.name, 4))
    with open_reader(journal) as reader:
        intents = list(reader.read(types=[DeliveryIntended]))
        open_ = reader.progress.open_intents(intents[0].stream)
        assert 0 < len(open_) < len(intents)
    restore(live, journal)
    with open_reader(journal) as reader:
        assert reader.progress.open_intents(intents[0].stream) == []
    must_be_whole(live, journal)


class StoresLate(Proxy):
    """A server that still stores what a dead session had sent: the first batch, a message at each
    look at the mailbox."""

    def __init__(self, live: LiveServer) -> None:
        super().__init__(live.imap_port)
        self._live = live
        self._left = [number for number in range(4) if FOLDERS[_place(number)] == ("INBOX",)]

    def mischief_for(self, command: bytes) -> Mischief | None:
        if b" SEARCH " in command and self._left:
            number = self._left.pop(0)
            flags = (["\\Seen"] if number % 2 else []) + (["todo"] if number % 3 == 0 else [])
            when = datetime.fromtimestamp(DAY // 1000 - number, UTC)
            with self._live.imap(ADDRESS) as client:
                client.append("INBOX", CONTENTS[number], flags, when)
        return super().mischief_for(command)


def _through(live: LiveServer, journal: Path, proxy: Proxy) -> bool:
    """Restores through the proxy; answers whether the run came to its end."""
    options = live.options(live.folder / "backup", f"imap://127.0.0.1:{proxy.port}")
    with proxy:
        try:
            restore_here(journal, options)
        except ReinstateError:
            return False
    return True


@pytest.fixture
def in_fours(monkeypatch: pytest.MonkeyPatch, live: LiveServer) -> Iterator[None]:
    """Small batches, a server that is given up soon, and one name for it whatever its port."""
    monkeypatch.setattr(items, "BATCH_ITEMS", 4)
    monkeypatch.setattr(pace, "_FIRST_DELAY", 0.01)
    live.configure(timeout=2, identity="the server")
    yield
    live.configure()


@pytest.mark.usefixtures("in_fours")
def test_as_long_as_messages_arrive_it_is_waited_for_more(live: LiveServer, journal: Path) -> None:
    restore(live, journal, Death(At.DELIVERY_INTENDED.name))
    assert _through(live, journal, StoresLate(live))
    must_be_whole(live, journal)


@pytest.fixture(scope="module")
def commands(live: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What a restore says that nothing disturbs."""
    live.configure(identity="the server")
    live.empty()
    proxy = Proxy(live.imap_port)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "BATCH_ITEMS", 4)
        assert _through(live, tmp_path_factory.mktemp("whole") / "r.db", proxy)
    return proxy.commands


@pytest.mark.usefixtures("in_fours")
@pytest.mark.parametrize("mischief", Mischief, ids=lambda one: one.name)
def test_whatever_happens_to_the_connection_everything_is_there_once(
    live: LiveServer, commands: list[bytes], tmp_path: Path, mischief: Mischief
) -> None:
    """At every APPEND, and at every other command in the long runs."""
    turn = list(Mischief).index(mischief)
    for place, name in enumerate(commands):
        if not (LONG or (name == b"APPEND" and place % 3 == turn % 3)):
            continue
        live.empty()
        journal = tmp_path / f"{place}.db"
        for attempt in range(4):
            at = place if attempt == 0 else -1
            whole = _through(live, journal, Proxy(live.imap_port, at, mischief))
            if whole and not _failed(journal):
                break
        must_be_whole(live, journal)


def _failed(journal: Path) -> bool:
    """Whether the last run left something to do, as for a quota that was used up."""
    with open_reader(journal) as reader:
        return not make_report(reader).whole
