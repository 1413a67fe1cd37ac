"""`BackupPathSource`: a Backup Path read at one moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from reinstate_journal.errors import BackupError, ReinstateError
from reinstate_service.gunzip import Packed
from reinstate_service.model import (
    Account,
    AccountRef,
    BackupIdentity,
    ClassOfService,
    Containers,
    DistributionList,
    Domain,
    Folder,
    Item,
    Mountpoint,
    SavedSearch,
    Tag,
    UnreadableItem,
)
from reinstate_service.source.backup_path import decode, layout
from reinstate_service.source.backup_path.blobs import Blobs
from reinstate_service.source.backup_path.decode import Container
from reinstate_service.source.backup_path.detect import read_marker
from reinstate_service.source.backup_path.layout import Tree
from reinstate_service.source.backup_path.listing import Listing, stamp
from reinstate_service.source.backup_path.records import (
    FORMAT,
    AccountIndex,
    AccountState,
    ItemState,
    Marker,
    RecordState,
    State,
    state_at,
)
from reinstate_service.source.contract import (
    AccountUnreadable,
    ItemError,
    ItemRecord,
    Missing,
    RecordUnreadable,
    Storage,
    UnsafeName,
)
from reinstate_service.source.names import shown
from reinstate_service.source.numbers import HIDDEN

M = TypeVar("M", Domain, ClassOfService, DistributionList)
S = TypeVar("S", bound=State)

_index_decoder = msgspec.json.Decoder(AccountIndex)
_Unreadable = (OSError, layout.TooLong, ItemError)


class BackupPathSource:
    """The backup at `path` as it was at the moment `at` (milliseconds; None: the latest).

    Opens nothing until it is asked, holds nothing open between calls, and never
    writes. Every method raises NotABackup or VendorFormat where `identity` would.
    """

    def __init__(self, path: str | os.PathLike[str], at: int | None = None) -> None:
        self._path = os.fspath(path)
        self._tree = Tree(os.path.realpath(self._path))
        self._at = at
        self._blobs = Blobs(self._tree)
        self._marker: Marker | None = None

    @property
    def path(self) -> str:
        """The backup as the user named it."""
        return self._path

    @property
    def at(self) -> int | None:
        """The moment whose states it answers with; None is the latest."""
        return self._at

    @property
    def marker(self) -> Marker:
        """What `backupstat` says. Raises NotABackup, VendorFormat."""
        if self._marker is None:
            self._marker = read_marker(self._tree, self._path)
        return self._marker

    def identity(self) -> BackupIdentity:
        """Whose backup it is. Raises NotABackup, VendorFormat."""
        marker = self.marker
        return BackupIdentity(
            marker.server_id, marker.product, f"{FORMAT}/{marker.version}", marker.last_scan
        )

    def domains(self) -> Iterator[Domain]:
        """Every domain, by name. Raises BackupError."""
        found = self._server(layout.DOMAINS, decode.domain_decoder, decode.domain_of)
        return iter(sorted(found, key=lambda domain: (domain.name, domain.id)))

    def classes_of_service(self) -> Iterator[ClassOfService]:
        """Every class of service, by name. Raises BackupError."""
        found = self._server(layout.CLASSES_OF_SERVICE, decode.cos_decoder, decode.cos_of)
        return iter(sorted(found, key=lambda cos: (cos.name, cos.id)))

    def distribution_lists(self) -> Iterator[DistributionList]:
        """Every distribution list, by address. Raises BackupError."""
        found = self._server(layout.LISTS, decode.list_decoder, decode.list_of)
        return iter(sorted(found, key=lambda each: (each.address, each.id)))

    def accounts(self) -> Iterator[AccountRef | AccountUnreadable]:
        """Every account, by address; then the ones whose record is broken, by name."""
        _ = self.marker
        good: list[AccountRef] = []
        broken: list[AccountUnreadable] = []
        try:
            for entry in self._tree.entries(layout.ACCOUNTS):
                try:
                    state = state_at(self._account_states(entry.name), self._at)
                except AccountUnreadable as error:
                    broken.append(error)
                    continue
                if state is not None:
                    good.append(
                        AccountRef(
                            entry.name, state.address, state.cos, state.system, state.deleted
                        )
                    )
        except (OSError, UnsafeName) as error:
            raise BackupError(path=self._path, detail=f"accounts/: {error}") from error
        yield from sorted(good, key=lambda ref: (ref.address, ref.id))
        yield from sorted(broken, key=lambda error: str(error.fields["account"]))

    def account(self, account: str) -> Account:
        """The account of this id. Raises AccountUnreadable."""
        state = state_at(self._account_states(account), self._at)
        if state is None:
            raise self._account_error(account, "it did not exist at that moment")
        return decode.account_of(account, state)

    def state(self, account: str) -> str:
        """A stamp of the account's records: 102 file status calls. Raises AccountUnreadable."""
        self._require(account)
        try:
            return stamp(self._tree, account)
        except (OSError, UnsafeName) as error:
            raise self._account_error(account, error) from error

    def count_items(self, account: str) -> int:
        """How many records `items` will yield. Raises AccountUnreadable."""
        listing = self.listing(account)
        index = listing.index(self._index(account))
        containers = sum(map(listing.is_container, index.containers))
        return index.files - containers + len(listing.misplaced)

    def containers(self, account: str, *, deleted: bool = False) -> Containers:
        """The folders, mountpoints, searches and tags, each by ascending id.

        A record that cannot be read is not among them; `items` reports it. With
        `deleted`, those that the backup saw deleted are among them as well.
        Raises AccountUnreadable.
        """
        listing = self.listing(account)
        product = self.marker.product
        found: list[Container] = []
        for identifier in sorted(listing.index(self._index(account)).containers, key=int):
            if identifier in HIDDEN:
                continue
            try:
                state = state_at(decode.read_item_states(listing.path(identifier)), self._at)
            except ItemError:
                continue
            if isinstance(state, ItemState) or state is None:
                continue
            if deleted or not state.deleted:
                found.append(decode.container_of(identifier, state, product))
        return Containers(
            tuple(each for each in found if isinstance(each, Folder)),
            tuple(each for each in found if isinstance(each, Mountpoint)),
            tuple(each for each in found if isinstance(each, SavedSearch)),
            tuple(each for each in found if isinstance(each, Tag)),
        )

    def items(self, account: str, after: str = "") -> Iterator[ItemRecord]:
        """Every item once, by ascending id; last what does not belong among them. With `after`,
        only what comes behind that id.

        Raises AccountUnreadable, before the first.
        """
        listing = self.listing(account)
        return self._items(listing, after)

    def _items(self, listing: Listing, after: str) -> Iterator[ItemRecord]:
        for identifier, states in listing.records(after):
            if isinstance(states, ItemError):
                yield decode.unreadable(identifier, states)
            elif isinstance(states[0], ItemState):
                yield decode.item_of(identifier, state_at(states, self._at), states)
        for misplaced in listing.misplaced:
            yield UnreadableItem(misplaced.name, UnsafeName.__name__, misplaced.reason)

    def content(self, item: Item) -> Iterator[bytes]:
        """The item's bytes in pieces of at most 1 MiB, checked as they pass.

        Raises BlobMissing, BlobCorrupt, BlobTooLarge, UnsafeName, at any piece.
        """
        return self._blobs.content(item)

    def has_packed(self) -> bool:
        """See `Source`. Blobs are gzipped, if not all."""
        return True

    def packed(self, item: Item) -> Packed | None:
        """See `Source`."""
        return self._blobs.packed(item)

    def inspect_blob(self, item: Item) -> int:
        """How often the item's blob was gzipped. Raises as `content` does."""
        return self._blobs.level(item)

    def blob(self, digest: str, limit: int = 1 << 33) -> Iterator[bytes]:
        """The bytes behind a digest, at most `limit`. Raises as `content` does."""
        return self._blobs.content_of(digest, limit)

    def storage(self) -> Storage:
        """How many blobs there are, and what they take. Raises BackupError."""
        files = size = 0
        for entry in self.blob_entries():
            files += 1
            size += entry.stat(follow_symlinks=False).st_size
        return Storage(files, size)

    def missing(self, *, accounts: bool = True) -> Iterator[Missing]:  # noqa: ARG002
        """Nothing: a Backup Path does not know what it lacks; `backup check` finds damage."""
        return iter(())

    def blob_entries(self) -> Iterator[os.DirEntry[str]]:
        """Every blob's file, in no order. Raises BackupError."""
        _ = self.marker
        try:
            yield from self._blobs.entries()
        except (OSError, UnsafeName) as error:
            raise BackupError(path=self._path, detail=f"items/: {error}") from error

    def states(self, account: str, item: str) -> list[RecordState]:
        """Every state of one record. Raises AccountUnreadable, ItemError."""
        self._require(account)
        if not layout.is_item_id(item):
            raise UnsafeName(detail=f"item id {item!r} is no number")
        folder = f"{layout.account_folder(account)}/{layout.ITEMS}/{layout.item_folder(item)}"
        try:
            return decode.read_item_states(f"{self._tree.check_folder(folder)}/{item}")
        except OSError as error:
            raise RecordUnreadable(detail=error.strerror or str(error)) from error

    def listing(self, account: str) -> Listing:
        """The account's records as such. Raises AccountUnreadable."""
        self._require(account)
        try:
            return Listing(self._tree, account)
        except (OSError, UnsafeName) as error:
            raise self._account_error(account, error) from error

    def _require(self, account: str) -> None:
        """Raises AccountUnreadable unless there is a folder of this account."""
        _ = self.marker
        try:
            self._tree.check_folder(layout.account_folder(account))
        except FileNotFoundError as error:
            raise self._account_error(account, "the backup has no such account") from error
        except (OSError, UnsafeName) as error:
            raise self._account_error(account, error) from error

    def _index(self, account: str) -> AccountIndex | None:
        """What account_stat says, if it can be read; it only ever saves time."""
        relative = f"{layout.account_folder(account)}/{layout.ACCOUNT_STAT}"
        try:
            index = decode.decode(self._tree.read(relative), _index_decoder)
        except _Unreadable:
            return None
        sound = all(map(layout.is_item_id, index.containers))
        return index if sound and len(set(index.containers)) == len(index.containers) else None

    def _account_states(self, account: str) -> list[AccountState]:
        self._require(account)
        relative = f"{layout.account_folder(account)}/{layout.ACCOUNT_INFO}"
        try:
            return decode.decode_states(self._tree.read(relative), decode.account_decoder)
        except _Unreadable as error:
            raise self._account_error(account, error) from error

    def _account_error(self, account: str, detail: object) -> AccountUnreadable:
        if isinstance(detail, OSError):
            detail = detail.strerror or detail
        return AccountUnreadable(account=shown(account), path=self._path, detail=detail)

    def _server(
        self,
        folder: str,
        decoder: msgspec.json.Decoder[list[S]],
        build: Callable[[str, S], M],
    ) -> list[M]:
        _ = self.marker
        found = []
        try:
            for entry in self._tree.entries(folder):
                name = f"{folder}/{entry.name}"
                try:
                    if not layout.is_server_id(entry.name):
                        raise UnsafeName(detail="its name is no id")
                    states = decode.decode_states(self._tree.read(name), decoder)
                except (*_Unreadable, ReinstateError) as error:
                    raise BackupError(path=self._path, detail=f"{shown(name)}: {error}") from error
                state = state_at(states, self._at)
                if state is not None and not state.deleted:
                    found.append(build(entry.name, state))
        except FileNotFoundError:
            return []
        except (OSError, UnsafeName) as error:
            raise BackupError(path=self._path, detail=f"{folder}: {error}") from error
        return found
