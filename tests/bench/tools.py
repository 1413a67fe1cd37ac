"""reinstate and the tools that an administrator would take instead, each at the same work:
to bring the messages of one account into its INBOX on a Dovecot.

A tool is a context: a fresh, empty destination behind a Dovecot of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from tests.running import COMMAND
from tests.system.dovecot import BINARY, Dovecot, tree_owner

from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.operations.sample_content import salted_hash
from reinstate_service.source.backup_path import BackupWriter

PASSWORD = "secret"
_PATIENCE = 60.0
_DAY = 1_767_690_000_000
_DOMAIN = Domain("d", "example.test")
ACCOUNT = Account(
    "11111111-0000-4000-8000-00000000000a",
    "ann@example.test",
    password=salted_hash(PASSWORD, b"saltsalt"),
)


class Sources(NamedTuple):
    """The same messages as a Backup Path and as a Maildir."""

    backup: Path
    maildir: Path


def write_sources(folder: Path, messages: Iterable[bytes]) -> Sources:
    """Makes both in `folder`."""
    sources = Sources(folder / "backup", folder / "maildir")
    for name in ("cur", "new", "tmp"):
        (sources.maildir / name).mkdir(parents=True)
    with BackupWriter(sources.backup, clock=lambda: _DAY, durable=False) as writer:
        writer.put_domain(_DOMAIN)
        writer.put_account(ACCOUNT)
        writer.put_folder(ACCOUNT.id, Folder("2", "", "Inbox", role=Role.INBOX))
        for number, content in enumerate(messages, start=1000):
            writer.put_item(ACCOUNT.id, str(number), content=content, folder="2", date=_DAY)
            name = f"{_DAY // 1000}.M{number}.old.test:2,S"
            (sources.maildir / "cur" / name).write_bytes(content)
        writer.finish_scan(_DAY)
    return sources


class Tool:
    """What all of them have: `folder` is theirs alone, `sources` everybody's.

    `shown` is the command as the documents show it. `patient`: after a kill it is started
    again only when the server has let go of the session that died, not at once.
    """

    name: ClassVar[str]
    shown: ClassVar[str]
    patient: ClassVar[bool] = True

    def __init__(self, sources: Sources, folder: Path) -> None:
        self.sources = sources
        self.folder = folder
        self.tree = folder / "mail"
        MaildirDestination(self.tree, owner=tree_owner()).close()
        self._inbox = self.tree / "example.test" / "ann" / "Maildir"
        self.server = Dovecot(self.tree)

    def __enter__(self) -> Self:
        self.prepare()
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, traceback)

    @classmethod
    def version(cls) -> str:
        """As the tool itself tells it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Makes what the tool wants to find. Dovecot does not run yet."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """What starts the tool, for the first time and after a kill."""
        raise NotImplementedError

    def messages(self) -> list[bytes]:
        """Every message on the destination, in whatever folder, as Dovecot shows it."""
        found: list[bytes] = []
        with self.server.imap(ACCOUNT.address, PASSWORD) as client:
            for _, _, folder in client.list_folders():
                client.select_folder(folder, readonly=True)
                numbers = client.search()
                fetched = client.fetch(numbers, ["BODY.PEEK[]"]) if numbers else {}
                found += [data[b"BODY[]"] for data in fetched.values()]
        return found

    def begun(self) -> bool:
        """Whether a file of a message was begun."""
        return any(self._files("tmp", "new", "cur"))

    def standing(self) -> int:
        """How many messages there are, counted as files: nobody is disturbed."""
        return sum(1 for _ in self._files("new", "cur"))

    def settle(self) -> None:
        """Waits until the server has let go of the session that died."""
        asked = ["doveadm", "-c", str(self.server.configuration), "who"]
        deadline = time.monotonic() + _PATIENCE
        while self.patient and ACCOUNT.address in _output(asked):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{ACCOUNT.address} is still logged in")

    def _files(self, *folders: str) -> Iterator[Path]:
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                yield from (self._inbox / folder).iterdir()

    def _provision(self) -> None:
        """Makes the account, which tools that move only mail expect to be there."""
        destination = MaildirDestination(self.tree, owner=tree_owner())
        destination.put_domain(_DOMAIN)
        destination.put_account(ACCOUNT)
        destination.configure_account(ACCOUNT, "", True)
        destination.close()

    def _copy_of_the_maildir(self) -> Path:
        """Tools write into the Maildir that they read from; it belongs to the mail user."""
        copy = self.folder / "maildir"
        shutil.copytree(self.sources.maildir, copy)
        if owner := tree_owner():
            for path in (copy, *copy.rglob("*")):
                os.chown(path, *owner)
        return copy


class Reinstate(Tool):
    """Ours, which makes the account as well."""

    name = "reinstate"
    shown = "reinstate restore BACKUP maildir:MAIL --journal r.db"

    @classmethod
    def version(cls) -> str:
        return _output([*COMMAND, "--version"])

    def prepare(self) -> None:
        """It wants nothing but the destination."""

    def command(self) -> list[str]:
        journal = str(self.folder / "r.db")
        return [
            *COMMAND,
            *("restore", str(self.sources.backup), f"maildir:{self.tree}", "--journal", journal),
        ]


class Mbsync(Tool):
    """isync: from a Maildir to an IMAP account, with a state of its own beside."""

    name = "mbsync"
    shown = "mbsync -c mbsyncrc -a"
    configuration = """\
