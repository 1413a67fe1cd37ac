"""Messages that share one file with another message of the tree, because they are the same.

Which contents lie where is known of what this process has stored, in a scratch file of SQLite's
that nobody else sees and that goes with it. So nothing has to be in step with the tree: a message
whose twin is not known, or not what it was, is stored once more. A file is shared only if it
holds, byte for byte, what would be written.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, NamedTuple

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.looking import descended, opened_file
from reinstate_service.model import Item

#: As second names of one file, or as files that share their blocks.
Dedupe = Literal["link", "reflink"]
#: The file has as many names as it may or is gone, or there are no second names here.
_NO_LINK = {errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOENT}


class _Twin(NamedTuple):
    """An open directory, an open file in it, and what it is."""

    directory: int
    file: int
    status: os.stat_result


class Twins:
    """The contents that were stored, of one destination. Used by several threads."""

    def __init__(self, disk: Disk, root: int, way: Dedupe) -> None:
        """`root` is the open directory of the destination."""
        self.way = way
        self._disk = disk
        self._root = root
        self._lock = threading.Lock()
        # An empty name is a file of its own that is removed at once; nothing of it has to last.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE twins (key TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID")

    def close(self) -> None:
        """Forgets everything."""
        self._db.close()

    def key(self, item: Item) -> str:
        """The same for items that may share a file. Names of one file share its time, which is
        the message's date."""
        return f"{item.digest} {item.date}" if self.way == "link" else item.digest

    def add(self, stored: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        """Remembers under their keys the ways from the root to files, which are durable: whether
        a file is on the disk is told to those alone who had the folder open when it was written."""
        rows = [(key, "/".join(path)) for key, path in stored]
        with self._lock:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO twins VALUES (?, ?)", rows)
            self._db.execute("COMMIT")

    def find(self, key: str) -> tuple[str, ...] | None:
        """The way from the root to a file that may be shared."""
        with self._lock:
            row = self._db.execute("SELECT path FROM twins WHERE key = ?", (key,))
            found = row.fetchone()
        return tuple(found[0].split("/")) if found else None

    def link(
        self, path: tuple[str, ...], content: Iterator[bytes], tmp: int, name: str, moment: int
    ) -> int | None:
        """Gives a file the second name `name` in the open directory `tmp`, if it has the content
        and the modification time `moment` in nanoseconds; answers its size. None if it is not
        so, or cannot be. Raises what the content raises, OSError."""
        with self._opened(path) as twin:
            if twin is None or twin.status.st_mtime_ns != moment:
                return None
            if (size := _same(twin.file, content)) is None:
                return None
            try:
                os.link(
                    path[-1], name, src_dir_fd=twin.directory, dst_dir_fd=tmp, follow_symlinks=False
                )
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                return None
        reach(At.TWIN_LINKED)
        if os.path.samestat(os.stat(name, dir_fd=tmp, follow_symlinks=False), twin.status):
            return size
        os.unlink(name, dir_fd=tmp)  # another file has got that name in between
        return None

    def clone(self, path: tuple[str, ...], content: Iterator[bytes], target: int) -> int | None:
        """Lets the empty file `target` share the blocks of a file with that content; answers its
        size. None if there is none, or it cannot be. Raises what the content raises, OSError."""
        with self._opened(path) as twin:
            size = _same(twin.file, content) if twin else None
            if twin is None or size is None or not self._disk.clone(twin.file, target):
                return None
            return size

    @contextmanager
    def _opened(self, path: tuple[str, ...]) -> Iterator[_Twin | None]:
        """Opens a file that is as we make them; None if there is no such file any more."""
        with ExitStack() as stack:
            try:
                directory = stack.enter_context(descended(self._root, *path[:-1]))
                file = stack.enter_context(opened_file(path[-1], directory))
            except OSError:
                twin = None
            else:
                twin = _Twin(directory, file, os.fstat(file))
            yield twin if twin and self._disk.is_ours(twin.status) else None


def _same(file: int, content: Iterator[bytes]) -> int | None:
    """The size of an open file, if it holds just that."""
    size = 0
    for piece in content:
        if os.pread(file, len(piece), size) != piece:
            return None
        size += len(piece)
    return size if os.fstat(file).st_size == size else None
