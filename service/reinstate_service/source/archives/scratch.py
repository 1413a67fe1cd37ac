"""The bodies of an account's archives, unpacked, while the account is worked on.

A gzip file cannot be read from its middle, and items come in another order than they are
asked for. So the bodies lie one behind the other in a file without a name, which is gone
with the process, whatever ends it.
"""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

from reinstate_service.source.archives.contents import bounded, is_streamed
from reinstate_service.source.archives.meta import Meta
from reinstate_service.source.archives.pairing import read_records

PIECE = 1 << 20


def scratch_folder() -> Path:
    """Where scratch files lie: TMPDIR, else /var/tmp, since /tmp may be memory."""
    return Path(os.environ.get("TMPDIR") or "/var/tmp")  # noqa: S108 - the file has no name there


class Scratch:
    """Every body that `Hashing` counted, where it said that it begins."""

    def __init__(self, archives: Sequence[Path], folder: Path, size: int) -> None:
        """Reads every archive once. Raises OSError, also where `folder` has no room for `size`
        bytes: a bomb, or a mailbox that is too large, must not fill the disk of others first."""
        free = os.statvfs(folder)
        if size > (room := free.f_bavail * free.f_frsize):
            raise OSError(errno.ENOSPC, f"{size:,} bytes are needed, {room:,} are free")
        self._descriptor = _nameless(folder)
        weakref.finalize(self, os.close, self._descriptor)
        for archive in archives:
            for _ in read_records(archive, self._take):
                pass

    def _take(self, meta: Meta, pieces: Iterator[bytes]) -> bool:
        if is_streamed(meta):
            for piece in bounded(pieces):
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        return True

    def pieces(self, start: int, size: int) -> Iterator[bytes]:
        """The bytes from `start`, as far as there are so many. Raises OSError."""
        end = start + size
        while start < end and (piece := os.pread(self._descriptor, min(PIECE, end - start), start)):
            start += len(piece)
            yield piece


def _nameless(folder: Path) -> int:
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}:
            raise
    descriptor, name = tempfile.mkstemp(prefix="reinstate-", dir=folder)
    Path(name).unlink()
    return descriptor
