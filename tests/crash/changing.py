"""A small restore that dies in the middle of alice's items, so that the world may change then."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
from collections import Counter
from pathlib import Path

import oracle
from crash.killing import CONTEXT, outcome_of
from crash.small import ADDRESSES
from crash.stage import Death
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Flag, Tag
from reinstate_service.operations.report import make_report
from reinstate_service.restore import items
from reinstate_service.restore.options import Options
from reinstate_service.restore.sending import OverlappingSender
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from team import ALICE, DAY, write_backup

_NO_FLAGS = Flag(0)
#: alice's items, in the order in which they are restored, two at a time.
ITEMS = ("1001", "1002", "1003", "1004")
#: Where the first two are recorded, and of the other two: none lies there; one; both, durably.
DECIDED = Death(At.BATCH_DECIDED.name, 2)
HALF = Death(At.ITEM_RENAMED.name, 3)
DELIVERED = Death(At.BATCH_DELIVERED.name, 2)
#: Where all four are recorded.
RECORDED = Death(At.ITEMS_RECORDED.name)


def content(item: str) -> bytes:
    """The message that an item is."""
    return f"Subject: restored {item}\r\n\r\nbody\r\n".encode()


def digest_of(item: str) -> str:
    """The digest of that message, as a backup writes it."""
    return base64.b64encode(hashlib.sha256(content(item)).digest()).decode().replace("/", ",")


class Changing:
    """A backup, the restore of it, and what lies on its destination."""

    def __init__(self, folder: Path) -> None:
        """`folder` may be new."""
        self.backup = folder / "backup"
        self.journal = folder / "reinstate.db"
        self._mail = folder / "mail"
        self.maildir = self._mail / "example.test" / "alice" / "Maildir"
        self.work = self.maildir / ".Work"
        self._options = Options(
            str(self.backup), f"maildir:{self._mail}", mountpoints="shared", concurrent_accounts=1
        )
        write_backup(self.backup)
        with self.scan(DAY) as writer:
            writer.put_tag(ALICE, Tag("64", "todo"))
            for item in ITEMS[1:]:
                flags = Flag.FLAGGED if item == ITEMS[2] else _NO_FLAGS
                put_message(writer, item, "258", flags)
            writer.finish_scan()

    def scan(self, when: int) -> BackupWriter:
        """What writes the backup's next scan."""
        return BackupWriter(self.backup, clock=lambda: when, durable=False)

    def die(self, death: Death) -> None:
        """Restores in a process that must end itself there."""
        process = CONTEXT.Process(target=_restore, args=(self.journal, self._options, death))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    def restore(self) -> None:
        """Restores to the end; another run finds nothing to do, the journal is whole, and
        nothing is left in tmp/."""
        restore_here(self.journal, self._options)
        settled = outcome_of(ADDRESSES, self._mail, self.journal)
        assert not restore_here(self.journal, self._options).began
        assert outcome_of(ADDRESSES, self._mail, self.journal) == settled
        assert check(self.journal) == []
        assert not [file for tmp in self.maildir.rglob("tmp") for file in tmp.iterdir()]

    def lying(self) -> Counter[oracle.Lying]:
        """What lies on the destination."""
        destination = open_destination(self._options.destination)
        found = oracle.found(destination, ADDRESSES)
        destination.close()
        return found

    def failures(self) -> list[tuple[str, str]]:
        """The items that the journal says have failed, and why."""
        with open_reader(self.journal) as reader:
            return [(one.item, one.failure) for one in make_report(reader).failures]


def put_message(writer: BackupWriter, item: str, folder: str, flags: Flag = _NO_FLAGS) -> None:
    """Puts one of alice's messages into the backup, or a further state of it."""
    writer.put_item(
        ALICE,
        item,
        content=content(item),
        folder=folder,
        date=DAY,
        flags=flags,
        tags=("todo",) if int(item) % 2 == 0 else (),
    )


def _restore(journal: Path, options: Options, death: Death) -> None:
    """What a process does, two items at a time: no others are under way meanwhile."""
    items.BATCH_ITEMS, OverlappingSender.ahead = 2, 0
    hits = 0

    def look(point: Point) -> None:
        nonlocal hits
        hits += point.name == death.point
        if hits == death.hit:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(look)
    restore_here(journal, options)
