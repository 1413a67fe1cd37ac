"""A restore in which something of everything happened that an explanation has to tell."""

from __future__ import annotations

import threading
from pathlib import Path

import tampering
from damage import lose_blob
from reinstate_service.operations.session import start_verification
from reinstate_service.restore.options import Options
from reinstate_service.restore.verification.verify import Request
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from team import ALICE, DAY, restore_until_phase_3, write_backup

MESSAGE_ID = "<20260106.1@example.test>"
STRAY = "1767700000.M1P1.host"


def write_scene(folder: Path) -> None:
    """A backup, a tree and a journal in `folder`, as of one who stands in it.

    Alice's item 1001 was moved by her, 1002 failed, 1003 was deleted in the backup; a filter had
    put a message where her mountpoint belongs.
    """
    backup, tree, journal = folder / "backup", folder / "mail", folder / "reinstate.db"
    write_backup(backup)
    with BackupWriter(backup, clock=lambda: DAY, durable=False) as writer:
        for item, text in (("1002", "lost"), ("1003", "deleted")):
            content = f"Message-ID: {MESSAGE_ID}\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()
            written = writer.put_item(ALICE, item, content=content, folder="258", date=DAY)
            if item == "1002":
                lost = written.digest
        writer.delete_item(ALICE, "1003", DAY)
        writer.finish_scan(DAY)
    lose_blob(backup, lost)
    options = Options(source=str(backup), destination=f"maildir:{tree}")
    restore_until_phase_3(journal, options)
    alice = tree / "example.test/alice/Maildir"
    team = alice / ".Team"
    for part in ("cur", "new", "tmp"):
        (team / part).mkdir(parents=True)
    (team / "cur" / f"{STRAY},S=20:2,").write_text("Subject: [team] x\n\nx\n")
    restore_here(journal, options)
    tampering.move_message(alice / ".Work", alice / ".Trash")
    start_verification(journal, None, Request(), lambda _: None, threading.Event())
