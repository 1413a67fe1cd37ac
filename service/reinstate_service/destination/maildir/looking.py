"""Looking into a directory tree in which somebody else may have planted symlinks.

Everything is found relative to open directories, and never through a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@contextmanager
def opened(name: str, parent: int | None = None) -> Iterator[int]:
    """Opens the directory `name`, which may not be a symlink."""
    descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_file(name: str, parent: int) -> Iterator[int]:
    """Opens a file, which may not be a symlink, for reading."""
    descriptor = os.open(name, _FILE, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def descended(parent: int, *names: str) -> Iterator[int]:
    """Opens the directory that is reached from `parent` through `names`."""
    descriptor = os.dup(parent)
    try:
        for name in names:
            below = os.open(name, _DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def read_file(parent: int, name: str) -> bytes | None:
    """The content of a regular file, None if there is none."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=parent)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{name} is not a regular file")
        return file.read()


def read_pieces(parent: int, name: str) -> Iterator[bytes]:
    """The content of a file in pieces of 256 KiB."""
    with os.fdopen(os.open(name, _FILE, dir_fd=parent), "rb") as file:
        while piece := file.read(1 << 18):
            yield piece


def listed(directory: int) -> list[str]:
    """The names in an open directory, in order."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)


def directories(directory: int) -> list[str]:
    """The names of the directories in an open one, in order, but for links and hidden ones."""
    with os.scandir(directory) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        )


def exists(parent: int, name: str) -> bool:
    """Whether anything has this name; a symlink counts as itself."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def is_link(parent: int, name: str) -> bool:
    """Whether `name` is a symlink."""
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def is_same_file(parent: int, name: str, other_parent: int, other_name: str) -> bool:
    """Whether both are there and are names of one file."""
    try:
        return os.path.samestat(
            os.stat(name, dir_fd=parent, follow_symlinks=False),
            os.stat(other_name, dir_fd=other_parent, follow_symlinks=False),
        )
    except FileNotFoundError:
        return False
