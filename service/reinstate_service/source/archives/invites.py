"""The body of an appointment or a task: a MIME digest with one message per invite."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32

from reinstate_service.source.contract import RecordMalformed


class _Headers(Compat32):
    """Headers as mail in the world has them: what is not ASCII is UTF-8."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        """The header's text."""
        del name
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


_POLICY = _Headers()
_TEXT_PARTS = {"text/plain", "text/html", "text/calendar"}


@dataclass(frozen=True)
class Attachment:
    """A file that hangs on an invite; `kind` is its media type."""

    kind: str
    name: str
    content: bytes


@dataclass
class InviteBody:
    """What one invite's message holds. `calendars` are its text/calendar parts."""

    plain: str = ""
    html: str = ""
    calendars: list[bytes] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


def invite_bodies(body: bytes) -> dict[int, InviteBody]:
    """The messages in a digest by the id of their invite (`mid`). A body that is no digest is
    the only invite's, under the id 0. Raises RecordMalformed."""
    try:
        whole = email.message_from_bytes(body, policy=_POLICY)
        if whole.get_content_type() != "multipart/digest":
            return {0: _read(whole)}
        return {_number(part): _read(_inside(part)) for part in _parts(whole)}
    except RecursionError as error:
        raise RecordMalformed(detail="its MIME parts are nested too deep") from error


def leaves(body: bytes) -> dict[str, Attachment]:
    """The files in a message by the number of their part, as IMAP counts (RFC 3501 §6.4.5);
    a body that is not MIME is one file, "1". Raises RecordMalformed."""
    try:
        whole = email.message_from_bytes(body, policy=_POLICY)
        if "content-type" not in whole:
            return {"1": Attachment("application/octet-stream", "", body)}
        return dict(_numbered(whole, ""))
    except RecursionError as error:
        raise RecordMalformed(detail="its MIME parts are nested too deep") from error


def _numbered(message: Message, above: str) -> Iterator[tuple[str, Attachment]]:
    parts = _parts(message)
    if not parts:
        yield above or "1", _attachment(message)
    for index, part in enumerate(parts, start=1):
        yield from _numbered(part, f"{above}.{index}" if above else str(index))


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    if not isinstance(payload, list):
        return []
    return [part for part in payload if isinstance(part, Message)]


def _number(part: Message) -> int:
    for header in (part, *_parts(part)[:1]):
        text = str(header.get("invId", "")).strip()
        if text.isascii() and text.isdigit() and len(text) < 12:
            return int(text)
    raise RecordMalformed(detail="a part of its body does not say whose invite it is")


def _inside(part: Message) -> Message:
    inner = _parts(part)
    return inner[0] if part.get_content_type() == "message/rfc822" and inner else part


def _read(message: Message) -> InviteBody:
    found = InviteBody()
    _collect(message, found)
    return found


def _collect(message: Message, found: InviteBody) -> None:
    kind = message.get_content_type()
    if message.get_content_maintype() == "multipart":
        for part in _parts(message):
            _collect(part, found)
        return
    named = bool(_file_name(message)) or message.get_content_disposition() == "attachment"
    if kind == "text/calendar" and not named:
        found.calendars.append(_content(message))
    elif kind == "text/plain" and not named and not found.plain:
        found.plain = _text(message)
    elif kind == "text/html" and not named and not found.html:
        found.html = _text(message)
    elif kind == "text/calendar":
        # Invitations carry the calendar once more as a file; it is the same.
        found.calendars.append(_content(message))
    elif kind not in _TEXT_PARTS or named or _text(message).strip():
        found.attachments.append(_attachment(message))


def _attachment(message: Message) -> Attachment:
    return Attachment(message.get_content_type(), _file_name(message), _content(message))


def _file_name(message: Message) -> str:
    """The name of a part's file, in any of the ways in which mail programs write it: RFC 2231,
    RFC 2047, or UTF-8 as it is."""
    name = message.get_filename("")
    try:
        return str(make_header(decode_header(name))) if "=?" in name else name
    except (LookupError, ValueError, HeaderParseError):
        return name


def _content(message: Message) -> bytes:
    inner = _parts(message)
    if inner:
        return b"".join(part.as_bytes() for part in inner)
    content = message.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(message: Message) -> str:
    content = _content(message)
    for charset in (message.get_content_charset(), "utf-8"):
        try:
            return content.decode(charset or "utf-8")
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("latin-1")
