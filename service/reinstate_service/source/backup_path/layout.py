"""Where things lie in a Backup Path, and the only way files in it are opened.

Names that come from a backup are checked before they stand in a path, the folders
on the way are looked at without following links, and the file itself is opened with
O_NOFOLLOW: whatever the tree holds, nothing outside of it is read.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator

from reinstate_service.source.contract import OutOfFiles, UnsafeName

MARKER = "backupstat"
ACCOUNTS = "accounts"
ITEMS = "items"
DOMAINS = "server/domains"
CLASSES_OF_SERVICE = "server/cos"
LISTS = "server/lists"
ACCOUNT_INFO = "account_info"
ACCOUNT_STAT = "account_stat"
ACCOUNT_SCAN = "backupstat"

#: Records are small; a larger one is damage, and is not loaded.
RECORD_LIMIT = 16 << 20

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FIRST_READ = 64 << 10
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_DIGEST = re.compile(r"([A-Za-z0-9+,]{43}|[A-Za-z0-9+,]{27})=", re.ASCII)
_SERVER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


class TooLong(Exception):
    """A file is larger than its kind can be."""


def is_account_id(name: str) -> bool:
    """Whether `name` is a UUID in lower case, as accounts' folders are called."""
    return _UUID.fullmatch(name) is not None


def is_item_id(name: str) -> bool:
    """Whether `name` is a decimal number without leading zeros that fits 64 bits."""
    return _NUMBER.fullmatch(name) is not None


def is_digest(name: str) -> bool:
    """Whether `name` can be the digest of a blob: SHA-256 (44 characters) or SHA-1 (28)."""
    return _DIGEST.fullmatch(name) is not None


def is_server_id(name: str) -> bool:
    """Whether `name` can stand as a file name in server/."""
    return _SERVER_ID.fullmatch(name) is not None


def account_folder(account: str) -> str:
    """`accounts/<uuid>`. Raises UnsafeName."""
    if not is_account_id(account):
        raise UnsafeName(detail=f"account id {account!r} is no UUID")
    return f"{ACCOUNTS}/{account}"


def item_folder(item: str) -> str:
    """The last two digits, zero padded: in which of the hundred folders the record lies."""
    return item[-2:].zfill(2)


class Tree:
    """Read access to the files below `root`, which itself may be a link."""

    def __init__(self, root: str) -> None:
        self.root = root

    def check_folder(self, relative: str) -> str:
        """The full path of a folder, every part of which is a true folder.

        Raises FileNotFoundError, NotADirectoryError, PermissionError and the like, and
        UnsafeName for a link.
        """
        path = self.root
        for part in relative.split("/"):
            path = f"{path}/{part}"
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                raise UnsafeName(detail=f"{relative} leads over a symbolic link")
            if not stat.S_ISDIR(mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return path

    def entries(self, relative: str) -> Iterator[os.DirEntry[str]]:
        """What a folder holds, in no order, save the writer's own temporary names.

        Raises OSError, UnsafeName.
        """
        return entries(self.check_folder(relative))

    def read(self, relative: str) -> bytes:
        """A whole small file. Raises OSError, UnsafeName, TooLong."""
        folder, _, _ = relative.rpartition("/")
        if folder:
            self.check_folder(folder)
        return read_file(f"{self.root}/{relative}")


def entries(path: str) -> Iterator[os.DirEntry[str]]:
    """`Tree.entries` of a folder that is known to be good. Raises OSError, at the first entry."""
    with os.scandir(path) as scan:
        for entry in scan:
            if not entry.name.startswith("."):
                yield entry


def open_file(path: str) -> int:
    """A descriptor on a regular file. Raises OSError, UnsafeName for a link or a device,
    OutOfFiles where the system is short of them."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise UnsafeName(detail=f"{_tail(path)} is not a regular file") from error
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
            raise OutOfFiles(path=path, detail=error.strerror) from error
        raise
    return descriptor


def read_file(path: str, limit: int = RECORD_LIMIT) -> bytes:
    """A whole small file whose folder is known to be good.

    Raises OSError, UnsafeName, TooLong.
    """
    descriptor = open_file(path)
    try:
        data = os.read(descriptor, _FIRST_READ)
        if len(data) < _FIRST_READ:
            return data
        pieces, length = [data], len(data)
        while data := os.read(descriptor, 1 << 20):
            pieces.append(data)
            length += len(data)
            if length > limit:
                raise TooLong(f"larger than {limit} bytes")
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _tail(path: str) -> str:
    return "/".join(path.rsplit("/", 3)[1:])
