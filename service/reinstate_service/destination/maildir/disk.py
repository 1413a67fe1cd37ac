"""Durable changes of a directory tree in which somebody else may have planted symlinks.

Everything is done relative to open directories and never follows a link out.
What root makes is given to the tree's owner.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import DestinationError
from reinstate_service.destination.maildir import linux
from reinstate_service.destination.maildir.looking import opened_file

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_NAME = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
_FICLONE = 0x40049409
#: What it answers for files that cannot share blocks: of two file systems, or of one without that.
_NO_CLONES = {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EPERM}
#: Below this many, flushing one by one costs less than flushing the file system.
_FEW = 4


@dataclass
class Disk:
    """One tree's way to the disk: its owner (None if files are ours anyway), and whether
    a flush has failed, after which nothing is written any more."""

    location: str
    owner: tuple[int, int] | None = None
    failure: str = field(default="", init=False)
    _clones: bool = field(default=True, init=False)

    def refusal(self, error: OSError) -> DestinationError:
        """The error for what the operating system answered."""
        return DestinationError(destination=self.location, detail=_told(error))

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turns OSError into DestinationError, and refuses to go on after a failed flush."""
        self.require_sound()
        try:
            yield
        except OSError as error:
            raise self.refusal(error) from error

    def require_sound(self) -> None:
        """Raises DestinationError after a failed flush."""
        if self.failure:
            raise DestinationError(destination=self.location, detail=self.failure)

    def make_directory(self, parent: int, name: str) -> bool:
        """Makes `name` in the open directory `parent`; False if it was there."""
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            made = False
        else:
            made = True
        if self.owner is not None:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if (found.st_uid, found.st_gid) != self.owner:  # also after a kill in between
                os.chown(name, *self.owner, dir_fd=parent, follow_symlinks=False)
        return made

    def new_file(self, parent: int, name: str) -> int:
        """Opens a new file for writing, in place of what stale file may be there."""
        try:
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
        except FileExistsError:
            os.unlink(name, dir_fd=parent)
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
        if self.owner is not None:
            os.fchown(descriptor, *self.owner)
        return descriptor

    def replace_file(
        self, parent: int, name: str, content: bytes, modified: float | None = None
    ) -> None:
        """Puts `content` in place of the file `name`, durably: all of it or nothing.
        `modified` is its modification time in seconds, now if it is None."""
        new = _replacement(name)
        try:
            descriptor = self.new_file(parent, new)
            try:
                reach(At.REPLACEMENT_EMPTY)
                write_all(descriptor, content)
                if modified is not None:
                    os.utime(descriptor, (modified, modified))
                reach(At.REPLACEMENT_WRITTEN)
                self.flush(descriptor)
                reach(At.REPLACEMENT_FLUSHED)
            finally:
                os.close(descriptor)
            os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            with suppress(OSError):
                unlink_if_there(parent, new)
            raise
        reach(At.REPLACEMENT_RENAMED)
        self.flush(parent)

    def new_link(self, parent: int, name: str, target: str) -> None:
        """Makes the symlink `name`. Durable only after a flush of `parent`."""
        os.symlink(target, name, dir_fd=parent)
        if self.owner is not None:
            os.chown(name, *self.owner, dir_fd=parent, follow_symlinks=False)

    def move(self, parent: int, name: str, new_parent: int, new_name: str) -> None:
        """Moves a file between open directories of one file system, never over another one:
        raises FileExistsError. Where the system cannot do that in one step, the file has
        both names for a moment; after a power cut both, never none."""
        if linux.renamed_if_free(parent, name, new_parent, new_name):
            return
        os.link(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent, follow_symlinks=False)
        reach(At.SECOND_NAME_MADE)
        self.flush(new_parent)
        reach(At.SECOND_NAME_FLUSHED)
        os.unlink(name, dir_fd=parent)

    def replace_link(self, parent: int, name: str, target: str) -> None:
        """Lets the symlink `name` point at `target`, durably, with no moment without it."""
        new = _replacement(name)
        unlink_if_there(parent, new)
        self.new_link(parent, new, target)
        reach(At.LINK_WRITTEN)
        os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
        reach(At.LINK_RENAMED)
        self.flush(parent)

    def is_ours(self, status: os.stat_result) -> bool:
        """Whether a file is as `new_file` makes it."""
        owner = self.owner or (os.geteuid(), status.st_gid)
        ours = (status.st_uid, status.st_gid) == owner and stat.S_IMODE(status.st_mode) == 0o600
        return ours and stat.S_ISREG(status.st_mode)

    def clone(self, source: int, target: int) -> bool:
        """Lets the empty file `target` share the blocks of `source` until either is written to
        (FICLONE of ioctl_ficlone(2)); False where the file system cannot, of which it is asked
        once."""
        if self._clones:
            try:
                fcntl.ioctl(target, _FICLONE, source)
            except OSError as error:
                if error.errno not in _NO_CLONES:
                    raise
                self._clones = False
        return self._clones

    def flush(self, descriptor: int) -> None:
        """Makes one file or directory durable. A failure is remembered: never tried again."""
        try:
            os.fsync(descriptor)
        except OSError as error:
            self.flush_failed(_told(error))
            raise

    def flush_failed(self, reason: str) -> None:
        """Lets nothing be written any more."""
        self.failure = f"a flush failed ({reason}); nothing is written since"

    def flush_many(self, parent: int, names: Sequence[str]) -> None:
        """Makes the files `names` of the open directory `parent` durable. `parent` must
        have been opened before they were written: only then syncfs tells of their errors."""
        if len(names) > _FEW and linux.syncfs() is not None:
            self._flush_file_system(parent)
            return
        for name in names:
            with opened_file(name, parent) as descriptor:
                self.flush(descriptor)

    def flush_directories(self, directories: Sequence[int]) -> None:
        """Makes the entries of open directories durable."""
        if len(directories) > _FEW and linux.syncfs() is not None:
            self._flush_file_system(directories[0])
            return
        for descriptor in directories:
            self.flush(descriptor)

    def flush_all(self, directory: int, *above: int) -> None:
        """Makes every directory from an open one downwards durable, and those `above` it."""
        if linux.syncfs() is not None:
            self._flush_file_system(directory)
            return
        for _, _, _, inside in os.fwalk(".", dir_fd=directory):
            self.flush(inside)
        for descriptor in above:
            self.flush(descriptor)

    def flush_leftovers(self, directory: int) -> None:
        """Makes durable whatever anybody has done in the tree of an open directory and not
        flushed. What a killed run did is found done by the next one, which records it."""
        if linux.syncfs() is not None:
            self._flush_file_system(directory)
        else:
            os.sync()

    def _flush_file_system(self, descriptor: int) -> None:
        syncfs = linux.syncfs()
        if syncfs is not None and syncfs(descriptor) != 0:
            error = OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            self.flush_failed(_told(error))
            raise error


def can_share(descriptor: int | None, directory: Path) -> bool:
    """Whether a file in `directory` can share the blocks of an open one, or if that is None, of
    another in there; leaves nothing behind."""
    with ExitStack() as stack:
        try:
            target = os.open(directory, _NO_NAME, 0o600)
            stack.callback(os.close, target)
            if descriptor is None:
                descriptor = os.open(directory, _NO_NAME, 0o600)
                stack.callback(os.close, descriptor)
        except OSError:
            return False
        return Disk(str(directory)).clone(descriptor, target)


def _replacement(name: str) -> str:
    """What the file is called that is about to replace `name`; it tells whose it is."""
    return f"{name}.reinstate.{os.getpid()}"


def write_all(descriptor: int, content: bytes) -> None:
    """Writes all of `content`, also where the system takes it in parts."""
    written = os.write(descriptor, content)
    while written < len(content):
        content = content[written:]
        written = os.write(descriptor, content)


def unlink_if_there(parent: int, name: str) -> None:
    """Removes a file of ours."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def _told(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{what}: {error.filename}" if error.filename else what
