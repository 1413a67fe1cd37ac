"""What hangs on a contact: photo, files, and properties that its vCard once brought."""

from __future__ import annotations

import base64

import msgspec

from reinstate_service.source.archives.contentlines import line, text, uri
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.invites import Attachment, leaves

_IMAGES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"GIF8", "image/gif"))


class _Property(msgspec.Struct):
    """One property with its parameters."""

    value: str = msgspec.field(name="ZMVAL", default="")
    params: dict[str, str] | list[str] = msgspec.field(name="PAR", default_factory=dict)


class _Properties(msgspec.Struct):
    """All properties of one name; plain values, or with parameters."""

    values: list[str] = msgspec.field(name="ZMVAL", default_factory=list)
    properties: list[_Property] = msgspec.field(name="ZMPROP", default_factory=list)


def brought_lines(encoded: str) -> list[str]:
    """The properties of the vCard that a contact came as, for which Zimbra has no field.

    `encoded` is JSON: by name, a value or JSON once more with several values and their
    parameters. Raises msgspec.DecodeError, RecordMalformed.
    """
    lines = []
    for name, value in sorted(msgspec.json.decode(encoded, type=dict[str, str]).items()):
        if not value.startswith(('{"ZMVAL":', '{"ZMPROP":')):
            lines.append(text(name, value))
            continue
        several = msgspec.json.decode(value, type=_Properties)
        lines += [text(name, one) for one in several.values]
        for one in several.properties:
            params = one.params
            if isinstance(params, list):
                params = dict(_param(given) for given in params)
            lines.append(text(name, one.value, params))
    return lines


def _param(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    return (name, value) if equals else ("TYPE", given)


def attachments_of(metadata: Fields, body: bytes | None) -> list[tuple[Attachment, str]]:
    """The files in the body, each with the name of the field it is kept under."""
    if not body:
        return []
    files = leaves(body)
    described = {one.text("part"): one for one in metadata.listed("att")}
    found = []
    for number, attachment in files.items():
        one = described.get(number)
        kind = one.text("ctype") if one is not None and one.text("ctype") else attachment.kind
        name = (one.text("name") if one is not None else "") or attachment.name
        kind = kind.partition(";")[0].strip().lower()
        if kind == "application/octet-stream":
            kind = _sniffed(attachment.content) or kind
        photo = kind.startswith("image/") and (one is None or one.text("field") == "image")
        field_name = "image" if photo else (one.text("field") if one is not None else "attachment")
        found.append((Attachment(kind, name, attachment.content), field_name))
    return found


def _sniffed(content: bytes) -> str:
    return next((kind for magic, kind in _IMAGES if content.startswith(magic)), "")


def file_line(attachment: Attachment, field_name: str, version: str) -> str:
    """The photo, or a file of another field."""
    content = base64.b64encode(attachment.content).decode()
    kind = attachment.kind
    if field_name == "image" and version == "4.0":
        return line("PHOTO", uri(f"data:{kind};base64,{content}", version))
    if field_name == "image":
        return line("PHOTO", content, {"ENCODING": "b", "TYPE": kind.rpartition("/")[2].upper()})
    params = {"ENCODING": "b", "FMTTYPE": kind, "X-ZIMBRA-FIELD": field_name}
    if attachment.name:
        params["FILENAME"] = attachment.name
    return line("X-ZIMBRA-ATTACHMENT", content, params)
