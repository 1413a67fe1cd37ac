"""Files that Dovecot changes as well: locked as it locks them, by a file beside them."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.maildir.disk import Disk, unlink_if_there, write_all
from reinstate_service.destination.maildir.looking import exists, is_link, read_file

#: Dovecot overrides a lock that has not changed for this long.
_STALE_SECONDS = 30.0
_WAIT_SECONDS = 60.0
#: A lock that was written and not yet linked to its name, see `_taken`; a file that was to
#: replace another, see `Disk.replace_file`. Both tell the process that made them.
_UNFINISHED = re.compile(r".*(?:\.lock\.(\d+)\.\d+|\.reinstate\.(\d+))", re.DOTALL)


def change_file(
    disk: Disk,
    parent: int,
    name: str,
    change: Callable[[bytes | None], bytes | None],
    later: bool = False,
) -> None:
    """Replaces the file `name` by what `change` makes of its content (None: there is none),
    under Dovecot's lock. An answer of None leaves it as it is. If `later`, its modification
    time grows by a second at least: some files Dovecot reads again only then."""
    with dotlock(disk, parent, name):
        reach(At.DOTLOCK_HELD)
        content = change(read_file(parent, name))
        if content is not None:
            modified = _later_than(parent, name) if later else None
            disk.replace_file(parent, name, content, modified)
            reach(At.DOTLOCK_CHANGED)


def _later_than(parent: int, name: str) -> float:
    """Now, or a second after the file's modification time."""
    try:
        modified = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return time.time()
    return max(time.time(), modified + 1)


@contextmanager
def dotlock(disk: Disk, parent: int, name: str) -> Iterator[None]:
    """Holds `name`.lock, which tells "pid:host" so that Dovecot, too, can override it
    if its maker is gone."""
    lock = f"{name}.lock"
    deadline = time.monotonic() + _WAIT_SECONDS
    while not _taken(disk, parent, lock):
        if _abandoned(parent, lock):
            unlink_if_there(parent, lock)
            reach(At.DOTLOCK_BROKEN)
        elif time.monotonic() > deadline:
            raise TimeoutError(f"{lock} is held by another program")
        else:
            time.sleep(0.02)
    try:
        yield
    finally:
        unlink_if_there(parent, lock)


def _taken(disk: Disk, parent: int, lock: str) -> bool:
    """Links a file that already tells its maker: a lock is never seen half written."""
    if exists(parent, lock):
        return False
    own = f"{lock}.{os.getpid()}.{time.monotonic_ns()}"
    descriptor = disk.new_file(parent, own)
    try:
        write_all(descriptor, f"{os.getpid()}:{socket.gethostname()}".encode())
        reach(At.DOTLOCK_WRITTEN)
        os.link(own, lock, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
        reach(At.DOTLOCK_LINKED)
    except FileExistsError:
        return False
    finally:
        os.close(descriptor)
        unlink_if_there(parent, own)
    return True


def _abandoned(parent: int, lock: str) -> bool:
    """Whether the lock's maker is known to be gone, or the lock is as old as none should be."""
    try:
        age = time.time() - os.stat(lock, dir_fd=parent, follow_symlinks=False).st_ctime
        content = read_file(parent, lock) or b""
    except OSError:
        return False
    if age > _STALE_SECONDS:
        return True
    pid, _, host = content.decode("utf-8", "replace").partition(":")
    return pid.isdecimal() and host == socket.gethostname() and _gone(pid)


def _gone(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def remove_leftovers(directory: int) -> None:
    """Removes what a process that was killed left of its locks and replacements, in an open
    directory and below; folders of messages are not looked into."""
    for _, below, names, inside in os.fwalk(".", dir_fd=directory, follow_symlinks=False):
        # os.fwalk opens a link's folder before it sees that it is one.
        below[:] = [
            name
            for name in below
            if name not in {"cur", "new", "tmp"} and not is_link(inside, name)
        ]
        for name in names:
            if _is_leftover(inside, name):
                unlink_if_there(inside, name)
                reach(At.LEFTOVER_REMOVED)


def _is_leftover(parent: int, name: str) -> bool:
    if name.endswith(".lock"):
        return _abandoned(parent, name)
    made = _UNFINISHED.fullmatch(name)
    return made is not None and _gone(made[1] or made[2])
