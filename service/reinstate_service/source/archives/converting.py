"""Contents that are made from metadata: vCards and iCalendar objects, and documents' versions.

Done when the last archive of an account has been read: a contact group needs the account's
contacts, a tag that is told by its number the account's tags.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import groupby
from pathlib import PurePosixPath

import msgspec

from reinstate_service.model import ItemType
from reinstate_service.source.archives.calendar import icalendar
from reinstate_service.source.archives.contacts import contact_uid, vcard
from reinstate_service.source.archives.contents import named
from reinstate_service.source.archives.directory.names import address_of, id_for, parse_dn
from reinstate_service.source.archives.groups import uid_uri
from reinstate_service.source.archives.index import Building
from reinstate_service.source.archives.indexing import failed
from reinstate_service.source.archives.meta import read_meta
from reinstate_service.source.archives.rows import ItemRow, Raw, decode_raw
from reinstate_service.source.contract import RecordMalformed

#: Answers the UIDs of the contacts of another account by their ids.
ContactsOf = Callable[[str], dict[str, str]]


def finish(building: Building, account: str, contacts_of: ContactsOf) -> None:
    """Makes every content that is to be made, and gives each version of a document an id."""
    tags = building.tag_names()
    members = Members(building.contacts(), account, contacts_of)
    for key, record in building.raw():
        row = building.item(key)
        try:
            content, notes = _converted(row, decode_raw(record), account, tags, members)
        except RecordMalformed as error:
            building.change(key, failed(row, error))
            continue
        digest = named(hashlib.sha256(content).digest())
        building.put("contents", digest, content)
        building.change(key, msgspec.structs.replace(row, size=len(content), digest=digest))
        for note in notes:
            building.put("notes", key[0], note)
    _part_versions(building)


def _converted(
    row: ItemRow, raw: Raw, account: str, tags: dict[str, str], members: Members
) -> tuple[bytes, tuple[str, ...]]:
    meta = read_meta(raw.meta)
    named_tags = tag_names(row, tags)
    metadata, changed = meta.decoded(), meta.change_date * 1000
    identifier = str(meta.id)
    try:
        if row.type is ItemType.CONTACT:
            uid = contact_uid(metadata, account, identifier)
            content = vcard(
                metadata,
                raw.body,
                uid=uid,
                revised=changed,
                tags=named_tags,
                resolve=members.resolve,
            )
            return content, ()
        made = icalendar(
            metadata,
            raw.body,
            type_=row.type,
            uid=id_for(row.type.value, f"{account}/{identifier}"),
            stamp=changed,
            tags=named_tags,
        )
    except UnicodeEncodeError as error:
        raise RecordMalformed(detail="a text of it is none") from error
    return made.content, made.notes


def tag_names(row: ItemRow, tags: dict[str, str]) -> tuple[str, ...]:
    """The item's tags by name; an id that no tag has says nothing."""
    if not row.tag_ids:
        return row.tags
    return tuple(tags[tag] for tag in row.tags if tag in tags)


class Members:
    """The members of contact groups: `257`, `<account>:257`, or the DN of somebody."""

    def __init__(self, own: dict[str, str], account: str, contacts_of: ContactsOf) -> None:
        self._known = {account: own}
        self._account = account
        self._contacts_of = contacts_of

    def resolve(self, member: str) -> str | None:
        """The URI of the member; None if nobody is that."""
        if "=" in member:
            address = address_of(parse_dn(member))
            return f"mailto:{address}" if address else None
        account, _, contact = member.rpartition(":")
        account = account or self._account
        if account not in self._known:
            self._known[account] = self._contacts_of(account)
        uid = self._known[account].get(contact)
        return None if uid is None else uid_uri(uid)


def _part_versions(building: Building) -> None:
    """Former versions of a document get ids of their own, the same in every run, and names
    that tell them."""
    for _, group in groupby(building.several(), key=lambda key: key[0]):
        rows = [(key, building.item(key)) for key in group]
        rows = [(key, row) for key, row in rows if row.type is ItemType.DOCUMENT]
        newest = max((row.version for _, row in rows), default=0)
        for key, row in rows:
            if row.version < newest:
                name = versioned(row.name, row.version)
                new = key[0] + (row.version + 1 << 32)
                building.change(key, msgspec.structs.replace(row, name=name), new)


def versioned(name: str, version: int) -> str:
    """The name of a former version: `plan (version 2).odt`."""
    path = PurePosixPath(name)
    suffix = path.suffix if path.stem else ""
    return f"{name.removesuffix(suffix)} (version {version}){suffix}"
