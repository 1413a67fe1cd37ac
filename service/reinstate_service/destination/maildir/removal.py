"""The removal of an empty mailbox while Dovecot may be delivering into it.

The mailbox is first put aside in one step, under a name that Dovecot neither lists
nor delivers to. Only then nobody can reach it any more, and what has arrived until
then is seen: the mailbox is put back. Directories are removed only by rmdir, which
never takes one that holds something. What remains possible: a delivery that had its
file in tmp/ when the mailbox was put aside fails, and Dovecot files it into the INBOX
or makes the mailbox again; nothing is lost.
"""

from __future__ import annotations

import errno
import hashlib
import os

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.maildir.disk import (
    Disk,
    descended,
    exists,
    is_link,
    listed,
    opened,
)
from reinstate_service.destination.maildir.folders import make_parts, unsubscribe
from reinstate_service.destination.maildir.layout import folder_directory
from reinstate_service.model import Path

_PARTS = ("new", "cur", "tmp")
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST}


def remove_mailbox(disk: Disk, home: int, path: Path) -> bool:
    """Removes the mailbox and its subscription if it is empty; answers whether it is gone.
    A mountpoint in its place is left as it is."""
    name = folder_directory(path)
    with descended(home, "Maildir") as maildir:
        if is_link(maildir, name):
            return True
        aside = _aside(name)
        if exists(maildir, aside):  # left by a crash
            reach(At.ASIDE_FOUND)
            _finish(disk, maildir, name, aside)
        if any(other.startswith(f"{name}.") for other in listed(maildir)):
            return False
        if exists(maildir, name):
            if not _is_empty(maildir, name):
                return False
            os.rename(name, aside, src_dir_fd=maildir, dst_dir_fd=maildir)
            reach(At.STRAY_ASIDE)
            disk.flush(maildir)
            reach(At.ASIDE_FLUSHED)
            _finish(disk, maildir, name, aside)
        if exists(maildir, name):
            return False
    reach(At.STRAY_SUBSCRIBED)
    unsubscribe(disk, home, path)
    return True


def _aside(name: str) -> str:
    """Where the mailbox's directory waits for its end: the same on every try. Dovecot takes no
    directory for a mailbox whose name does not begin with a dot."""
    return f"reinstate.removed.{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _finish(disk: Disk, maildir: int, name: str, aside: str) -> None:
    """Ends what was put aside, or puts it back if it is not empty."""
    if not (_is_empty(maildir, aside) and _discard(maildir, aside)):
        _put_back(disk, maildir, name, aside)
    reach(At.ASIDE_ENDED)
    disk.flush(maildir)


def _is_empty(maildir: int, name: str) -> bool:
    """Whether there is nothing in it but what Dovecot can make again."""
    with opened(name, maildir) as folder:
        for entry in listed(folder):
            if entry in _PARTS:
                with opened(entry, folder) as part:
                    if listed(part):
                        return False
            elif not _is_servers(entry):
                return False
    return True


def _is_servers(name: str) -> bool:
    return name == "maildirfolder" or name.startswith("dovecot")


def _discard(maildir: int, name: str) -> bool:
    """Removes an empty mailbox; False if it was not empty after all."""
    try:
        with opened(name, maildir) as folder:
            for part in _PARTS:
                if exists(folder, part):
                    os.rmdir(part, dir_fd=folder)
                    reach(At.ASIDE_PART_REMOVED)
            for file_name in listed(folder):
                os.unlink(file_name, dir_fd=folder)
        reach(At.ASIDE_EMPTIED)
        os.rmdir(name, dir_fd=maildir)
    except OSError as error:
        if error.errno in _NOT_EMPTY:
            return False
        raise
    return True


def _put_back(disk: Disk, maildir: int, name: str, aside: str) -> None:
    """Makes it a mailbox again; if Dovecot has made a new one meanwhile, the messages join
    what is there."""
    with opened(aside, maildir) as folder:
        make_parts(disk, folder)
    reach(At.PUT_BACK_WHOLE)
    try:
        os.rename(aside, name, src_dir_fd=maildir, dst_dir_fd=maildir)
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise
    else:
        reach(At.PUT_BACK_RENAMED)
        return
    for part in ("new", "cur"):
        with descended(maildir, aside, part) as old, descended(maildir, name, part) as new:
            for file_name in listed(old):
                disk.move(old, file_name, new, file_name)
                reach(At.PUT_BACK_MOVED)
            disk.flush_directories([new, old])
    with descended(maildir, aside, "tmp") as unfinished:
        for file_name in listed(unfinished):
            os.unlink(file_name, dir_fd=unfinished)
    reach(At.PUT_BACK_FLUSHED)
    _discard(maildir, aside)
