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

from crash.small import put_strays
from reinstate_journal import open_reader
from reinstate_journal.events import MountpointMapped
from reinstate_journal.sqlite.backup import flush
from reinstate_journal.sqlite.writer import SqliteJournal
from reinstate_service import threads
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.open import open_destination
from reinstate_service.restore import items
from reinstate_service.restore.options import Options
from running import restore_here
from team import restore_until_phase_3


class Place:
    """Where a restore and its backup lie: tree and journal on two disks of their own. Where
    mountpoints are symlinks, messages are the backup's gzip files, equal ones names of one."""

    def __init__(self, folder: Path, backup: Path, mountpoints: str) -> None:
        self.disks = (folder / "tree", folder / "journal")
        self.tree = folder / "tree" / "mail"
        self.journal = folder / "journal" / "reinstate.db"
        self.options = Options(
            str(backup),
            f"maildir:{self.tree}",
            mountpoints=mountpoints,
            compress="keep" if mountpoints == "symlink" else "none",
            dedupe="link" if mountpoints == "symlink" else "none",
            concurrent_accounts=1,
        )


def restore_with_strays(place: Place) -> None:
    """Restores to the end. When phase 2 is through, filters put mail where a mountpoint
    belongs, if it is not decided yet what becomes of that."""
    restore_until_phase_3(place.journal, place.options)
    with open_reader(place.journal) as reader:
        decided = any(True for _ in reader.read(types=[MountpointMapped]))
    if not decided:
        destination = open_destination(place.options.destination)
        put_strays(destination)
        destination.close()
        _cache_granted_folders(place)
    restore_here(place.journal, place.options)


def _cache_granted_folders(place: Place) -> None:
    """What Dovecot does when the owner logs in; with the next grant it has to go."""
    cache = place.tree / "example.test" / "bob" / "Maildir" / "dovecot-acl-list"
    cache.write_bytes(b"")
    for path in (cache, cache.parent):
        flush(path)


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
    # Of few messages as well, one is flushed and named while threads write the next one.
    items.BATCH_ITEMS = threads._WORTH = 1
    if bug:
        BUGS[bug]().plant()
    restore_with_strays(Place(Path(folder), Path(backup), mountpoints))


if __name__ == "__main__":
    main(*sys.argv[1:])
