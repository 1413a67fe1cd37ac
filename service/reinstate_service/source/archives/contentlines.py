"""Content lines, of which vCard (RFC 6350 §3.3) and iCalendar (RFC 5545 §3.1) are made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from icalendar.parser import Parameters

from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.contract import RecordMalformed

_NAME = re.compile(r"[A-Za-z0-9-]+")
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Octets in a line before it is folded, without the line break.
_WIDTH = 75


def clean(text: str) -> str:
    """`text` with U+FFFD for each character that no content line, and no XML that carries
    one, may hold."""
    return _NOT_IN_TEXT.sub("\ufffd", text)


def escaped(text: str) -> str:
    """A value of type TEXT."""
    text = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return _LINE_END.sub("\\\\n", text)


def uri(value: str, version: str) -> str:
    """A vCard's value of type URI. Version 4 wants commas escaped in every value (RFC 6350
    §3.4), and readers such as Radicale's cut a value at a comma that is not."""
    return value if version == "3.0" else value.replace("\\", "\\\\").replace(",", "\\,")


def is_name(name: str) -> bool:
    """Whether `name` can be that of a property or a parameter."""
    return _NAME.fullmatch(name) is not None


def line(name: str, value: str, params: Mapping[str, str] | None = None) -> str:
    """One unfolded line. `value` is already in the form that its type has, `params` are
    plain texts, quoted here where they must be (RFC 6868); `","` within one stands between
    several values of it, as Zimbra keeps them.

    Raises RecordMalformed if the name of the property or of a parameter cannot be one.
    """
    for given in (name, *(params or ())):
        if not is_name(given):
            raise RecordMalformed(detail=f"{given!r} cannot be the name of a property")
    head = name.upper()
    if params:
        plain = {key: clean(_LINE_END.sub("\n", text)) for key, text in params.items()}
        several = {key: text.split('","') if '","' in text else text for key, text in plain.items()}
        head += ";" + Parameters(several).to_ical(sorted=False).decode()
    return f"{head}:{clean(_LINE_END.sub(' ', value))}"


def text(name: str, value: str, params: Mapping[str, str] | None = None) -> str:
    """A line whose value is of type TEXT."""
    return line(name, escaped(value), params)


def extra_lines(fields: Fields) -> list[str]:
    """The further properties that metadata keeps under `numX` and `x0`, `x1`, ..."""
    lines = []
    for one in fields.numbered("x", "numX"):
        name, value = one.text("n"), one.text("v")
        params = extra_params(one)
        kind = {key.upper(): value for key, value in params.items()}.get("VALUE", "TEXT")
        plain = name.upper() in _AS_THEY_STAND or kind.upper() != "TEXT"
        lines.append((line if plain else text)(name, value, params))
    return lines


def extra_params(fields: Fields) -> dict[str, str]:
    """The further parameters of a property, kept in the same way."""
    return {one.text("n"): one.text("v") for one in fields.numbered("x", "numX")}


def folded(lines: Iterable[str]) -> bytes:
    """The lines as they go into a file: folded, each ended by CRLF, in UTF-8."""
    return b"".join(_fold(one.encode()) + b"\r\n" for one in lines)


def _fold(octets: bytes) -> bytes:
    if len(octets) <= _WIDTH:
        return octets
    pieces = []
    start, room = 0, _WIDTH
    while start < len(octets):
        end = min(start + room, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[start:end])
        start, room = end, _WIDTH - 1
    return b"\r\n ".join(pieces)


#: Properties whose values are no text: in them, commas and semicolons are not escaped.
_AS_THEY_STAND = {
    "ATTACH", "CONFERENCE", "EXDATE", "EXRULE", "GEO", "IMAGE", "RDATE", "REQUEST-STATUS",
    "RRULE", "SOURCE", "URL",
}  # fmt: skip
