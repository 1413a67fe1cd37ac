"""The removal of an empty mailbox while Dovecot may be delivering into it.

The mailbox is first put aside in one step, into a folder that Dovecot neither lists
nor delivers to. Only then nobody can reach it any more, and what has arrived until
then is seen: the mailbox is put back. Directories are removed only by rmdir, which
never takes one that holds something. What remains possible: a delivery that had its
file in tmp/ when the mailbox was put aside fails, and Dovecot files it into the INBOX
or makes the mailbox again; nothing is lost.
"""

from __future__ import annotations

import errno
import os

from reinstate_service.destination.maildir.disk import (
    Disk,
    descended,
    exists,
    is_link,
    listed,
    opened,
)
from reinstate_service.destination.maildir.folders import make_parts, unsubscribe
from reinstate_service.destination.maildir.layout import folder_directory, folder_path
from reinstate_service.model import Path

#: Where mailboxes wait for their end, in Maildir: what does not begin with a dot is no mailbox
#: to Dovecot.
ASIDE = "reinstate.removed"
_PARTS = ("new", "cur", "tmp")
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST}


def remove_mailbox(disk: Disk, home: int, path: Path) -> bool:
    """Removes the mailbox and its subscription if it is empty; answers whether it is gone.
    A mountpoint in its place is left as it is."""
    name = folder_directory(path)
    with descended(home, "Maildir") as maildir:
        if is_link(maildir, name):
            return True
        if path in put_aside(home):  # by a run that was cut off
            _finish(disk, maildir, name)
        _tidy(disk, maildir)
        if any(other.startswith(f"{name}.") for other in listed(maildir)):
            return False
        if exists(maildir, name):
            if not _is_empty(maildir, name):
                return False
            disk.make_directory(maildir, ASIDE)
            with opened(ASIDE, maildir) as aside:
                os.rename(name, name, src_dir_fd=maildir, dst_dir_fd=aside)
                disk.flush_directories([aside, maildir])
            _finish(disk, maildir, name)
            _tidy(disk, maildir)
        if exists(maildir, name):
            return False
    unsubscribe(disk, home, path)
    return True


def put_aside(home: int) -> list[Path]:
    """The mailboxes whose removal has begun and not ended."""
    try:
        with descended(home, "Maildir", ASIDE) as aside:
            return [folder_path(name) for name in listed(aside)]
    except FileNotFoundError:
        return []


def _finish(disk: Disk, maildir: int, name: str) -> None:
    """Ends what was put aside, or puts it back if it is not empty."""
    with opened(ASIDE, maildir) as aside:
        if not (_is_empty(aside, name) and _discard(aside, name)):
            _put_back(disk, maildir, aside, name)
        disk.flush_directories([maildir, aside])


def _tidy(disk: Disk, maildir: int) -> None:
    """Removes the folder of what is put aside, if nothing is."""
    if exists(maildir, ASIDE):
        try:
            os.rmdir(ASIDE, dir_fd=maildir)
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
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


def _discard(parent: int, name: str) -> bool:
    """Removes an empty mailbox; False if it was not empty after all."""
    try:
        with opened(name, parent) as folder:
            for part in _PARTS:
                if exists(folder, part):
                    os.rmdir(part, dir_fd=folder)
            for file_name in listed(folder):
                os.unlink(file_name, dir_fd=folder)
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
    try:
        os.rename(name, name, src_dir_fd=aside, dst_dir_fd=maildir)
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise
    else:
        return
    for part in ("new", "cur"):
        with descended(aside, name, part) as old, descended(maildir, name, part) as new:
            for file_name in listed(old):
                disk.move(old, file_name, new, file_name)
            disk.flush_directories([new, old])
    with descended(aside, name, "tmp") as unfinished:
        for file_name in listed(unfinished):
            os.unlink(file_name, dir_fd=unfinished)
    _discard(aside, name)
