"""The restore whose power is cut: small, with everything that phases 1 to 3 do.

Run as `python -m crash.powered FOLDER MOUNTPOINTS [BUG]` it does it in a process of its
own, with a bug planted in it that the same test has to find.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reinstate_journal import open_reader
from reinstate_journal.events import MountpointMapped
from reinstate_journal.sqlite.backup import flush
from reinstate_journal.sqlite.writer import SqliteJournal
from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.open import open_destination
from reinstate_service.model import (
    Account,
    DataSource,
    Filters,
    Flag,
    Folder,
    Item,
    ItemType,
)
from reinstate_service.operations.sample_content import salted_hash
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from team import ALICE, DAY, SCRIPT, SECRET, restore_until_phase_3, write_backup

ADDRESSES = ("alice@example.test", "bob@example.test")
_STRAY = {("Team",): 2, ("Team", "Old"): 1}


class Place:
    """Where a restore and its backup lie: tree and journal on two disks of their own."""

    def __init__(self, folder: Path, backup: Path, mountpoints: str) -> None:
        self.disks = (folder / "tree", folder / "journal")
        self.tree = folder / "tree" / "mail"
        self.journal = folder / "journal" / "reinstate.db"
        self.options = Options(
            str(backup),
            f"maildir:{self.tree}",
            mountpoints=mountpoints,
            concurrent_accounts=1,
        )


def write_whole_backup(path: Path) -> None:
    """The backup of `team`, with quotas, flags, keywords, a collection and a large message."""
    write_backup(path)
    hashed = salted_hash(SECRET, b"saltsalt")
    with BackupWriter(path, clock=lambda: DAY + 1, durable=False) as writer:
        source = DataSource("900", "old server", "imap", "imap.example.test", 993, "alice")
        writer.put_account(
            Account(
                ALICE,
                ADDRESSES[0],
                password=hashed,
                quota=10_000_000,
                filters=Filters(incoming=SCRIPT, before="keep;\n"),
                data_sources=(source,),
            )
        )
        writer.put_folder(ALICE, Folder("270", "258", "2026.1"))
        writer.put_folder(ALICE, Folder("271", "", "People", view=ItemType.CONTACT))
        flags = Flag.SEEN | Flag.FORWARDED
        for number, size in enumerate((40, 700, 20_000), start=2000):
            content = f"Subject: {number}\r\n\r\n".encode() + b"%d\r\n" % number * size
            writer.put_item(
                ALICE,
                str(number),
                content=content[:size],
                folder="270",
                date=DAY - number * 1000,
                flags=flags,
                tags=("todo", "later"),
            )
        writer.put_item(
            ALICE,
            "2100",
            content=b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bob\r\nEND:VCARD\r\n",
            folder="271",
            date=DAY,
            type=ItemType.CONTACT,
            tags=("todo",),
        )
        writer.finish_scan(DAY + 1)


def restore_with_strays(place: Place) -> None:
    """Restores to the end. When phase 2 is through, filters put mail where a mountpoint
    belongs, if it is not decided yet what becomes of that."""
    restore_until_phase_3(place.journal, place.options)
    with open_reader(place.journal) as reader:
        decided = any(True for _ in reader.read(types=[MountpointMapped]))
    if not decided:
        destination = open_destination(place.options.destination)
        with destination.mailbox(ADDRESSES[0]) as mailbox:
            for path, number in _STRAY.items():
                mailbox.deliver([_mail(path, one) for one in range(number)])
        destination.close()
        _cache_granted_folders(place)
    restore_here(place.journal, place.options)


def _cache_granted_folders(place: Place) -> None:
    """What Dovecot does when the owner logs in; with the next grant it has to go."""
    cache = place.tree / "example.test" / "bob" / "Maildir" / "dovecot-acl-list"
    cache.write_bytes(b"")
    for path in (cache, cache.parent):
        flush(path)


def _mail(path: tuple[str, ...], number: int) -> Delivery:
    content = f"Subject: {'/'.join(path)} {number}\n\nx\n".encode()
    item = Item("m", ItemType.MESSAGE, "", DAY + number * 1000, len(content), "", Flag.SEEN)
    return Delivery(f"M{number}P{len(path)}", path, item, ("mine",), lambda: iter([content]))


class OutcomeBeforeFlush:
    """What the destination does is flushed only after it has been recorded as done."""

    def plant(self) -> None:
        """Plants the bug in this process."""
        append: Callable[..., Any] = SqliteJournal.append

        def append_and_flush(journal: SqliteJournal, *arguments: Any) -> Any:
            version = append(journal, *arguments)
            os.sync()
            return version

        setattr(SqliteJournal, "append", append_and_flush)  # noqa: B010
        for name in ("flush", "_flush_file_system"):
            setattr(Disk, name, lambda _disk, _descriptor: None)


class RenameWithoutFolderFlush:
    """Files are flushed and given their names, but the folders they are in are not flushed."""

    def plant(self) -> None:
        """Plants the bug in this process."""

        def flush_nothing(_disk: Disk, _directories: Sequence[int]) -> None: ...

        setattr(Disk, "flush_directories", flush_nothing)  # noqa: B010


BUGS = {bug.__name__: bug for bug in (OutcomeBeforeFlush, RenameWithoutFolderFlush)}


def main(folder: str, backup: str, mountpoints: str, bug: str = "") -> None:
    """Restores in this process."""
    if bug:
        BUGS[bug]().plant()
    restore_with_strays(Place(Path(folder), Path(backup), mountpoints))


if __name__ == "__main__":
    main(*sys.argv[1:])
