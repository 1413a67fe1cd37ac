"""The law of fences: however runs die and connections break while batches are under way, and
whatever the server refuses at first, every message is there once in the end.

The real engine restores two items at a time onto a server in memory that names messages itself.
Many of the messages are the same. What a dead session had sent is stored in part.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
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
)
from reinstate_service.destination.memory import MemoryDestination, State
from reinstate_service.destination.memory.mailbox import MemoryMailbox
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
    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries = deliveries
        self.left = 0
        self.refused: list[Command] = []
        self.ends: dict[MailboxPath, Fence] = {}


class Server:
    """Mailboxes with their messages by UID, and the commands that are under way."""

    def __init__(self, random: Random, *, tells: bool) -> None:
        self.random = random
        self.tells = tells
        self.boxes: dict[MailboxPath, list[bytes]] = defaultdict(list)
        self.under_way: deque[Command] = deque()
        self.calm = False

    def happens(self, chance: float) -> bool:
        return not self.calm and self.random.random() < chance

    def end(self, path: MailboxPath) -> Fence:
        """UIDs are numbered from 1 on."""
        return Fence(path, 7, len(self.boxes[path]) + 1)

    def carry_out(self) -> None:
        """The oldest command: it is stored as a whole, or refused as a whole."""
        command = self.under_way.popleft()
        command.batch.left -= 1
        if self.happens(0.3):
            event("refused")
            command.batch.refused.append(command)
            return
        self.boxes[command.path] += command.contents
        command.batch.ends[command.path] = self.end(command.path)

    def session_died(self) -> None:
        """Of what it had sent some is still stored."""
        for _ in range(self.random.randint(0, len(self.under_way))):
            self.carry_out()
        self.under_way.clear()


class FencedMemoryMailbox(MemoryMailbox):
    """A mailbox on that server."""

    quiet = 0.0

    def __init__(self, server: Server, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._server = server
        self._batches: deque[_Batch] = deque()
        self._known: dict[MailboxPath, Fence] = {}

    def fence(self, path: MailboxPath) -> Fence:
        """See `FencedMailbox`: as low as it may be."""
        if path not in self._known:
            while self._server.under_way:
                self._server.carry_out()
            self._known[path] = self._server.end(path)
        return self._known[path]

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See `FencedMailbox`."""
        self._may_break()
        batch = _Batch(deliveries)
        by_path: dict[MailboxPath, list[bytes]] = defaultdict(list)
        for one in deliveries:
            by_path[one.path].append(b"".join(one.content()))
        self._batches.append(batch)
        for path, contents in by_path.items():
            batch.left += 1
            self._server.under_way.append(Command(batch, path, contents))
        for _ in range(self._server.random.randint(0, len(self._server.under_way))):
            self._server.carry_out()

    def answers(self) -> Answered:
        """See `FencedMailbox`."""
        self._may_break()
        batch = self._batches[0]
        while batch.left:
            self._server.carry_out()
        for command in batch.refused:
            while self._server.under_way:
                self._server.carry_out()
            self._may_break()
            self._server.boxes[command.path] += command.contents
        self._batches.popleft()
        ends = {} if batch.refused or not self._server.tells else batch.ends
        for one in batch.deliveries:
            self._known.pop(one.path, None)
        self._known.update(ends)
        return Answered([Delivered()] * len(batch.deliveries), ends)

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox`."""
        self.send(deliveries)
        return self.answers().delivered

    def arrivals(self, fence: Fence) -> Arrivals:
        """See `FencedMailbox`."""
        self._known.clear()
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
            event("broken")
            self._server.session_died()
            self._batches.clear()
            self._known.clear()
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
                event("died")
            except DestinationError:
                event("gave up")
        self._server.session_died()

    def found(self) -> Counter[tuple[MailboxPath, bytes]]:
        boxes = self._server.boxes.items()
        return Counter((path, content) for path, box in boxes for content in box)


@pytest.fixture(autouse=True)
def _two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "BATCH_ITEMS", 2)


@law(200)
@given(
    contents=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(list(_FOLDERS))), min_size=1, max_size=12
    ),
    deaths=st.lists(st.integers(1, 60), max_size=4),
    seed=st.integers(0, 2**32),
    tells=st.booleans(),
)
def test_however_runs_die_and_connections_break_every_message_is_there_once(
    contents: list[tuple[int, str]], deaths: list[int], seed: int, tells: bool
) -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        server = Server(Random(seed), tells=tells)
        history = History(folder, contents, server)
        for death in deaths:
            history.run(death)
        server.calm = True
        history.run()
        assert history.found() == history.wanted
    finally:
        shutil.rmtree(folder)
