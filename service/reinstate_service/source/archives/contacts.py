"""A contact's fields into a vCard: version 4.0 (RFC 6350), or 3.0 (RFC 2426) on request.

docs/calendars-and-contacts.md has the table of what becomes of what.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from reinstate_service.source.archives import contact_fields as known
from reinstate_service.source.archives.contact_extras import (
    attachments_of,
    brought_lines,
    file_line,
)
from reinstate_service.source.archives.contentlines import (
    escaped,
    folded,
    is_name,
    line,
    text,
    uri,
)
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.groups import member_lines, uid_uri
from reinstate_service.source.archives.values import utc_of
from reinstate_service.source.contract import RecordMalformed

Version = Literal["4.0", "3.0"]
#: Answers the URI of a group's member: a contact's id (`257`, or `<account>:257` in another
#: account) or the DN of somebody in the directory; None if nobody is that.
Resolve = Callable[[str], str | None]

#: The name space of the UIDs made here (RFC 9562 §5.5).
_CONTACTS = uuid.UUID("6b0f3b5e-1d55-5c0b-9a50-4c1a7b6f2d11")
_NUMBERED = re.compile(r"(.*?)(\d*)", re.ASCII)
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})|--?(\d{2})-?(\d{2})", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def contact_uid(metadata: Mapping[str, object], account: str, item: str) -> str:
    """The contact's UID: the one it came with, else one that follows from the ids of its
    account and of itself, and so is the same in every run."""
    fields = _fields_of(Fields(metadata))
    for key in known.UID_FIELDS:
        if given := fields.text(key).strip():
            return given
    return str(uuid.uuid5(_CONTACTS, f"{account}/{item}"))


@dataclass
class _Card:
    """A vCard being written: the fields that are still to be told, and the lines."""

    fields: Fields
    version: Version
    left: set[str]
    lines: list[str] = field(default_factory=list)

    def take(self, key: str) -> str:
        """A field's text, which is told from now on."""
        self.left.discard(key)
        return self.fields.text(key)

    def family(self, table: Mapping[str, object]) -> list[tuple[str, str]]:
        """The fields left whose names are in `table`, numbered ones after their first, as
        (name in the table, field)."""
        found = []
        for key in self.left:
            base, number = _split(key)
            if base in table and self.fields.text(key):
                found.append((list(table).index(base), int(number or 0), base, key))
        return [(base, key) for _, _, base, key in sorted(found)]

    def types(self, *types: str, field_name: str = "") -> dict[str, str]:
        """The parameters for these types; vCard 3 has them in capitals."""
        params = {}
        if types:
            joined = ",".join(types)
            params["TYPE"] = joined if self.version == "4.0" else joined.upper()
        if field_name:
            params["X-ZIMBRA-FIELD"] = field_name
        return params

    def add(self, name: str, value: str, params: Mapping[str, str] | None = None) -> None:
        """A property whose value is in its form already."""
        self.lines.append(_typed_line(name, value, params or {}))


def vcard(
    metadata: Mapping[str, object],
    body: bytes | None = None,
    *,
    uid: str,
    revised: int,
    tags: Sequence[str] = (),
    resolve: Resolve = lambda _: None,
    version: Version = "4.0",
) -> bytes:
    """The contact or contact group as a vCard; the same input gives the same bytes.

    `metadata` is decoded, `body` what the archive has beside it (photo and further files),
    `uid` is `contact_uid`'s, `revised` in milliseconds, `tags` the names of its tags.

    Raises RecordMalformed if the metadata is no contact's.
    """
    whole = Fields(metadata)
    fields = _fields_of(whole)
    card = _Card(fields, version, set(fields))
    card.left -= {*known.UID_FIELDS, "image"}
    _names(card)
    _reachable(card)
    _dates_and_places(card)
    _rest(card)
    if fields.text("type") == "group":
        card.left -= known.GROUP_FIELDS
        card.lines += member_lines(fields, resolve, version)
    _extra(card)
    if tags:
        card.add("CATEGORIES", ",".join(map(escaped, tags)))
    for attachment, named in attachments_of(whole, body):
        card.lines.append(file_line(attachment, named, version))
    for key in sorted(card.left):
        if fields.text(key):
            card.lines.append(_kept(key, fields.text(key)))
    revision = utc_of(revised)
    if version == "3.0":
        revision = f"{datetime.datetime.strptime(revision, '%Y%m%dT%H%M%SZ'):%Y-%m-%dT%H:%M:%SZ}"  # noqa: DTZ007
    head = [
        "BEGIN:VCARD",
        f"VERSION:{version}",
        line("UID", uri(uid_uri(uid), version) if version == "4.0" else uid),
    ]
    return folded([*head, *card.lines, line("REV", revision), "END:VCARD"])


def _fields_of(metadata: Fields) -> Fields:
    """The fields; before version 8 they were the whole metadata."""
    return metadata.inner("fld") or metadata


def _split(key: str) -> tuple[str, str]:
    found = _NUMBERED.fullmatch(key)
    return (found[1], found[2]) if found else (key, "")


