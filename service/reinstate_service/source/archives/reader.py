"""`ArchivesSource`: a folder of account archives, with the directory beside them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from reinstate_journal.errors import BackupError
from reinstate_service.gunzip import Packed
from reinstate_service.model import (
    AbsentItem,
    Account,
    AccountRef,
    BackupIdentity,
    ClassOfService,
    Containers,
    DistributionList,
    Domain,
    Item,
    UnreadableItem,
)
from reinstate_service.source import numbers
from reinstate_service.source.archives import missing
from reinstate_service.source.archives.account import AccountArchives
from reinstate_service.source.archives.cache import Cache
from reinstate_service.source.archives.containers import containers_of
from reinstate_service.source.archives.converting import tag_names
from reinstate_service.source.archives.folder import ArchivesFolder, read_folder
from reinstate_service.source.archives.index import Found, Index
from reinstate_service.source.archives.opened import Opened
from reinstate_service.source.archives.rows import ContainerRow, ItemRow
from reinstate_service.source.archives.vouching import is_vouched_for
from reinstate_service.source.contract import (
    AccountUnreadable,
    ItemRecord,
    Missing,
    Storage,
)
from reinstate_service.source.names import shown

FORMAT = "archives/1"
#: All archives count as one server's: a newer export, wherever it lies, goes on with the same
#: restore, and what it has in common with the older one is recognised.
SERVER = "archives"


class ArchivesSource:
    """The folder of archives at `path`; `at` counts only files that are not newer (milliseconds).

    Reads nothing until it is asked. Writes nothing into the folder; indexes go into a cache,
    contents into files without a name.
    """

    def __init__(self, path: str | os.PathLike[str], at: int | None = None) -> None:
        self._path = os.fspath(path)
        self._at = at
        self._cache = Cache(os.path.realpath(self._path))
        self._lock = threading.Lock()
        self._folder: ArchivesFolder | None = None
        self._opened = Opened(self._open)

    @property
    def path(self) -> str:
        """The folder as the user named it."""
        return self._path

    @property
    def folder(self) -> ArchivesFolder:
        """What lies in the folder; looked at once. Raises NotABackup, BackupError."""
        with self._lock:
            if self._folder is None:
                self._folder = read_folder(self._path)
            return self._folder

    def identity(self) -> BackupIdentity:
        """Whose backup it is; its last scan is the newest file. Raises NotABackup."""
        folder = self.folder
        return BackupIdentity(SERVER, folder.directory.product, FORMAT, folder.newest)

    def storage(self) -> Storage:
        """The archives, and what the bodies of the largest account take. Raises BackupError."""
        files = [file.path for held in self.folder.archives.values() for file in held]
        try:
            size = sum(path.stat().st_size for path in files)
        except OSError as error:
            raise BackupError(path=self._path, detail=error) from error
        scratch = 0
        for account in self.folder.archives:
            with contextlib.suppress(AccountUnreadable):
                scratch = max(scratch, self._index(account).body_bytes())
        return Storage(len(files), size, scratch)

    def missing(self, *, accounts: bool = True) -> Iterator[Missing]:
        """What the export left out; without `accounts` no archive is read for it.
        Raises BackupError."""
        yield from missing.of_the_whole(self.folder)
        yield from missing.of_files(self.folder)
        for ref in self.accounts() if accounts else ():
            account = self.account(ref.id)
            try:
                index = self._index(ref.id)
                rows = self._containers(ref.id, index)
                held, records = self.containers(ref.id), self.items(ref.id)
            except AccountUnreadable as error:
                yield Missing(ref.address, str(error))
                continue
            yield from missing.of_an_account(account, self.folder, rows, held, records)
            for number, note in index.notes():
                yield Missing(ref.address, f"item {number}: {note}")

    def domains(self) -> Iterator[Domain]:
        """Every domain, by name. Raises BackupError."""
        held = {ref.address.rpartition("@")[2] for ref in self.accounts()}
        described = self._is_described()
        return (one for one in self.folder.directory.domains if described or one.name in held)

    def classes_of_service(self) -> Iterator[ClassOfService]:
        """Every class of service, by name. Raises BackupError."""
        return iter(self.folder.directory.classes_of_service if self._is_described() else ())

    def distribution_lists(self) -> Iterator[DistributionList]:
        """Every distribution list, by address. Raises BackupError."""
        return iter(self.folder.directory.distribution_lists if self._is_described() else ())

    def accounts(self) -> Iterator[AccountRef]:
        """Every account, by address. Raises BackupError."""
        refs = [
            AccountRef(account.id, account.address, account.cos, account.system)
            for account in self.folder.directory.accounts.values()
            if self._is_there(account.id)
        ]
        return iter(sorted(refs, key=lambda ref: (ref.address, ref.id)))

    def account(self, account: str) -> Account:
        """The account of this id. Raises AccountUnreadable."""
        found = self._require(account)
        if not self._is_there(account):
            raise self._unreadable(account, "it did not exist at that moment")
        return found

    def state(self, account: str) -> str:
        """A stamp of the names, sizes and times of its archives. Raises AccountUnreadable."""
        self._require(account)
        return self._opened.archives(account).stamp()

    def count_items(self, account: str) -> int:
        """How many records `items` will yield. Raises AccountUnreadable."""
        index = self._index(account)
        return index.count() + len(self._troubles(account, index))

    def containers(self, account: str, *, deleted: bool = False) -> Containers:  # noqa: ARG002
        """The folders, mountpoints, searches and tags: those that have a record, and folders
        that only items tell of. No archive knows of deleted ones. Raises AccountUnreadable."""
        index = self._index(account)
        directory = self.folder.directory
        rows = self._containers(account, index)
        return containers_of(rows, index.places(), directory.product, directory.names)

    def _containers(self, account: str, index: Index) -> dict[int, ContainerRow]:
        allowed = self._allowed(account)
        newest = {
            key: max(
                ((found, row) for found, row in rows if found.archive in allowed),
                key=lambda one: one[0].age,
                default=None,
            )
            for key, rows in index.containers().items()
        }
        return {key: one[1] for key, one in newest.items() if one is not None}

    def lists_everything(self) -> bool:
        """Whether there is a directory. Raises BackupError."""
        return self._is_described()

    def holds_everything(self, account: str, container: str) -> bool:
        """Whether all of the folder is in the archives, which are whole. Raises
        AccountUnreadable."""
        index = self._index(account)
        if index.troubles() or not self.folder.archives.get(account):
            return False
        return is_vouched_for(int(container), self._containers(account, index), index.places())

    def items(self, account: str, after: str = "") -> Iterator[ItemRecord]:
        """Every item once, by ascending id; last what is no item. Of several archives that have
        it, the newest state counts. With `after`, only what comes behind that id. Raises
        AccountUnreadable, before the first."""
        index = self._index(account)
        self._opened.work_on(account)
        return self._items(account, index, after)

    def _items(self, account: str, index: Index, after: str) -> Iterator[ItemRecord]:
        allowed = self._allowed(account)
        tags = {
            str(key): row.name
            for key, row in self._containers(account, index).items()
            if row.kind == 3
        }
        for number, rows in index.records(int(after) if after else -1):
            states = [(found, row) for found, row in rows if found.archive in allowed]
            yield _item(str(number), states, tags) if states else AbsentItem(str(number))
        yield from self._troubles(account, index)

    def has_packed(self) -> bool:
        """See `Source`. An archive is packed as a whole."""
        return False

    def packed(self, item: Item) -> Packed | None:  # noqa: ARG002 the contract's
        """See `Source`."""
        return None

    def content(self, item: Item) -> Iterator[bytes]:
        """The item's bytes in pieces of at most 1 MiB, checked as they pass.

        The first call for an account unpacks its archives. Raises BlobMissing, BlobCorrupt,
        BlobTooLarge, UnsafeName, at any piece; AccountUnreadable, ScratchFull at the first.
        """
        return self._opened.content(item, self.folder.archives)

    def _index(self, account: str) -> Index:
        self._require(account)
        return self._opened.index(account)

    def _open(self, account: str) -> AccountArchives:
        files = self.folder.archives.get(account, ())
        return AccountArchives(account, files, self._path, self._cache)

    def _allowed(self, account: str) -> frozenset[int]:
        """The numbers of the account's archives that were there at the moment."""
        files = self.folder.archives.get(account, ())
        return frozenset(
            number
            for number, file in enumerate(files)
            if self._at is None or file.moment <= self._at
        )

    def _is_described(self) -> bool:
        described = self.folder.described
        return described is not None and (self._at is None or described <= self._at)

    def _is_there(self, account: str) -> bool:
        named_only = account in self.folder.undescribed
        return bool(self._allowed(account)) or (self._is_described() and not named_only)

    def _require(self, account: str) -> Account:
        found = self.folder.directory.accounts.get(account)
        if found is None:
            raise self._unreadable(account, "the backup has no such account")
        return found

    def _unreadable(self, account: str, detail: str) -> AccountUnreadable:
        return AccountUnreadable(account=account, path=self._path, detail=detail)

    def _troubles(self, account: str, index: Index) -> list[UnreadableItem]:
        files, allowed = self.folder.archives.get(account, ()), self._allowed(account)
        found = []
        for archive, entry, failure, reason in index.troubles():
            if archive in allowed:
                name = files[archive].path.name
                name = f"{name}:{entry}" if entry else name
                found.append(UnreadableItem(shown(name), failure, reason))
        return found


def _item(
    identifier: str, states: list[tuple[Found, ItemRow]], tags: dict[str, str]
) -> Item | UnreadableItem:
    """The newest state, or the newest that can be restored if that one cannot."""
    good = [one for one in states if not one[1].failure]
    _, row = max(good or states, key=lambda one: one[0].age)
    if row.failure:
        return UnreadableItem(identifier, row.failure, row.reason)
    folders = {str(one.folder): None for _, one in good if one.digest == row.digest}
    folders.pop(str(row.folder), None)
    return Item(
        identifier,
        row.type,
        str(row.folder),
        row.date,
        row.size,
        row.digest,
        numbers.flags_of(row.characters),
        tag_names(row, tags),
        row.imap_uid,
        row.name,
        other_folders=tuple(folders),
    )
