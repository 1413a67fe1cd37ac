"""One account's archives: its index, and its bodies while they are wanted."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from reinstate_service.model import Frozen
from reinstate_service.source.archives import index as indexes
from reinstate_service.source.archives.cache import Cache
from reinstate_service.source.archives.converting import ContactsOf, finish
from reinstate_service.source.archives.errors import ScratchFull
from reinstate_service.source.archives.index import Building, Index
from reinstate_service.source.archives.indexing import Indexing
from reinstate_service.source.archives.scratch import Scratch, scratch_folder
from reinstate_service.source.contract import AccountUnreadable


class ArchiveFile(Frozen, frozen=True):
    """An archive; `moment` is its modification time in milliseconds."""

    path: Path
    moment: int


class AccountArchives:
    """The archives of one account, oldest first. May be used from several threads."""

    def __init__(
        self, account: str, files: tuple[ArchiveFile, ...], backup: str, cache: Cache
    ) -> None:
        self.account = account
        self.files = files
        self._backup = backup
        self._cache = cache
        # Those without archives have the same index, which is empty.
        self._cached_as = account if files else ""
        self._reading, self._finishing = threading.Lock(), threading.Lock()
        self._unpacking = threading.Lock()
        self._building: Building | None = None
        self._stamp = ""
        self._index: Index | None = None
        self._contacts: dict[str, str] | None = None
        self._scratch: Scratch | None = None

    @property
    def paths(self) -> list[Path]:
        """Where the archives lie."""
        return [file.path for file in self.files]

    def stamp(self) -> str:
        """Changes whenever an archive does; that of the archives as they were read, once they
        were. Raises AccountUnreadable."""
        return self._stamp or self._stamped()

    def _stamped(self) -> str:
        digest = hashlib.sha256(b"%d\n" % indexes.VERSION)
        try:
            for file in self.files:
                status = file.path.stat()
                told = f"{file.path.name}\0{status.st_size}\0{status.st_mtime_ns}\n"
                digest.update(told.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise self._unreadable(error) from error
        return digest.hexdigest()[:24]

    def index(self, contacts_of: ContactsOf) -> Index:
        """The account's index, made if there is none of this state of the archives.

        `contacts_of` is `contacts` of any other account. Raises AccountUnreadable, ScratchFull.
        """
        with self._finishing:
            if self._index is None:
                self._read()
            if self._index is None:
                self._index = self._finished(contacts_of)
            return self._index

    def contacts(self) -> dict[str, str]:
        """The UIDs of the account's contacts by their ids. Raises AccountUnreadable,
        ScratchFull."""
        self._read()
        return self._contacts or {}

    def _read(self) -> None:
        """Finds the index, or reads the archives. Waits for no other account, so that two
        whose groups have members of each other do not wait for one another."""
        with self._reading:
            if self._contacts is not None:
                return
            try:
                # From before they are read: one that changes meanwhile is read again next time.
                self._stamp = self._stamped()
                found = Index(self._cache.place(self._cached_as, self._stamp))
                if found.is_whole():
                    self._index, self._contacts = found, found.contacts()
                else:
                    self._building = self._built()
                    self._contacts = self._building.contacts()
            except (OSError, sqlite3.Error) as error:
                raise self._failure(error) from error

    def _built(self) -> Building:
        building = Building(self._cache.new(self._cached_as))
        try:
            Indexing(building, self.account).read(self.paths)
        except BaseException:
            building.abandon()
            raise
        # It may have been read for another account's groups alone, and is never finished then.
        weakref.finalize(self, building.abandon)
        return building

    def _finished(self, contacts_of: ContactsOf) -> Index:
        building = self._building
        assert building is not None  # noqa: S101 - reading leaves one of the two
        try:
            finish(building, self.account, contacts_of)
            place = self._cache.place(self._cached_as, self._stamp)
            building.finish(place)
            self._cache.keep_only(self._cached_as, self._stamp)
        except BaseException as error:
            building.abandon()
            self._building = self._contacts = None
            if isinstance(error, OSError | sqlite3.Error):
                raise self._failure(error) from error
            raise
        self._building = None
        return Index(place)

    def pieces(self, digest: str) -> Iterator[bytes] | None:
        """The content with this digest; None if the account has none.

        Nothing is read for it but what is known already. Raises AccountUnreadable, ScratchFull.
        """
        if self._index is None:
            return None
        try:
            content = self._index.content(digest)
            if content is not None:
                return iter((content,))
            place = self._index.body(digest)
            return None if place is None else self._unpacked(self._index).pieces(*place)
        except OSError as error:
            raise self._failure(error) from error

    def _unpacked(self, index: Index) -> Scratch:
        with self._unpacking:
            if self._scratch is None:
                self._scratch = Scratch(self.paths, scratch_folder(), index.body_bytes())
            return self._scratch

    def release(self) -> None:
        """Lets the bodies go; they are unpacked again if they are wanted."""
        with self._unpacking:
            self._scratch = None

    def _failure(self, error: OSError | sqlite3.Error) -> AccountUnreadable:
        if isinstance(error, sqlite3.Error) or error.errno in {errno.ENOSPC, errno.EDQUOT}:
            folders = f"{self._cache.folder} or {scratch_folder()}"
            return ScratchFull(
                account=self.account, path=self._backup, folder=folders, detail=error
            )
        return self._unreadable(error)

    def _unreadable(self, error: OSError) -> AccountUnreadable:
        detail = f"{Path(error.filename or '').name}: {error.strerror}"
        return AccountUnreadable(account=self.account, path=self._backup, detail=detail)
