"""One pass over each archive of an account, into its index."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from reinstate_service.model import ItemType
from reinstate_service.source.archives import kinds
from reinstate_service.source.archives.contacts import contact_uid
from reinstate_service.source.archives.contents import Body, Hashing, Passed
from reinstate_service.source.archives.errors import (
    ContentMissing,
    ContentPadded,
    TypeUnknown,
)
from reinstate_service.source.archives.index import Building, Found
from reinstate_service.source.archives.pairing import Record, Trouble, read_records
from reinstate_service.source.archives.rows import (
    ItemRow,
    Raw,
    container_row,
    encode,
    folder_path,
    item_row,
)
from reinstate_service.source.contract import ItemError, RecordMalformed


class Indexing:
    """Reads the archives of one account, each once, and keeps what is to be known of them."""

    def __init__(self, building: Building, account: str) -> None:
        self._building = building
        self._account = account
        self._hashing = Hashing()
        self._now = time.time_ns() // 1_000_000

    def read(self, archives: Sequence[Path]) -> None:
        """Raises OSError, sqlite3.Error; what is wrong inside an archive is kept."""
        for number, archive in enumerate(archives):
            for found in read_records(archive, self._hashing.take):
                if isinstance(found, Trouble):
                    self._trouble(number, found.entry, found.error)
                    continue
                try:
                    self._keep(number, found)
                except (RecordMalformed, UnicodeEncodeError) as error:
                    detail = getattr(error, "fields", {}).get("detail", "a text of it is none")
                    self._fail(number, found, RecordMalformed(detail=detail))

    def _trouble(self, archive: int, entry: int, error: ItemError) -> None:
        self._building.put("troubles", archive, entry, type(error).__name__, str(error))

    def _keep(self, archive: int, record: Record[Body]) -> None:
        meta = record.meta
        found = _found(archive, record)
        if meta.type in kinds.CONTAINERS:
            self._building.put_container(found, container_row(meta, self._now))
        elif (type_ := kinds.ITEMS.get(meta.type)) is not None:
            self._building.put("places", meta.folder_id, folder_path(meta.path))
            row = item_row(meta, type_)
            if type_ in kinds.CONVERTED and not isinstance(record.body, ItemError):
                self._keep_raw(found, record, row)
            else:
                self._building.put_record(found, self._with_content(row, record))
        elif meta.type not in kinds.DERIVED:
            self._trouble(archive, record.entry, TypeUnknown(type=meta.type))

    def _keep_raw(self, found: Found, record: Record[Body], row: ItemRow) -> None:
        meta = record.meta
        if row.type is ItemType.CONTACT:
            uid = contact_uid(meta.decoded(), self._account, str(meta.id))
            self._building.put("contacts", meta.id, uid)
        body = record.body if isinstance(record.body, bytes) else None
        raw = Raw(msgspec.json.encode(meta), body)
        if record.padded:
            row = failed(row, ContentPadded())
        else:
            key = (found.id, found.archive, found.entry)
            self._building.put("raw", *key, encode(raw))
        self._building.put_record(found, row)

    def _with_content(self, row: ItemRow, record: Record[Body]) -> ItemRow:
        match record.body:
            case Passed() as body:
                row = msgspec.structs.replace(row, size=body.size, digest=body.digest)
                if record.padded:
                    return failed(row, ContentPadded())
                self._building.put("bodies", body.digest, body.start, body.size)
                return row
            case ItemError() as error:
                return failed(row, ContentPadded() if record.padded else error)
            case _:
                return failed(row, ContentMissing())

    def _fail(self, archive: int, record: Record[Body], error: ItemError) -> None:
        """Keeps why a record cannot be restored, under its id if it is an item's."""
        type_ = kinds.ITEMS.get(record.meta.type)
        if type_ is None:
            self._trouble(archive, record.entry, error)
        else:
            row = ItemRow(type_, record.meta.folder_id, 0)
            self._building.put_record(_found(archive, record), failed(row, error))


def _found(archive: int, record: Record[Body]) -> Found:
    meta = record.meta
    sequence = max(meta.mod_metadata, meta.mod_content)
    return Found(meta.id, archive, record.entry, meta.change_date, sequence)


def failed(row: ItemRow, error: ItemError) -> ItemRow:
    """The row of an item that cannot be restored."""
    return msgspec.structs.replace(row, failure=type(error).__name__, reason=str(error))