IMAPStore destination
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

MaildirStore backup
Inbox {maildir}

Channel restore
Far :destination:
Near :backup:
Patterns INBOX
Sync Push
SyncState {state}/
"""

    @classmethod
    def version(cls) -> str:
        return _output(["mbsync", "--version"])

    def prepare(self) -> None:
        self._provision()
        state = self.folder / "state"
        state.mkdir()
        text = self.configuration.format(
            port=self.server.imap_port,
            user=ACCOUNT.address,
            password=PASSWORD,
            maildir=self._copy_of_the_maildir(),
            state=state,
        )
        (self.folder / "mbsyncrc").write_text(text, encoding="utf-8")

    def command(self) -> list[str]:
        return ["mbsync", "-c", str(self.folder / "mbsyncrc"), "-a"]


class MbsyncAtOnce(Mbsync):
    """Started again while the server still stores what the killed one had sent."""

    name = "mbsync, again at once"
    patient = False


class DoveadmImport(Tool):
    """Dovecot's own: from a Maildir straight into the user's mailboxes."""

    name = "doveadm import"
    shown = 'doveadm -c dovecot.conf import -u ann@example.test maildir:MAILDIR "" all'

    @classmethod
    def version(cls) -> str:
        return f"Dovecot {_output([str(BINARY), '--version'])}"

    def prepare(self) -> None:
        self._provision()
        self._source = self._copy_of_the_maildir()

    def command(self) -> list[str]:
        asked = ("import", "-u", ACCOUNT.address, f"maildir:{self._source}", "", "all")
        return ["doveadm", "-c", str(self.server.configuration), *asked]


class DoveadmBackup(DoveadmImport):
    """Dovecot's own: makes the user's mailboxes what the Maildir is, from one that has none
    yet: it would have to delete an INBOX that is another than the Maildir's, and cannot."""

    name = "doveadm backup"
    shown = "doveadm -c dovecot.conf backup -R -u ann@example.test maildir:MAILDIR"

    def prepare(self) -> None:
        super().prepare()
        shutil.rmtree(self._inbox)

    def command(self) -> list[str]:
        asked = ("backup", "-R", "-u", ACCOUNT.address, f"maildir:{self._source}")
        return ["doveadm", "-c", str(self.server.configuration), *asked]


#: Those that are killed and started again (tests/bench/peers.py).
TOOLS: tuple[type[Tool], ...] = (Reinstate, Mbsync, MbsyncAtOnce, DoveadmImport)


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
