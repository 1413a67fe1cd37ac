"""A backup, a destination in memory with its users, and a restore between the two."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path as File
from typing import cast

from property.serving import Server
from property.stepping import Pausing, PausingDestination, PhaseSeen, SteppedRestore
from reinstate_journal import open_journal
from reinstate_journal.events import account_stream
from reinstate_journal.journal import Journal
from reinstate_service.destination.contract import Destination
from reinstate_service.destination.memory import MemoryDestination, State
from reinstate_service.mapping.paths import source_paths
from reinstate_service.mapping.sieve.lexer import quoted
from reinstate_service.model import (
    Account,
    Domain,
    Filters,
    Folder,
    Grant,
    GranteeType,
    Path,
    Role,
)
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import restore_id, run_restore
from reinstate_service.source.backup_path import BackupWriter
from reinstate_service.source.open import open_source
from reinstate_service.testing.mountpoints import Sharing, SharingAccount

DAY = 1_767_690_000_000
QUOTA = 1 << 30
_SYSTEM = (Folder("2", "", "Inbox", role=Role.INBOX), Folder("5", "", "Sent", role=Role.SENT))
_APPENDS = frozenset({"append", "append_all"})


class World:
    """One example. `restore` is the run in hand; `clock` gives the journal's milliseconds. With
    an `identity` the ids of backup and destination follow from it, and so does the restore's."""

    def __init__(
        self,
        sharing: Sharing,
        identity: str = "",
        clock: Callable[[], int] | None = None,
        concurrent: int = 1,
    ) -> None:
        memory = File("/dev/shm")
        self.folder = File(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.sharing = sharing
        self.backed_up = write_backup(
            self.folder / "backup", sharing, identity and f"source of {identity}"
        )
        self.state = State(identity) if identity else State()
        self.server = Server(self.state, sharing.namespace)
        self.options = Options(
            str(self.folder / "backup"), "memory:", concurrent_accounts=concurrent
        )
        self.source = open_source(self.options.source)
        self.restore_id = restore_id(self.source.identity().server_id, self.state.identity)
        shutil.copyfile(_empty_journal(), self.folder / "reinstate.db")
        self._clock = clock
        self.journal: Journal = open_journal(self.folder / "reinstate.db", clock=clock)
        self.seen = PhaseSeen()
        self.restore: SteppedRestore | None = None

    def close(self) -> None:
        """Ends everything."""
        self.crash()
        self.journal.close()
        shutil.rmtree(self.folder)

    def stream(self, account: str) -> str:
        """The stream of the account with this id."""
        return account_stream(self.restore_id, account)

    def step(self, until: Callable[[], bool] = lambda: True) -> None:
        """The restore does its next step, or all until something is so; one that is at its end
        or dead begins again."""
        if self.restore is None:
            self.seen = PhaseSeen()
            self.restore = SteppedRestore(lambda pause: self.run(pause, pause))
        else:
            self.restore.step(until)
        if self.restore.ended:
            ended, self.restore = self.restore, None
            if ended.failure is not None:
                raise ended.failure

    def crash(self) -> None:
        """The process dies, and the journal's writer with it."""
        if self.restore is not None:
            self.restore.die()
            self.restore = None
            self.reopen()

    def reopen(self) -> None:
        """The journal as the next process finds it."""
        self.journal.close()
        self.journal = open_journal(self.folder / "reinstate.db", clock=self._clock)

    def go_on_until(self, there: Callable[[], bool]) -> None:
        """Goes on until something is so, or to the end."""
        self.step(there)
        while self.restore is not None and not there():
            self.step(there)

    def finish(self) -> None:
        """Goes on to the end."""
        self.go_on_until(lambda: False)

    def maps(self) -> list[tuple[object, ...]]:
        """Everything that the container map says of every account."""
        containers = self.journal.containers
        return [
            (
                containers.folders(stream),
                containers.merged(stream),
                containers.mountpoints(stream),
                containers.redirects(stream),
                containers.filters(stream),
                containers.relocating(stream),
                containers.moved(stream),
            )
            for stream in (self.stream(account.id) for account in self.sharing.accounts)
        ]

    def run(
        self,
        at_effects: Callable[[], None],
        at_appends: Callable[[], None],
        connected: Callable[[Destination], Destination] = lambda destination: destination,
    ) -> None:
        """Restores once, in this thread; calls these before and after every effect and append.
        `connected` is what the restore reaches the destination by."""
        destination = connected(MemoryDestination(self.state, self.sharing.namespace))
        run_restore(
            self.source,
            cast("Destination", PausingDestination(destination, at_effects)),
            cast("Journal", Pausing(self.journal, at_appends, _APPENDS)),
            self.options,
            version="test",
            observer=self.seen,
            stop=threading.Event(),
        )


@cache
def _empty_journal() -> File:
    """A journal without events: making one takes longer than most examples."""
    path = File(tempfile.mkdtemp()) / "empty.db"
    open_journal(path).close()
    return path


def write_backup(path: File, sharing: Sharing, server: str = "") -> dict[bytes, tuple[str, str]]:
    """The backup of these accounts; answers account and folder id of every item by its content.

    Who has a mountpoint may do everything in the folder that it shows.
    """
    items = {}
    with BackupWriter(path, server or None, clock=lambda: DAY, durable=False) as writer:
        for name in ("example.com", "example.org"):
            writer.put_domain(Domain(name.replace(".", "-"), name))
        for account in sharing.accounts:
            filters = Filters(incoming=script_of(account))
            writer.put_account(Account(account.id, account.address, quota=QUOTA, filters=filters))
            for folder in (*_SYSTEM, *account.folders):
                grants = _grants(account.id, folder, sharing)
                writer.put_folder(
                    account.id,
                    Folder(folder.id, folder.parent, folder.name, role=folder.role, grants=grants),
                )
            for mountpoint in account.mountpoints:
                writer.put_mountpoint(account.id, mountpoint)
            for number, folder in enumerate((*_SYSTEM, *account.folders), start=1000):
                content = f"item {account.id} {number}".encode()
                writer.put_item(
                    account.id, str(number), content=content, folder=folder.id, date=DAY
                )
                items[content] = (account.id, folder.id)
        writer.finish_scan(DAY)
    return items


def _grants(owner: str, folder: Folder, sharing: Sharing) -> tuple[Grant, ...]:
    return tuple(
        Grant(account.id, GranteeType.USER, "rwidxc")
        for account in sharing.accounts
        if any((one.owner, one.remote) == (owner, folder.id) for one in account.mountpoints)
    )


def script_of(account: SharingAccount) -> str:
    """A script that files where the account's filters do, into its first folders, and into one
    that is nowhere else; every other rule makes its folder."""
    sources = source_paths((*account.folders, *account.mountpoints))
    paths: list[Path] = [
        *account.existing.filed,
        *(sources[folder.id] for folder in account.folders[:2]),
        ("Fresh", "One"),
    ]
    literal = [path for path in paths if not any(set("/\r\n\0") & set(part) for part in path)]
    rules = [
        f'if header :contains "subject" "[{number}]" {{\n'
        f"    fileinto {':create ' if number % 2 else ''}{quoted('/'.join(path))};\n    stop;\n}}\n"
        for number, path in enumerate(dict.fromkeys(literal))
    ]
    return 'require ["fileinto", "mailbox"];\n' + "".join(rules)


def mounted_paths(account: SharingAccount) -> list[Path]:
    """Where the backup has the account's mountpoints."""
    sources = source_paths((*account.folders, *account.mountpoints))
    return [sources[mountpoint.id] for mountpoint in account.mountpoints]
