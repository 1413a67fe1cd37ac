"""Where indexes are kept, so that no archive is read twice for the same answers.

A cache: it may be removed at any time. It holds folder names, and contacts and calendars as
a whole, so that only its owner may read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import time
import weakref
from importlib.metadata import version
from pathlib import Path

_SUFFIX, _UNFINISHED = ".index", ".unfinished"
#: No archive takes so many seconds to read.
_DAY = 86_400
#: Another release may make other contents of the same archives.
_RELEASE = version("reinstate")


class Cache:
    """A folder of indexes: REINSTATE_CACHE, else `reinstate` below XDG_CACHE_HOME or ~/.cache;
    where none can be made, one that goes with the process."""

    def __init__(self, backup: str) -> None:
        self._backup = backup
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder, made if it is not there. Raises OSError."""
        if self._folder is None:
            self._folder = self._made()
        return self._folder

    def _made(self) -> Path:
        try:
            folder = _wanted()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.stat()
            own = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
            if own and os.access(folder, os.W_OK | os.X_OK):
                return folder
        except (OSError, RuntimeError):  # there may be no home
            pass
        folder = Path(tempfile.mkdtemp(prefix="reinstate-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def place(self, account: str, stamp: str) -> Path:
        """Where the index of an account lies whose archives have this stamp."""
        return self.folder / f"{self._prefix(account)}{_RELEASE}-{stamp}{_SUFFIX}"

    def new(self, account: str) -> Path:
        """A new file to write an index into."""
        prefix = self._prefix(account)
        descriptor, name = tempfile.mkstemp(_UNFINISHED, prefix, self.folder)
        os.close(descriptor)
        return Path(name)

    def keep_only(self, account: str, stamp: str) -> None:
        """Takes away what there is of other states of the account, and what processes left that
        died while they read it."""
        place = self.place(account, stamp)
        for other in self.folder.glob(f"{self._prefix(account)}*"):
            with contextlib.suppress(OSError):
                dead = time.time() - other.stat().st_mtime > _DAY
                if other != place and (other.suffix == _SUFFIX or dead):
                    other.unlink()

    def _prefix(self, account: str) -> str:
        told = f"{self._backup}\0{account}".encode("utf-8", "surrogateescape")
        return hashlib.sha256(told).hexdigest()[:24] + "-"


def _wanted() -> Path:
    if named := os.environ.get("REINSTATE_CACHE"):
        return Path(named).absolute()
    above = os.environ.get("XDG_CACHE_HOME")
    return (Path(above) if above else Path.home() / ".cache") / "reinstate"
