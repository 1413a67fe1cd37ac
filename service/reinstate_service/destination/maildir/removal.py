"""The removal of an empty mailbox while Dovecot may be delivering into it.

The mailbox is first put aside in one step, under a name that Dovecot neither lists
nor delivers to. Only then nobody can reach it any more, and what has arrived until
then is seen: the mailbox is put back. Directories are removed only by rmdir, which
never takes one that holds something. A mailbox that a crash left aside is found there by
its name, and its removal is ended before anything else is written. The beginning waits
for Dovecot's lock on the mailbox: a delivery whose file is in new/ and not yet numbered
would otherwise fail, and come a second time.

What remains possible: a delivery that begins in that very moment fails, and Dovecot files
it into the INBOX, makes the mailbox again, or has the MTA try again; nothing is lost or
doubled.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.dotlock import dotlock
from reinstate_service.destination.maildir.folders import PARTS, make_parts, unsubscribe
from reinstate_service.destination.maildir.keywords import UIDLIST
from reinstate_service.destination.maildir.layout import folder_directory, folder_path
from reinstate_service.destination.maildir.looking import (
    descended,
    exists,
    is_link,
    is_same_file,
    listed,
    opened,
)
from reinstate_service.model import Path

#: Where mailboxes wait for their end, under their own names. Dovecot takes no directory for
#: a mailbox whose name does not begin with a dot, and looks into none.
ASIDE = "reinstate.removed"
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST}


def remove_mailbox(disk: Disk, home: int, path: Path) -> bool:
    """Removes the mailbox and its subscription if it is empty; answers whether it is gone.
    A mountpoint in its place is left as it is."""
    name = folder_directory(path)
    with descended(home, "Maildir") as maildir:
        if is_link(maildir, name):
            return True
        if any(other.startswith(f"{name}.") for other in listed(maildir)):
            return False
        if exists(maildir, name):
            with opened(name, maildir) as folder, dotlock(disk, folder, UIDLIST):
                if not _is_empty(maildir, name):
                    return False
                _move_aside(disk, maildir, name)
            _finish(disk, home, name)
            return not exists(maildir, name)
    unsubscribe(disk, home, path)
    return True


def put_aside(home: int) -> list[Path]:
    """The mailboxes whose removal was begun and not ended: what is in them counts."""
    with descended(home, "Maildir") as maildir:
        if not exists(maildir, ASIDE):
            return []
        with opened(ASIDE, maildir) as aside:
            return [folder_path(name) for name in listed(aside)]


def end_removals(disk: Disk, home: int) -> None:
    """Ends what a crash has cut off: what was put aside empty goes, the rest is put back."""
    for path in put_aside(home):
        reach(At.ASIDE_FOUND)
        _finish(disk, home, folder_directory(path))
    with descended(home, "Maildir") as maildir:
        _remove_empty(maildir, ASIDE)


def _move_aside(disk: Disk, maildir: int, name: str) -> None:
    disk.make_directory(maildir, ASIDE)
    reach(At.ASIDE_FOLDER_MADE)
    disk.flush(maildir)
    with opened(ASIDE, maildir) as aside:
        os.rename(name, name, src_dir_fd=maildir, dst_dir_fd=aside)
        reach(At.STRAY_ASIDE)
        disk.flush(aside)
    disk.flush(maildir)
    reach(At.ASIDE_FLUSHED)


def _finish(disk: Disk, home: int, name: str) -> None:
    """Ends what was put aside, or puts it back if it is not empty. As long as it is there it
    is known, so the subscription goes first."""
    with descended(home, "Maildir") as maildir:
        with opened(ASIDE, maildir) as aside:
            empty = _is_empty(aside, name)
            if empty:
                reach(At.STRAY_SUBSCRIBED)
                unsubscribe(disk, home, folder_path(name))
            if not (empty and _discard(aside, name)):
                _put_back(disk, maildir, aside, name)
        reach(At.ASIDE_ENDED)
        _remove_empty(maildir, ASIDE)
        disk.flush(maildir)


def _remove_empty(parent: int, name: str) -> None:
    """Removes a directory, unless it is not there or holds something."""
    with suppress(OSError):
        os.rmdir(name, dir_fd=parent)


def _is_empty(parent: int, name: str) -> bool:
    """Whether there is nothing in it but what Dovecot can make again."""
    with opened(name, parent) as folder:
        for entry in listed(folder):
            if entry in PARTS:
                with opened(entry, folder) as part:
                    if listed(part):
                        return False
            elif not _is_servers(entry):
                return False
    return True


def _is_servers(name: str) -> bool:
    return name == "maildirfolder" or name.startswith("dovecot")


def _discard(parent: int, name: str) -> bool:
    """Removes an empty mailbox; False if it was not empty after all."""
    try:
        with opened(name, parent) as folder:
            for part in PARTS:
                if exists(folder, part):
                    os.rmdir(part, dir_fd=folder)
                    reach(At.ASIDE_PART_REMOVED)
            for file_name in listed(folder):
                os.unlink(file_name, dir_fd=folder)
        reach(At.ASIDE_EMPTIED)
        os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno in _NOT_EMPTY:
            return False
        raise
    return True


def _put_back(disk: Disk, maildir: int, aside: int, name: str) -> None:
    """Makes it a mailbox again; if Dovecot has made a new one meanwhile, the messages join
    what is there."""
    with opened(name, aside) as folder:
        make_parts(disk, folder)
    reach(At.PUT_BACK_WHOLE)
    try:
        os.rename(name, name, src_dir_fd=aside, dst_dir_fd=maildir)
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise
    else:
        reach(At.PUT_BACK_RENAMED)
        return
    for part in ("new", "cur"):
        with descended(aside, name, part) as old, descended(maildir, name, part) as new:
            for file_name in listed(old):
                if is_same_file(old, file_name, new, file_name):  # linked before a crash
                    os.unlink(file_name, dir_fd=old)
                else:
                    disk.move(old, file_name, new, file_name)
                reach(At.PUT_BACK_MOVED)
            disk.flush_directories([new, old])
    with descended(aside, name, "tmp") as unfinished:
        for file_name in listed(unfinished):
            os.unlink(file_name, dir_fd=unfinished)
    reach(At.PUT_BACK_FLUSHED)
    _discard(aside, name)
