"""A share between two accounts, and a restore of it that stops before phase 3."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from reinstate_journal.errors import Interrupted
from reinstate_service.model import (
    Account,
    Domain,
    Filters,
    Folder,
    Grant,
    GranteeType,
    Mountpoint,
    Role,
)
from reinstate_service.operations.sample_content import salted_hash
from reinstate_service.operations.session import start_restore
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter

ALICE, BOB = "11111111-0000-4000-8000-00000000000a", "11111111-0000-4000-8000-00000000000b"
SECRET = "secret"
DAY = 1_767_690_000_000
SCRIPT = """require ["fileinto", "mailbox", "copy"];
# the rule for "Team" files into "Team"
if header :contains "subject" "[team]" { fileinto :create "Team"; stop; }
if header :contains "subject" "[old]" { fileinto :create "Team/Old"; stop; }
if header :contains "subject" "[workshop]" { fileinto :create "Teamwork"; stop; }
if header :contains "subject" "[work]" { fileinto :create "Work"; stop; }
"""
SYSTEM_FOLDERS = (
    Folder("2", "", "Inbox", role=Role.INBOX),
    Folder("5", "", "Sent", role=Role.SENT),
    Folder("3", "", "Trash", role=Role.TRASH),
)


class StopsAfterPhase2(Observer):
    """An administrator who interrupts when phase 3 begins."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002 - only the phase counts
        if phase == 3:
            self.stop.set()


def write_backup(path: Path, *, owner: str = BOB) -> None:
    """A backup in which alice has a mountpoint of a folder, and a filter that files there.

    `owner` is whose folder `Team` it shows.
    """
    hashed = salted_hash(SECRET, b"saltsalt")
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        script = Filters(incoming=SCRIPT)
        writer.put_account(Account(ALICE, "alice@example.test", password=hashed, filters=script))
        writer.put_account(Account(BOB, "bob@example.test", password=hashed))
        for account in (ALICE, BOB):
            for folder in SYSTEM_FOLDERS:
                writer.put_folder(account, folder)
        grants = (Grant(ALICE, GranteeType.USER, "rwidxc"),)
        writer.put_folder(BOB, Folder("257", "", "Team", grants=grants))
        writer.put_folder(ALICE, Folder("258", "", "Work"))
        writer.put_mountpoint(ALICE, Mountpoint("300", "", "Team", owner, "257"))
        for number, (account, folder) in enumerate(((BOB, "257"), (ALICE, "258")), start=1000):
            content = f"Subject: restored {number}\r\n\r\nbody\r\n".encode()
            writer.put_item(account, str(number), content=content, folder=folder, date=DAY)
        writer.finish_scan(DAY)


def restore_until_phase_3(journal: Path, options: Options) -> None:
    """Restores as far as the end of phase 2."""
    observer = StopsAfterPhase2()
    with pytest.raises(Interrupted):
        start_restore(journal, options, observer, observer.stop)
