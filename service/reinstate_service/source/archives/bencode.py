"""The encoding of an item's `metadata`: dictionaries, lists, numbers and texts in one text.

`d` and `l` open, `e` closes, `i<number>e` is a number and `<length>:<text>` a text. A
length counts UTF-16 code units, as Java does, so that an emoji counts two. Dictionaries
are written with their keys in the order of those units.
"""

from __future__ import annotations

import re
from typing import NoReturn

from reinstate_service.source.contract import RecordMalformed

Value = int | str | list["Value"] | dict[str, "Value"]

#: Zimbra nests a recurrence in an invite in an appointment: less than ten.
_DEEPEST = 64
_NUMBER = re.compile(r"i(-?[0-9]{1,19})e", re.ASCII)
_LENGTH = re.compile(r"([0-9]{1,10}):", re.ASCII)


def decode(text: str) -> Value:
    """The value that `text` stands for. Raises RecordMalformed, whatever the text is."""
    try:
        return _Reader(text).whole()
    except RecordMalformed:
        # Some releases took the UTF-8 for ISO 8859-1, which doubles every letter but the
        # ASCII ones; the lengths were counted before and tell that it happened.
        mended = _mended(text)
        if mended is None:
            raise
    return _Reader(mended).whole()


def encode(value: Value) -> str:
    """The text that stands for `value`; equal values have equal texts."""
    pieces: list[str] = []
    _write(value, pieces)
    return "".join(pieces)


def _write(value: Value, pieces: list[str]) -> None:
    match value:
        case int():
            pieces.append(f"i{value}e")
        case str():
            pieces += (str(len(value) + sum(c > "\uffff" for c in value)), ":", value)
        case list():
            pieces.append("l")
            for each in value:
                _write(each, pieces)
            pieces.append("e")
        case dict():
            pieces.append("d")
            for key in sorted(value, key=_units):
                _write(key, pieces)
                _write(value[key], pieces)
            pieces.append("e")


def _units(text: str) -> bytes:
    """The text's UTF-16 code units, in bytes that sort as they do."""
    return text.encode("utf-16-be", "surrogatepass")


def _mended(text: str) -> str | None:
    try:
        mended = text.encode("iso-8859-1").decode()
    except UnicodeError:
        return None
    return None if mended == text else mended


class _Reader:
    """One text from its first character to its last, where a character is a UTF-16 unit."""

    def __init__(self, text: str) -> None:
        self._paired = not text.isascii() and max(text) > "\uffff"
        if self._paired:
            units = memoryview(text.encode("utf-16", "surrogatepass")[2:]).cast("H")
            text = "".join(map(chr, units))
        self._text = text
        self._at = 0

    def whole(self) -> Value:
        value = self._value(0)
        if self._at != len(self._text):
            self._fail("something follows the value")
        return value

    def _value(self, depth: int) -> Value:
        if depth > _DEEPEST:
            self._fail(f"values lie more than {_DEEPEST} deep")
        match self._text[self._at : self._at + 1]:
            case "d":
                self._at += 1
                found: dict[str, Value] = {}
                while not self._closed():
                    key = self._string()
                    found[key] = self._value(depth + 1)
                return found
            case "l":
                self._at += 1
                values: list[Value] = []
                while not self._closed():
                    values.append(self._value(depth + 1))
                return values
            case "i":
                return self._number()
            case _:
                return self._string()

    def _closed(self) -> bool:
        if self._text.startswith("e", self._at):
            self._at += 1
            return True
        return False

    def _number(self) -> int:
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            self._fail("a number is none")
        self._at = match.end()
        return int(match[1])

    def _string(self) -> str:
        match = _LENGTH.match(self._text, self._at)
        if match is None:
            self._fail("no value begins here")
        self._at = match.end()
        end = self._at + int(match[1])
        if end > len(self._text):
            self._fail(f"{match[1]} characters are announced, {len(self._text) - self._at} follow")
        found = self._text[self._at : end]
        self._at = end
        return _joined(found) if self._paired else found

    def _fail(self, detail: str) -> NoReturn:
        raise RecordMalformed(detail=f"metadata, character {self._at}: {detail}")


def _joined(units: str) -> str:
    """The text with its surrogate pairs put together again."""
    if units.isascii():
        return units
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
