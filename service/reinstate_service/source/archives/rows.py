"""What an account's index keeps of each record of its archives."""

from __future__ import annotations

import msgspec

from reinstate_service.model import Frozen, Grant, ItemType
from reinstate_service.source.archives import kinds
from reinstate_service.source.archives.acl import grants_of
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.meta import Meta


class ItemRow(Frozen, frozen=True, array_like=True):
    """One archive's state of one item; `failure` and `reason` say why it cannot be restored.

    `tags` are names, or ids with `tag_ids`; `folder` is a number, `version` a document's.
    """

    type: ItemType
    folder: int
    date: int
    characters: str = ""
    tags: tuple[str, ...] = ()
    tag_ids: bool = False
    imap_uid: int | None = None
    name: str = ""
    version: int = 0
    size: int = 0
    digest: str = ""
    failure: str = ""
    reason: str = ""


class ContainerRow(Frozen, frozen=True):
    """One archive's state of one folder, mountpoint, search or tag: `kind` is its number."""

    kind: int
    parent: int
    name: str
    path: str
    characters: str = ""
    view: ItemType | None = None
    colour: str = ""
    url: str = ""
    grants: tuple[Grant, ...] = ()
    owner: str = ""
    remote: str = ""
    query: str = ""
    types: str = ""


class Raw(Frozen, frozen=True):
    """What an item's content is made of, once everything is known that goes into it."""

    meta: bytes
    body: bytes | None = None


def item_row(meta: Meta, type_: ItemType) -> ItemRow:
    """The item as its `.meta` has it, without its content. Raises RecordMalformed."""
    document = type_ is ItemType.DOCUMENT
    return ItemRow(
        type_,
        meta.folder_id,
        meta.date * 1000,
        meta.characters,
        meta.tags,
        meta.has_tag_ids,
        meta.imap_id if meta.imap_id > 0 else None,
        (meta.name or meta.subject) if document else "",
        max(0, Fields(meta.decoded()).number("ver")) if document else 0,
    )


def container_row(meta: Meta, now: int) -> ContainerRow:
    """The container as its `.meta` has it, without the grants that had run out at `now`.

    Raises RecordMalformed.
    """
    metadata = meta.decoded()
    fields = Fields(metadata)
    return ContainerRow(
        meta.type,
        meta.folder_id,
        meta.name or meta.subject or meta.path.rpartition("/")[2],
        meta.path,
        meta.characters,
        kinds.VIEWS.get(fields.number("vt", -1)),
        kinds.colour_of(fields.number("c")),
        fields.text("url"),
        grants_of(metadata, now),
        fields.text("aid"),
        fields.text("id"),
        fields.text("q"),
        fields.text("t"),
    )


def folder_path(path: str) -> str:
    """The folder of a record whose `Path` is this: what stands before the last slash."""
    return path.rpartition("/")[0].strip("/")


encode = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(ItemRow).decode
decode_container = msgspec.msgpack.Decoder(ContainerRow).decode
decode_raw = msgspec.msgpack.Decoder(Raw).decode
