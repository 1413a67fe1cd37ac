"""A tool that brings 500 messages to a live server, and is struck at one of its commands.

A strike kills the tool or cuts its connection: before the command, in the middle of it (in a
literal, if it has one), behind it, or behind the server's answer. The tool is then started
again until it ends well, and what the server has is compared with what it is to have.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import product
from pathlib import Path
from typing import ClassVar, NamedTuple

from tests.bench.comparing import Difference, compare
from tests.bench.kills import made_messages

from crash.killing import CONTEXT
from crash.proxy import CUTS, Mischief, Proxy
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.errors import ReinstateError
from reinstate_journal.events import ItemRestored
from reinstate_service.destination.imap import pace
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.restore import items
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from system.live import LiveServer, mbsync_quoted
from team import ALICE, DAY

ADDRESS = "alice@example.test"
#: So many messages go in one batch of ours: there are ten, each into two mailboxes.
BATCH = 50
#: How often a tool may be started again.
_STARTS = 6


def five_hundred() -> list[bytes]:
    """Each tenth message of every other batch lies in the same folder in the batch before already:
    such two batches go over one connection, the next two over another."""
    found = made_messages(500)
    for number in range(BATCH + 1, 500, 10):
        if number // BATCH % 2:
            found[number] = found[number - BATCH - 1]
    return found


def folder_of(number: int) -> str:
    """Two of three messages lie in the inbox."""
    return "INBOX" if number % 3 else "Work"


class Strike(NamedTuple):
    """What happens, at the so manieth command."""

    place: int
    cut: Mischief
    kills: bool

    def __str__(self) -> str:
        return f"{self.place} {self.cut.name} {'kill' if self.kills else 'cut'}"


class Running(NamedTuple):
    """A tool at work; `wait` answers its exit code."""

    pid: int
    wait: Callable[[], int]


class Tool:
    """Brings the messages to Alice's mailboxes; all that it keeps lies in `folder`."""

    name: ClassVar[str]

    def __init__(self, live: LiveServer, messages: Sequence[bytes], folder: Path) -> None:
        self.live = live
        self.messages = messages
        self.folder = folder

    def forget(self) -> None:
        """Nothing was brought yet."""
        raise NotImplementedError

    def start(self, port: int) -> Running:
        """Begins, or goes on."""
        raise NotImplementedError

    def check(self) -> None:
        """What it has written down has to be right."""


class Ours(Tool):
    """reinstate; its journal is `reinstate.db`."""

    name = "reinstate"

    def __init__(self, live: LiveServer, messages: Sequence[bytes], folder: Path) -> None:
        super().__init__(live, messages, folder)
        live.configure(timeout=10, identity="the server")
        self.journal = folder / "reinstate.db"
        with BackupWriter(folder / "backup", clock=lambda: DAY, durable=False) as writer:
            writer.put_domain(Domain("d", "example.test"))
            writer.put_account(Account(ALICE, ADDRESS))
            writer.put_folder(ALICE, Folder("2", "", "Inbox", role=Role.INBOX))
            writer.put_folder(ALICE, Folder("258", "", "Work"))
            for number, content in enumerate(messages):
                place = "2" if folder_of(number) == "INBOX" else "258"
                writer.put_item(ALICE, str(1000 + number), content=content, folder=place, date=DAY)
            writer.finish_scan(DAY)

    def forget(self) -> None:
        """See `Tool`."""
        for path in self.folder.glob("reinstate.db*"):
            path.unlink()

    def options(self, port: int) -> Options:
        """What the restore is asked to do."""
        return self.live.options(self.folder / "backup", f"imap://127.0.0.1:{port}")

    def start(self, port: int) -> Running:
        """See `Tool`."""
        process = CONTEXT.Process(target=_restore, args=(self.journal, self.options(port)))
        process.start()
        assert process.pid is not None

        def wait() -> int:
            process.join()
            assert process.exitcode is not None
            return process.exitcode

        return Running(process.pid, wait)

    def check(self) -> None:
        """See `Tool`."""
        assert check(self.journal) == []
        with open_reader(self.journal) as reader:
            told = [one.event for one in reader.read(types=[ItemRestored])]
        assert len(told) == len(self.messages)


def _restore(journal: Path, options: Options) -> None:
    items.BATCH_ITEMS = BATCH
    pace._FIRST_DELAY = 0.01
    try:
        whole = restore_here(journal, options).outcome == "finished"
    except ReinstateError as error:
        raise SystemExit(error.exit_code) from None
    raise SystemExit(0 if whole else 3)


class Mbsync(Tool):
    """isync, from a Maildir, with its state beside it."""

    name = "mbsync"
    _CONFIGURATION = """\
IMAPStore destination
Host 127.0.0.1
Port {port}
User {user}
Pass {word}
SSLType None
AuthMechs PLAIN
DisableExtension COMPRESS=DEFLATE

MaildirStore backup
Path {folder}/maildir/
Inbox {folder}/maildir/INBOX
SubFolders Verbatim

Channel restore
Far :destination:
Near :backup:
Patterns INBOX Work
Create Far
Sync Push
SyncState {folder}/state/
"""

    def __init__(self, live: LiveServer, messages: Sequence[bytes], folder: Path) -> None:
        super().__init__(live, messages, folder)
        self._whole = folder / "whole"
        for name, part in product(("INBOX", "Work"), ("cur", "new", "tmp")):
            (self._whole / name / part).mkdir(parents=True)
        for number, content in enumerate(messages):
            name = f"{DAY // 1000}.M{number:03}.old.test:2,S"
            (self._whole / folder_of(number) / "cur" / name).write_bytes(content)

    def forget(self) -> None:
        """See `Tool`."""
        for name in ("maildir", "state"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(self._whole, self.folder / "maildir")
        (self.folder / "state").mkdir()

    def start(self, port: int) -> Running:
        """See `Tool`."""
        written = self.folder / "mbsyncrc"
        user, word = self.live.own_login(ADDRESS)
        written.write_text(
            self._CONFIGURATION.format(
                port=port, user=user, word=mbsync_quoted(word), folder=self.folder
            ),
            encoding="utf-8",
        )
        process = subprocess.Popen(
            ["mbsync", "-q", "-c", str(written), "-a"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return Running(process.pid, process.wait)


def commands_of(tool: Tool) -> list[bytes]:
    """What it says when nothing strikes it."""
    tool.live.empty()
    tool.forget()
    with Proxy(tool.live.imap_port) as proxy:
        code = tool.start(proxy.port).wait()
    assert code == 0, f"{tool.name}: exit {code}"
    assert difference(tool)[:2] == (0, 0)
    return proxy.commands


def strikes(places: Sequence[int]) -> Iterator[Strike]:
    """Each kind at each place."""
    return (Strike(*one) for one in product(places, CUTS, (True, False)))


def struck(tool: Tool, strike: Strike) -> Difference | None:
    """What is different in the end; None if the tool was through before."""
    tool.live.empty()
    tool.forget()
    running: Future[Running] = Future()

    def kill() -> None:
        if strike.kills:
            os.kill(running.result().pid, signal.SIGKILL)

    with Proxy(tool.live.imap_port, strike.place, strike.cut, kill) as proxy:
        running.set_result(tool.start(proxy.port))
        code = running.result().wait()
    for _ in range(_STARTS):
        if code == 0:
            break
        code = tool.start(tool.live.imap_port).wait()
    assert code == 0, f"{strike}: exit {code}"
    tool.check()
    return difference(tool) if proxy.struck else None


def difference(tool: Tool) -> Difference:
    """What the server has beside what it is to have."""
    return compare(tool.messages, tool.live.messages(ADDRESS))
