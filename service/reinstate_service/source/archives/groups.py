"""Contact groups: their members, by reference or by address."""

from __future__ import annotations

import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from email.utils import getaddresses

from reinstate_service.source.archives.bencode import decode
from reinstate_service.source.archives.contentlines import line, text, uri
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.contract import RecordMalformed

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_CONTACT, _DIRECTORY, _INLINE = "C", "G", "I"


def uid_uri(uid: str) -> str:
    """A UID as a URI, which MEMBER must be (RFC 6350 §6.6.5)."""
    if _URI.fullmatch(uid):
        return uid
    try:
        return uuid.UUID(uid).urn
    except ValueError:
        return f"urn:uuid:{urllib.parse.quote(uid, safe='')}"


def member_lines(fields: Fields, resolve: Callable[[str], str | None], version: str) -> list[str]:
    """KIND and the members: MEMBER, or in vCard 3 the properties that Apple and others use.

    A member that `resolve` does not find is kept as X-ZIMBRA-MEMBER. Raises RecordMalformed.
    """
    prefix = "" if version == "4.0" else "X-ADDRESSBOOKSERVER-"
    lines = [line(f"{prefix}KIND", "group")]
    for kind, value in dict.fromkeys(_members(fields)):
        found = _address(value) if kind == _INLINE else resolve(value)
        if found is None:
            lines.append(text("X-ZIMBRA-MEMBER", value, {"TYPE": kind}))
        else:
            lines.append(line(f"{prefix}MEMBER", uri(found, version), _shown(kind, value)))
    return lines


def _members(fields: Fields) -> Iterator[tuple[str, str]]:
    """Kind and value of each: those of `groupMember`, else of the older `dlist`."""
    encoded = fields.text("groupMember")
    if encoded:
        for member in Fields(decode(encoded), "groupMember").listed("m"):
            kind = member.text("t")
            if kind not in {_CONTACT, _DIRECTORY, _INLINE}:
                raise RecordMalformed(detail=f"{kind!r} is no kind of group member")
            yield kind, member.text("v")
        return
    for name, address in getaddresses([fields.text("dlist")]):
        if address:
            yield _INLINE, f'"{name}" <{address}>' if name else address


def _address(value: str) -> str | None:
    found = getaddresses([value])
    if len(found) != 1 or "@" not in found[0][1]:
        return None
    return f"mailto:{urllib.parse.quote(found[0][1], safe='@')}"


def _shown(kind: str, value: str) -> dict[str, str]:
    """The name that an address was written with."""
    if kind != _INLINE:
        return {}
    name = getaddresses([value])[0][0]
    return {"X-CN": name} if name else {}
