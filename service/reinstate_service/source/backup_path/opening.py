"""Before the first state is written: the lock, the marker, and what an account has already."""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path
from typing import TypeVar

import msgspec

from reinstate_journal.errors import BackupError
from reinstate_service.model import Product
from reinstate_service.source.backup_path import layout
from reinstate_service.source.backup_path.detect import read_marker
from reinstate_service.source.backup_path.layout import Tree
from reinstate_service.source.backup_path.listing import Listing
from reinstate_service.source.backup_path.records import (
    FORMAT,
    VERSION,
    AccountIndex,
    AccountScan,
    Marker,
)
from reinstate_service.source.backup_path.storing import store

_T = TypeVar("_T", AccountIndex, AccountScan)

LOCK = ".lock"


class BackupInUse(BackupError):
    """Another process writes to this backup."""

    message = "The backup {path} is being written by another process"
    hint = "Wait until it has finished, then run the command again."
    retryable = True


def lock(root: Path, path: str) -> int:
    """A descriptor that keeps other writers out until it is closed. Raises BackupInUse."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(root / LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BackupInUse(path=path) from error
    return descriptor


def open_or_make(tree: Tree, path: str, server_id: str | None, product: Product) -> Marker:
    """The marker of the backup, which is made in an empty folder.

    Raises NotABackup, VendorFormat; ValueError where `server_id` is another's.
    """
    root = Path(tree.root)
    if any(not entry.name.startswith(".") for entry in root.iterdir()):
        marker = read_marker(tree, path)
        if server_id not in {None, marker.server_id}:
            raise ValueError(f"the backup is of server {marker.server_id}, not {server_id}")
    else:
        marker = Marker(FORMAT, VERSION, server_id or str(uuid.uuid4()), product)
        store(f"{tree.root}/{layout.MARKER}", msgspec.json.encode(marker))
    for folder in (layout.ACCOUNTS, layout.ITEMS):
        (root / folder).mkdir(exist_ok=True)
    return marker


class OpenAccount:
    """What the writer knows of an account it has touched."""

    def __init__(self, tree: Tree, account: str) -> None:
        self._tree = tree
        self._folder = layout.account_folder(account)
        listing = Listing(tree, account)
        index = listing.index(self._read(layout.ACCOUNT_STAT, AccountIndex))
        self.files = index.files
        self.last = max(index.last_item, listing.last)
        self.containers = set(index.containers)

    def finish_scan(self, moment: int) -> None:
        """Writes the account's index and the time of its scan."""
        containers = tuple(sorted(self.containers, key=int))
        index = AccountIndex(self.files, self.last, containers)
        before = self._read(layout.ACCOUNT_SCAN, AccountScan) or AccountScan()
        first = moment if before.first_scan is None else before.first_scan
        for name, value in (
            (layout.ACCOUNT_STAT, index),
            (layout.ACCOUNT_SCAN, AccountScan(first, moment)),
        ):
            store(f"{self._tree.root}/{self._folder}/{name}", msgspec.json.encode(value))

    def _read(self, name: str, kind: type[_T]) -> _T | None:
        """Statistics, if they can be read; they only ever save time."""
        try:
            return msgspec.json.decode(self._tree.read(f"{self._folder}/{name}"), type=kind)
        except (OSError, layout.TooLong, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
