"""The archives of all accounts that were asked for, and contents by their digest."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator

from reinstate_service.model import Item
from reinstate_service.source.archives.account import AccountArchives
from reinstate_service.source.archives.contents import named
from reinstate_service.source.archives.index import Index
from reinstate_service.source.contract import (
    AccountUnreadable,
    BlobCorrupt,
    BlobMissing,
    BlobTooLarge,
    UnsafeName,
)

_DIGEST = re.compile(r"[A-Za-z0-9+,]{43}=")
_PIECE = 1 << 20


class Opened:
    """Account archives, made by `make` when they are first asked for. May be used from several
    threads, each of which works on one account at a time."""

    def __init__(self, make: Callable[[str], AccountArchives]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._known: dict[str, AccountArchives] = {}
        self._worked_on: dict[int, AccountArchives] = {}

    def archives(self, account: str) -> AccountArchives:
        """The account's archives."""
        with self._lock:
            if account not in self._known:
                self._known[account] = self._make(account)
            return self._known[account]

    def index(self, account: str) -> Index:
        """What the account's archives hold. Raises AccountUnreadable, ScratchFull."""
        return self.archives(account).index(self._contacts_of)

    def _contacts_of(self, account: str) -> dict[str, str]:
        try:
            return self.archives(account).contacts()
        except AccountUnreadable:
            return {}  # whoever is in a group out of a broken account is kept as text

    def work_on(self, account: str) -> None:
        """This thread is through with the account that it was at before: what was unpacked of
        it may go, unless another thread is at it as well."""
        archives = self.archives(account)
        with self._lock:
            before = self._worked_on.get(threading.get_ident())
            self._worked_on[threading.get_ident()] = archives
            if before is None or before in self._worked_on.values():
                return
        before.release()

    def content(self, item: Item, accounts: Iterable[str]) -> Iterator[bytes]:
        """The item's bytes in pieces of at most 1 MiB, checked as they pass.

        They are looked for in the account that this thread is at, in those that others are at and
        may be helped with, in all that were opened, and last in `accounts`. Raises as
        `Source.content` does, and AccountUnreadable, ScratchFull.
        """
        if not _DIGEST.fullmatch(item.digest):
            raise UnsafeName(detail=f"{item.digest!r} is no digest")
        pieces = self._pieces(item.digest, accounts)
        if pieces is None:
            raise BlobMissing(digest=item.digest)
        digest, size = hashlib.sha256(), 0
        try:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                if size > item.size:
                    raise BlobTooLarge(digest=item.digest, limit=item.size)
                for start in range(0, len(piece), _PIECE):
                    yield piece[start : start + _PIECE]
        except OSError as error:
            detail = f"it cannot be read: {error.strerror}"
            raise BlobCorrupt(digest=item.digest, detail=detail) from error
        if named(digest.digest()) != item.digest:
            raise BlobCorrupt(digest=item.digest, detail="its archive has changed")
        if size != item.size:
            detail = f"it has {size} bytes where its item says {item.size}"
            raise BlobCorrupt(digest=item.digest, detail=detail)

    def _pieces(self, digest: str, accounts: Iterable[str]) -> Iterator[bytes] | None:
        with self._lock:
            mine = self._worked_on.get(threading.get_ident())
            known = (*self._worked_on.values(), *self._known.values())
        for archives in dict.fromkeys((mine, *known)):
            if archives is not None and (found := archives.pieces(digest)) is not None:
                return found
        for account in set(accounts) - {one.account for one in known}:
            self.index(account)
            if (found := self.archives(account).pieces(digest)) is not None:
                return found
        return None
