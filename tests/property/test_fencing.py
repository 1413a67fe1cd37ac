"""The law of fences: however runs die and connections break while batches are under way, and
whatever the server refuses at first, every message is there once in the end.

The real engine restores two items at a time onto a server in memory that names messages itself,
over several connections, between whose commands there is no order at all. Many of the messages are
the same. What dead sessions had sent is stored in part.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple, cast

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from property.stepping import Died, Pausing
from property.world import DAY
from reinstate_journal import open_journal
from reinstate_journal.errors import DestinationError
from reinstate_journal.journal import Journal
from reinstate_service.destination.contract import Delivered, Delivery
from reinstate_service.destination.fence import (
    Answered,
    Arrival,
    Arrivals,
    ConnectionLost,
    Fence,
    FencedMailbox,
    Placed,
)
from reinstate_service.destination.imap.ends import Ends
from reinstate_service.destination.memory import MemoryDestination, State
from reinstate_service.destination.memory.mailbox import MemoryMailbox
from reinstate_service.destination.uids import UidSet, joined
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.model import Path as MailboxPath
from reinstate_service.restore import items
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import run_restore
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.testing import law

ACCOUNT, ADDRESS = "11111111-0000-4000-8000-00000000000a", "ann@example.test"
_APPENDS = frozenset({"append", "append_all"})
_FOLDERS = {"2": ("INBOX",), "258": ("Work",)}


class Command(NamedTuple):
    """An APPEND that was sent: `batch` is the one that it belongs to."""

    batch: _Batch
    path: MailboxPath
    contents: Sequence[bytes]


class _Batch:
    """One that was sent over a connection; `left` commands have no answer."""

    def __init__(self, deliveries: Sequence[Delivery], connection: deque[Command]) -> None:
        self.deliveries = deliveries
        self.connection = connection
        self.left = 0
        self.refused: list[Command] = []
        self.told: list[tuple[MailboxPath, Placed | None]] = []

    def placed(self) -> dict[MailboxPath, Placed]:
        """Where its messages are in the mailboxes of which all was told."""
        found: dict[MailboxPath, UidSet] = defaultdict(UidSet)
        for path, placed in self.told:
            found[path] |= UidSet() if placed is None else placed.uids
        unknown = {path for path, placed in self.told if placed is None}
        return {path: Placed(7, uids) for path, uids in found.items() if path not in unknown}


class Server:
    """Mailboxes with their messages by UID, and the commands that are under way over each
    connection of the account. Of some mailboxes it `tells` where it has put what."""

    def __init__(self, random: Random, connections: int, tells: Collection[MailboxPath]) -> None:
        self.random = random
        self.connections: list[deque[Command]] = [deque() for _ in range(connections)]
        self.boxes: dict[MailboxPath, list[bytes]] = defaultdict(list)
        self.ends = Ends()
        self.calm = False
        #: Told to Hypothesis in the end: accounts are restored by other threads.
        self.happened: set[str] = set()
        self._tells = tells

    def happens(self, chance: float) -> bool:
        return not self.calm and self.random.random() < chance

    def end(self, path: MailboxPath) -> Fence:
        """UIDs are numbered from 1 on."""
        return Fence(path, 7, len(self.boxes[path]) + 1)

    def work(self) -> None:
        """The oldest command of any connection: it is stored as a whole, or refused as a whole."""
        busy = [one for one in self.connections if one]
        command = self.random.choice(busy).popleft()
        command.batch.left -= 1
        if self.happens(0.3):
            self.happened.add("refused")
            command.batch.refused.append(command)
            return
        self.store(command.batch, command.path, command.contents)

    def store(self, batch: _Batch, path: MailboxPath, contents: Sequence[bytes]) -> None:
        first = self.end(path).uidnext
        self.boxes[path] += contents
        told = Placed(7, joined([(first, first + len(contents) - 1)]))
        batch.told.append((path, told if path in self._tells else None))

    def work_a_while(self) -> None:
        for _ in range(self.random.randint(0, sum(map(len, self.connections)) // 2)):
            self.work()

    def finish(self, connection: deque[Command]) -> None:
        while connection:
            self.work()

    def sessions_died(self) -> None:
        """Of what they had sent some is still stored."""
        self.work_a_while()
        for connection in self.connections:
            connection.clear()
        self.ends.forget()


class FencedMemoryMailbox(MemoryMailbox):
    """A mailbox on that server."""

    quiet = 0.0

    def __init__(self, server: Server, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._server = server
        self._batches: deque[_Batch] = deque()

    @property
    def ahead(self) -> int:
        """See `FencedMailbox`."""
        return 2 * len(self._server.connections) - 1

    def fence(self, path: MailboxPath) -> Fence:
        """See `FencedMailbox`: as low as it may be."""
        if (known := self._server.ends.of(path)) is not None:
            return known
        self._server.finish(self._server.connections[0])
        return self._server.ends.asked(self._server.end(path))

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See `FencedMailbox`."""
        self._may_break()
        batch = _Batch(deliveries, self._server.random.choice(self._server.connections))
        by_path: dict[MailboxPath, list[bytes]] = defaultdict(list)
        for one in deliveries:
            by_path[one.path].append(b"".join(one.content()))
        self._batches.append(batch)
        for path, contents in by_path.items():
            batch.left += 1
            batch.connection.append(Command(batch, path, contents))
        self._server.work_a_while()

    def answers(self) -> Answered:
        """See `FencedMailbox`."""
        self._may_break()
        batch = self._batches[0]
        while batch.left:
            self._server.work()
        for command in batch.refused:
            for content in command.contents:
                self._server.finish(batch.connection)
                self._server.work_a_while()
                self._may_break()
                self._server.store(batch, command.path, [content])
        self._batches.popleft()
        for path, placed in batch.told:
            self._server.ends.stored(path, placed)
        return Answered([Delivered()] * len(batch.deliveries), batch.placed())

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox`."""
        self.send(deliveries)
        return self.answers().delivered

    def arrivals(self, fence: Fence) -> Arrivals:
        """See `FencedMailbox`."""
        self._server.ends.forget()
        box = self._server.boxes[fence.path]
        sizes = enumerate(map(len, box), start=1)
        above = [Arrival(uid, size) for uid, size in sizes if uid >= fence.uidnext]
        return Arrivals(fence.path, tuple(above))

    def relocation_fence(self, *arguments: object) -> None:
        """See `FencedMailbox`. Nothing is relocated here."""
        raise NotImplementedError

    def message(self, path: MailboxPath, uid: int) -> Iterator[bytes]:
        """See `FencedMailbox`."""
        yield self._server.boxes[path][uid - 1]

    def _may_break(self) -> None:
        if self._server.happens(0.1):
            self._server.happened.add("broken")
            self._server.sessions_died()
            self._batches.clear()
            raise ConnectionLost(destination="memory:", detail="")


class FencedMemory(MemoryDestination):
    """The destination in memory, with mailboxes of that server."""

    def __init__(self, server: Server, state: State) -> None:
        super().__init__(state)
        self._server = server

    @contextmanager
    def mailbox(self, address: str) -> Iterator[MemoryMailbox]:
        """See `Destination`."""
        mailbox = FencedMemoryMailbox(self._server, self.state, address, self._namespace)
        assert isinstance(mailbox, FencedMailbox)
        yield mailbox


class History:
    """A backup of one account, and the restore of it."""

    def __init__(self, folder: Path, contents: Sequence[tuple[int, str]], server: Server) -> None:
        self._backup, self._journal = folder / "backup", folder / "j.db"
        self._state, self._server = State(), server
        self.wanted: Counter[tuple[MailboxPath, bytes]] = Counter()
        with BackupWriter(self._backup, clock=lambda: DAY, durable=False) as writer:
            writer.put_domain(Domain("d", "example.test"))
            writer.put_account(Account(ACCOUNT, ADDRESS))
            writer.put_folder(ACCOUNT, Folder("2", "", "Inbox", role=Role.INBOX))
            writer.put_folder(ACCOUNT, Folder("258", "", "Work"))
            for number, (kind, place) in enumerate(contents, start=1000):
                content = b"Subject: %d\r\n\r\nx\r\n" % kind
                writer.put_item(ACCOUNT, str(number), content=content, folder=place, date=DAY)
                self.wanted[_FOLDERS[place], content] += 1
            writer.finish_scan()

    def run(self, dies: int = 0) -> None:
        """One run, which dies at that append, if it comes to it."""
        left = dies

        def append() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Died

        with open_journal(self._journal) as journal:
            try:
                run_restore(
                    BackupPathSource(self._backup),
                    FencedMemory(self._server, self._state),
                    cast("Journal", Pausing(journal, append, _APPENDS)),
                    Options(str(self._backup), "memory:", concurrent_accounts=1),
                    version="test",
                    observer=Observer(),
                    stop=threading.Event(),
                )
            except Died:
                self._server.happened.add("died")
            except DestinationError:
                self._server.happened.add("gave up")
        self._server.sessions_died()

    def found(self) -> Counter[tuple[MailboxPath, bytes]]:
        boxes = self._server.boxes.items()
        return Counter((path, content) for path, box in boxes for content in box)


@pytest.fixture(autouse=True)
def _two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "BATCH_ITEMS", 2)


@law(200)
@given(
    contents=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(list(_FOLDERS))), min_size=12, max_size=24
    ),
    deaths=st.lists(st.integers(10, 100), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
    connections=st.integers(1, 4),
    tells=st.sets(st.sampled_from(list(_FOLDERS.values()))),
)
def test_however_runs_die_and_connections_break_every_message_is_there_once(
    contents: list[tuple[int, str]],
    deaths: list[int],
    seed: int,
    connections: int,
    tells: set[MailboxPath],
) -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        server = Server(Random(seed), connections, tells)
        history = History(folder, contents, server)
        for death in deaths:
            history.run(death)
        server.calm = True
        history.run()
        for happened in sorted(server.happened):
            event(happened)
        assert history.found() == history.wanted
    finally:
        shutil.rmtree(folder)
