"""`BackupWriter`: makes a Backup Path, and adds states to one that is there.

Every file is written to a temporary name and renamed, so a reader never sees half
of one. Nothing that was recorded is taken away: an object that changed gets a
further state, and the state before it an end. A blob is stored once, however many
items have it.

Not promised before `finish_scan` has returned: that anything survives a power cut.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from reinstate_service.model import (
    Account,
    ClassOfService,
    DistributionList,
    Domain,
    Flag,
    Folder,
    Item,
    ItemType,
    Mountpoint,
    Product,
    SavedSearch,
    Tag,
)
from reinstate_service.source import numbers
from reinstate_service.source.backup_path import layout
from reinstate_service.source.backup_path.layout import Tree
from reinstate_service.source.backup_path.opening import OpenAccount, lock, open_or_make
from reinstate_service.source.backup_path.records import (
    ITEM_STATES,
    AccountState,
    CosState,
    DomainState,
    FolderState,
    ListState,
    MountpointState,
    SearchState,
    State,
    TagState,
)
from reinstate_service.source.backup_path.storing import BlobStore, Folders, RecordStore, store


def now() -> int:
    """The time in milliseconds."""
    return time.time_ns() // 1_000_000


class BackupWriter:
    """Writes to the backup at `path`, which is made if it is not there.

    `server_id` and `product` say whose backup it is; of a backup that is there, what
    it says holds. `clock` gives the start of states that are written without one.
    `durable` False spares the flush at the end, for backups that can be made again.
    Raises BackupInUse, NotABackup, VendorFormat; ValueError where `server_id` is not
    that of the backup.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        server_id: str | None = None,
        product: Product = Product.CARBONIO,
        clock: Callable[[], int] = now,
        durable: bool = True,
    ) -> None:
        root = Path(os.path.realpath(path))
        root.mkdir(parents=True, exist_ok=True)
        self._tree = Tree(str(root))
        self._clock = clock
        self._durable = durable
        self._release = weakref.finalize(self, os.close, lock(root, os.fspath(path)))
        try:
            self._marker = open_or_make(self._tree, os.fspath(path), server_id, product)
        except BaseException:
            self._release()
            raise
        folders = Folders(self._tree)
        self._records = RecordStore(self._tree, folders)
        self._blobs = BlobStore(self._tree, folders)
        self._accounts: dict[str, OpenAccount] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets others write; without `finish_scan` before it, the scan counts as unfinished."""
        self._release()

    @property
    def server_id(self) -> str:
        """The id of the server whose backup it is."""
        return self._marker.server_id

    @property
    def product(self) -> Product:
        """The product whose folder numbers the backup has."""
        return self._marker.product

    def put_domain(self, domain: Domain, start: int | None = None) -> bool:
        """Records the domain; False if that is how it stood already."""
        return self._put_server(layout.DOMAINS, domain.id, DomainState, domain, start)

    def put_cos(self, cos: ClassOfService, start: int | None = None) -> bool:
        """Records the class of service; False if that is how it stood already."""
        return self._put_server(layout.CLASSES_OF_SERVICE, cos.id, CosState, cos, start)

    def put_list(self, each: DistributionList, start: int | None = None) -> bool:
        """Records the distribution list; False if that is how it stood already."""
        return self._put_server(layout.LISTS, each.id, ListState, each, start)

    def put_account(self, account: Account, start: int | None = None) -> bool:
        """Records the account; False if that is how it stood already."""
        self._open(account.id)
        state = _state_of(AccountState, account, self._start(start))
        return self._records.put(self._account_info(account.id), state).written

    def delete_domain(self, domain: str, when: int | None = None) -> bool:
        """Records that the domain is gone; False if it was, or was never there."""
        return self._delete_server(layout.DOMAINS, domain, when)

    def delete_cos(self, cos: str, when: int | None = None) -> bool:
        """Records that the class of service is gone; False if it was, or was never there."""
        return self._delete_server(layout.CLASSES_OF_SERVICE, cos, when)

    def delete_list(self, each: str, when: int | None = None) -> bool:
        """Records that the list is gone; False if it was, or was never there."""
        return self._delete_server(layout.LISTS, each, when)

    def delete_account(self, account: str, when: int | None = None) -> bool:
        """Records that the account is gone; False if it was, or was never there."""
        return self._records.delete(self._account_info(account), self._start(when))

    def put_folder(self, account: str, folder: Folder, start: int | None = None) -> bool:
        """Records a folder. Its number decides its role: ValueError where they differ."""
        if folder.id in numbers.HIDDEN:
            raise ValueError(f"folder {folder.id} is the product's own")
        if folder.role != numbers.role_of(folder.id, self.product):
            raise ValueError(f"folder {folder.id} cannot be the {folder.role} of {self.product}")
        state = FolderState(
            folder.parent or numbers.ROOT,
            folder.name,
            folder.view,
            folder.colour,
            folder.subscribed,
            folder.url,
            folder.grants,
            folder.inherits,
            start=self._start(start),
        )
        return self._put_record(account, folder.id, state)

    def put_mountpoint(
        self, account: str, mountpoint: Mountpoint, start: int | None = None
    ) -> bool:
        """Records a mountpoint; False if that is how it stood already."""
        state = MountpointState(
            mountpoint.parent or numbers.ROOT,
            mountpoint.name,
            mountpoint.owner,
            mountpoint.remote,
            mountpoint.view,
            mountpoint.colour,
            start=self._start(start),
        )
        return self._put_record(account, mountpoint.id, state)

    def put_search(self, account: str, search: SavedSearch, start: int | None = None) -> bool:
        """Records a saved search; False if that is how it stood already."""
        state = SearchState(
            search.parent or numbers.ROOT,
            search.name,
            search.query,
            search.types,
            start=self._start(start),
        )
        return self._put_record(account, search.id, state)

    def put_tag(self, account: str, tag: Tag, start: int | None = None) -> bool:
        """Records a tag; False if that is how it stood already."""
        return self._put_record(
            account, tag.id, TagState(tag.name, tag.colour, start=self._start(start))
        )

    def put_item(
        self,
        account: str,
        item: str,
        *,
        content: bytes | Path | Iterator[bytes],
        folder: str,
        date: int,
        type: ItemType = ItemType.MESSAGE,  # noqa: A002 - as the model calls it
        flags: Flag = Flag(0),  # noqa: B008 - immutable
        tags: tuple[str, ...] = (),
        imap_uid: int | None = None,
        name: str = "",
        further_flags: str = "",
        origin: str = "",
        start: int | None = None,
    ) -> Item:
        """Stores the content (bytes, a file, or pieces) and records the item."""
        digest, size = self._blobs.put(content)
        return self.put_item_state(
            account,
            Item(item, type, folder, date, size, digest, flags, tags, imap_uid, name),
            further_flags=further_flags,
            origin=origin,
            start=start,
        )

    def put_item_state(
        self,
        account: str,
        item: Item,
        *,
        further_flags: str = "",
        origin: str = "",
        start: int | None = None,
    ) -> Item:
        """Records an item whose blob is stored already: other flags, another folder."""
        state = ITEM_STATES[item.type](
            item.folder,
            item.date,
            item.size,
            item.digest,
            numbers.characters_of(item.flags, further_flags),
            item.tags,
            item.imap_uid,
            item.name,
            origin,
            start=self._start(start),
            deleted=item.deleted,
        )
        self._put_record(account, item.id, state)
        return item

    def delete_item(self, account: str, item: str, when: int | None = None) -> bool:
        """Records that an item or container is gone; False if it was, or was never there."""
        return self._records.delete(self._item_record(account, item), self._start(when))

    def next_id(self, account: str) -> str:
        """A number above all that the account has; never the same one twice."""
        known = self._open(account)
        known.last = max(known.last + 1, numbers.FIRST_FREE)
        return str(known.last)

    def finish_scan(self, when: int | None = None) -> None:
        """Writes the indexes and, when everything is on the disk, the time of the scan."""
        moment = self._start(when)
        for known in self._accounts.values():
            known.finish_scan(moment)
        if self._durable:
            os.sync()
        first = self._marker.first_scan
        self._marker = msgspec.structs.replace(
            self._marker, first_scan=moment if first is None else first, last_scan=moment
        )
        store(
            f"{self._tree.root}/{layout.MARKER}",
            msgspec.json.encode(self._marker),
            flush=self._durable,
        )

    def _start(self, start: int | None) -> int:
        return self._clock() if start is None else start

    def _open(self, account: str) -> OpenAccount:
        known = self._accounts.get(account)
        if known is None:
            known = self._accounts[account] = OpenAccount(self._tree, account)
        return known

    def _account_info(self, account: str) -> str:
        return f"{layout.account_folder(account)}/{layout.ACCOUNT_INFO}"

    @staticmethod
    def _item_record(account: str, item: str) -> str:
        if not layout.is_item_id(item):
            raise ValueError(f"item id {item!r} is no number")
        folder = layout.account_folder(account)
        return f"{folder}/{layout.ITEMS}/{layout.item_folder(item)}/{item}"

    def _put_record(self, account: str, item: str, state: State) -> bool:
        known = self._open(account)
        done = self._records.put(self._item_record(account, item), state)
        if done.made:
            known.files += 1
            known.last = max(known.last, int(item))
            if type(state) not in _ITEM_STATES:
                known.containers.add(item)
        return done.written

    def _put_server(
        self,
        folder: str,
        identifier: str,
        kind: type[State],
        value: Domain | ClassOfService | DistributionList,
        start: int | None,
    ) -> bool:
        if not layout.is_server_id(identifier):
            raise ValueError(f"id {identifier!r} cannot be a file name")
        state = _state_of(kind, value, self._start(start))
        return self._records.put(f"{folder}/{identifier}", state).written

    def _delete_server(self, folder: str, identifier: str, when: int | None) -> bool:
        if not layout.is_server_id(identifier):
            return False
        return self._records.delete(f"{folder}/{identifier}", self._start(when))


_ITEM_STATES = frozenset(ITEM_STATES.values())


def _state_of(kind: type[State], value: msgspec.Struct, start: int) -> State:
    fields = {name: getattr(value, name) for name in value.__struct_fields__ if name != "id"}
    return kind(**fields, start=start)
