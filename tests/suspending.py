"""A backup with which more goes wrong than an administrator may want to bear."""

from __future__ import annotations

from pathlib import Path

from damage import blob_path, lose_blob
from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check
from reinstate_service.model import Item
from reinstate_service.operations.approval import Approval, approve
from reinstate_service.operations.report import Report, make_report
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from team import ALICE, BOB, DAY, write_backup


class Place:
    """A backup of which three items of alice and one of bob have lost their content."""

    def __init__(self, folder: Path) -> None:
        self.backup, self.journal = folder / "backup", folder / "j.db"
        self.options = Options(
            source=str(self.backup),
            destination=f"maildir:{folder / 'mail'}",
            concurrent_accounts=1,
        )
        write_backup(self.backup)
        self.lost: list[Item] = []
        with BackupWriter(self.backup, clock=lambda: DAY, durable=False) as writer:
            for account, number in ((ALICE, 2001), (ALICE, 2002), (ALICE, 2003), (BOB, 2004)):
                content = f"Subject: {number}\r\n\r\n".encode() * 9
                folder_id = "258" if account == ALICE else "257"
                self.lost.append(
                    writer.put_item(
                        account, str(number), content=content, folder=folder_id, date=DAY
                    )
                )
            writer.finish_scan(DAY)
        self.kept = {
            item.digest: blob_path(self.backup, item.digest).read_bytes() for item in self.lost
        }
        for item in self.lost:
            lose_blob(self.backup, item.digest)

    def mend(self) -> None:
        for item in self.lost:
            blob_path(self.backup, item.digest).write_bytes(self.kept[item.digest])

    def report(self) -> Report:
        assert check(self.journal) == []
        with open_reader(self.journal) as reader:
            return make_report(reader)

    def approve(self, approval: Approval) -> int:
        with open_journal(self.journal) as writer:
            (restore,) = writer.progress.restores()
            return len(approve(writer, restore.restore, approval))