def _typed_line(name: str, value: str, params: Mapping[str, str]) -> str:
    """A line whose TYPE is a list: its commas are not part of a value, so it is not quoted."""
    types = params.get("TYPE", "")
    rest = {key: value for key, value in params.items() if key != "TYPE"}
    written = line(name, value, rest)
    return f"{name};TYPE={types}{written.removeprefix(name)}" if types else written


def _names(card: _Card) -> None:
    parts = [card.take(key) for key in known.NAME_PARTS]
    last, first, middle, prefix, suffix = parts
    company, department = card.take("company"), card.take("department")
    nickname = card.fields.text("nickname")
    built = " ".join(filter(None, (prefix, first, middle, last, suffix)))
    shown = (
        card.take("fullName").strip()
        or built
        or _filed_as(card.fields)
        or nickname
        or company
        or card.fields.text("email")
        or "?"
    )
    card.lines.append(text("FN", shown))
    if any(parts) or card.version == "3.0":
        card.add("N", ";".join(map(escaped, parts)))
    if company or department:
        given = (company, department) if department else (company,)
        card.add("ORG", ";".join(map(escaped, given)))
    for key, name in known.TEXTS.items():
        if value := card.take(key):
            card.lines.append(text(name, value))


def _filed_as(fields: Fields) -> str:
    """The name that a contact is explicitly filed under."""
    kind, _, name = fields.text("fileAs").partition(":")
    return name.strip() if kind == "8" else ""


def _reachable(card: _Card) -> None:
    for base, key in card.family(known.EMAILS):
        types = known.EMAILS[base]
        params = card.types(*types)
        if key == "email":
            params = {"PREF": "1"} if card.version == "4.0" else {"TYPE": "INTERNET,PREF"}
        elif card.version == "3.0":
            params = card.types("internet", *types)
        card.add("EMAIL", escaped(card.take(key)), params)
    for base, key in card.family(known.PHONES):
        told = key if base in known.UNTOLD_PHONES else ""
        params = card.types(*known.PHONES[base], field_name=told)
        card.add("TEL", escaped(card.take(key)), params)
    for base, key in card.family(known.MESSENGERS):
        if _URI.fullmatch(card.fields.text(key)):
            card.add("IMPP", uri(card.take(key), card.version), card.types(*known.MESSENGERS[base]))
    for base, key in card.family(known.PAGES):
        card.add("URL", uri(card.take(key), card.version), card.types(*known.PAGES[base]))
    for key in known.URL_FIELDS:
        if url := card.take(key):
            card.add("URL", uri(url, card.version))


def _dates_and_places(card: _Card) -> None:
    for key, name in known.DATES.items():
        if value := _date(card.fields.text(key), card.version):
            card.take(key)
            extended = card.version == "3.0" and name != "BDAY"
            card.add(f"X-{name}" if extended else name, value)
    for kind, types in known.ADDRESSES.items():
        numbers = {_split(key)[1] for key in card.left if _split(key)[0] in _address_fields(kind)}
        for number in sorted(numbers, key=lambda digits: int(digits or 0)):
            parts = [card.take(f"{field}{number}") for field in _address_fields(kind)]
            if any(parts):
                card.add("ADR", ";;" + ";".join(map(escaped, parts)), card.types(*types))


def _address_fields(kind: str) -> list[str]:
    return [f"{kind}{part}" for part in known.ADDRESS_PARTS]


def _date(value: str, version: Version) -> str:
    """A date as the version writes it; empty if it is none, or one that the version cannot
    write: vCard 3 has no date without a year."""
    found = _DATE.fullmatch(value.strip())
    if found is None:
        return ""
    year, month, day, only_month, only_day = found.groups()
    try:
        datetime.date(int(year or 2000), int(month or only_month), int(day or only_day))
    except ValueError:
        return ""
    if version == "3.0":
        return f"{year}-{month}-{day}" if year else ""
    return f"{year}{month}{day}" if year else f"--{only_month}{only_day}"


def _rest(card: _Card) -> None:
    for key in known.KEYS:
        der = _decoded(card.fields.text(key))
        if not der:
            continue
        card.take(key)
        content = base64.b64encode(der).decode()
        if card.version == "4.0":
            data = uri(f"data:application/pkix-cert;base64,{content}", card.version)
            card.add("KEY", data, {"X-ZIMBRA-FIELD": key})
        else:
            card.add("KEY", content, {"ENCODING": "b", "TYPE": "X509", "X-ZIMBRA-FIELD": key})


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _extra(card: _Card) -> None:
    """The properties that a vCard brought with it and Zimbra only kept: JSON, whose values
    are texts or hold JSON once more, with several values and their parameters."""
    for key in known.EXTRA_FIELDS:
        if not card.fields.text(key):
            continue
        try:
            lines = brought_lines(card.fields.text(key))
        except (msgspec.DecodeError, RecordMalformed, RecursionError):
            continue  # stays as it is, under the field's own name
        card.take(key)
        card.lines += lines


def _kept(key: str, value: str) -> str:
    """A field that vCard has no property for."""
    if is_name(key):
        return text(f"X-ZIMBRA-{key.upper()}", value)
    return text("X-ZIMBRA-FIELD", value, {"X-ZIMBRA-NAME": key})
