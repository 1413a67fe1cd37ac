"""What `reinstate backup info|accounts|folders|item|extract` answer, as values.

Nothing here prints, and nothing but `extract` writes.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from reinstate_journal.errors import UsageError
from reinstate_service.mapping.paths import source_paths
from reinstate_service.model import (
    AccountRef,
    Frozen,
    Item,
    Product,
    UnreadableItem,
)
from reinstate_service.source.backup_path import BackupPathSource, layout
from reinstate_service.source.backup_path.decode import item_of
from reinstate_service.source.backup_path.records import RecordState, state_at
from reinstate_service.source.contract import Missing, RecordUnreadable, Source


class BackupInfo(Frozen, frozen=True):
    """A backup in numbers. Times are milliseconds; `age` is since the last scan, None
    if none was ever finished. `items` counts by type what is there now, `deleted`
    what was and is not. `blobs` are the files that hold contents, blobs or archives, and
    `blob_bytes` is what they take on the disk; `scratch_bytes` is what a restore of one account
    takes besides, and `missing` what the backup lacks."""

    path: str
    format: str
    server_id: str
    product: Product
    last_scan: int | None
    age: int | None
    domains: int
    classes_of_service: int
    distribution_lists: int
    accounts: int
    accounts_deleted: int
    accounts_unreadable: int
    folders: int
    mountpoints: int
    searches: int
    tags: int
    items: dict[str, int]
    deleted: int
    unreadable: int
    content_bytes: int
    blobs: int
    blob_bytes: int
    scratch_bytes: int = 0
    missing: tuple[Missing, ...] = ()


class AccountRow(Frozen, frozen=True):
    """One account; `problem` says why its record cannot be read, and then only its id is known."""

    id: str
    address: str = ""
    cos: str = ""
    system: bool = False
    deleted: bool = False
    items: int = 0
    problem: str = ""


class FolderRow(Frozen, frozen=True):
    """One folder, or a mountpoint (`owner` set). `items` are there now, `deleted` were."""

    id: str
    path: tuple[str, ...]
    view: str
    role: str = ""
    owner: str = ""
    items: int = 0
    deleted: int = 0
    content_bytes: int = 0


class ItemStates(Frozen, frozen=True):
    """Every state of one record, in the order they were written, with the names of the format."""

    account: str
    id: str
    states: tuple[dict[str, Any], ...]


class Extracted(Frozen, frozen=True):
    """A blob that now lies at `path`."""

    path: str
    digest: str
    size: int


def backup_info(source: Source, now: int | None = None) -> BackupInfo:
    """Counts everything; reads every record once. Raises BackupError."""
    identity = source.identity()
    accounts: Counter[str] = Counter()
    containers: Counter[str] = Counter()
    items: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for ref in source.accounts():
        if not isinstance(ref, AccountRef):
            accounts["unreadable"] += 1
            continue
        accounts["deleted" if ref.deleted else "there"] += 1
        held = source.containers(ref.id)
        for kind in held.__struct_fields__:
            containers[kind] += len(getattr(held, kind))
        for item in source.items(ref.id):
            match item:
                case UnreadableItem():
                    others["unreadable"] += 1
                case Item(deleted=True):
                    others["deleted"] += 1
                case Item():
                    items[item.type] += 1
                    others["bytes"] += item.size
    storage = source.storage()
    moment = time.time_ns() // 1_000_000 if now is None else now
    last = identity.last_scan
    return BackupInfo(
        path=source.path,
        format=identity.format,
        server_id=identity.server_id,
        product=identity.product,
        last_scan=last,
        age=None if last is None else max(0, moment - last),
        domains=sum(1 for _ in source.domains()),
        classes_of_service=sum(1 for _ in source.classes_of_service()),
        distribution_lists=sum(1 for _ in source.distribution_lists()),
        accounts=accounts["there"],
        accounts_deleted=accounts["deleted"],
        accounts_unreadable=accounts["unreadable"],
        folders=containers["folders"],
        mountpoints=containers["mountpoints"],
        searches=containers["searches"],
        tags=containers["tags"],
        items={str(kind): count for kind, count in sorted(items.items())},
        deleted=others["deleted"],
        unreadable=others["unreadable"],
        content_bytes=others["bytes"],
        blobs=storage.files,
        blob_bytes=storage.size,
        scratch_bytes=storage.scratch,
        missing=tuple(source.missing()),
    )


def backup_accounts(source: Source) -> Iterator[AccountRow]:
    """Every account by address, those that cannot be read last. Raises BackupError."""
    for ref in source.accounts():
        if isinstance(ref, AccountRef):
            count = source.count_items(ref.id)
            yield AccountRow(ref.id, ref.address, ref.cos, ref.system, ref.deleted, count)
        else:
            yield AccountRow(str(ref.fields["account"]), problem=str(ref))


def find_account(source: Source, account: str) -> str:
    """The id of the account that is meant by an id or an address.

    Of several that had the address, the one that is not deleted. Raises UsageError.
    """
    if layout.is_account_id(account):
        return account
    found = [
        ref
        for ref in source.accounts()
        if isinstance(ref, AccountRef)
        and (ref.id == account or ref.address.lower() == account.lower())
    ]
    if not found:
        raise UsageError(detail=f"the backup has no account {account}")
    return min(found, key=lambda ref: ref.deleted).id


def backup_folders(source: Source, account: str) -> Iterator[FolderRow]:
    """The folders and mountpoints of an account (id or address), by path. Raises BackupError."""
    identifier = find_account(source, account)
    containers = source.containers(identifier)
    there: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for item in source.items(identifier):
        if isinstance(item, Item):
            (gone if item.deleted else there)[item.folder] += 1
            size[item.folder] += item.size
    paths = source_paths((*containers.folders, *containers.mountpoints))
    rows = [
        FolderRow(
            folder.id,
            paths[folder.id],
            folder.view,
            folder.role or "",
            items=there[folder.id],
            deleted=gone[folder.id],
            content_bytes=size[folder.id],
        )
        for folder in containers.folders
    ]
    rows += [
        FolderRow(mount.id, paths[mount.id], mount.view, owner=mount.owner)
        for mount in containers.mountpoints
    ]
    yield from sorted(rows, key=lambda row: row.path)


def backup_item(source: BackupPathSource, account: str, item: str) -> ItemStates:
    """All that was ever recorded of one item or folder. Raises BackupError, ItemError."""
    identifier = find_account(source, account)
    states = _states(source, identifier, item)
    return ItemStates(identifier, item, tuple(msgspec.to_builtins(state) for state in states))


def _states(source: BackupPathSource, account: str, item: str) -> list[RecordState]:
    try:
        return source.states(account, item)
    except RecordUnreadable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise UsageError(detail=f"account {account} has no item {item}") from error
        raise


def extract(
    source: BackupPathSource, target: Path, *, account: str = "", item: str = "", digest: str = ""
) -> Extracted:
    """Writes the content of an item, or of the blob that `digest` names, to a new file.

    Of an item that had several over time, it is the one of the source's moment.
    Raises UsageError where `target` exists already or the item has no content then,
    BackupError, ItemError; no file is left behind then.
    """
    if target.exists() or target.is_symlink():
        raise UsageError(detail=f"{target} exists already")
    if digest:
        pieces = source.blob(digest)
    else:
        state = state_at(_states(source, find_account(source, account), item), source.at)
        found = item_of(item, state)
        if not isinstance(found, Item):
            raise UsageError(detail=f"{item} is no item with content at that moment")
        digest, pieces = found.digest, source.content(found)
    size = 0
    try:
        handle, temporary = tempfile.mkstemp(prefix=".extract-", dir=target.parent)
    except OSError as error:
        raise UsageError(detail=f"{target}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                size += file.write(piece)
        Path(temporary).rename(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Extracted(str(target), digest, size)
