"""Reads decoded metadata: dictionaries whose numbers and truths may be spelt as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reinstate_service.source.contract import RecordMalformed

_NUMBER = re.compile(r"-?\d{1,19}", re.ASCII)
_TRUE = {"1", "true", "yes"}
_FALSE = {"0", "false", "no", ""}


class Fields:
    """One dictionary of the metadata. What is absent is the default; what has the wrong
    type raises RecordMalformed, which names the key and the way to it."""

    def __init__(self, value: object, way: str = "") -> None:
        if not isinstance(value, Mapping):
            raise RecordMalformed(detail=f"{way or 'metadata'} is no dictionary")
        self._map: Mapping[str, object] = value
        self.name = way

    def __contains__(self, key: str) -> bool:
        return key in self._map

    def __iter__(self) -> Iterator[str]:
        """The keys, sorted."""
        return iter(sorted(self._map))

    def named(self, key: str) -> str:
        """How errors call the value of `key`."""
        return f"{self.name}.{key}" if self.name else key

    def text(self, key: str, default: str = "") -> str:
        """A text; a number counts as its digits."""
        value = self._map.get(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise RecordMalformed(detail=f"{self.named(key)} is no text")
        return str(value)

    def number(self, key: str, default: int = 0) -> int:
        """A whole number, or the text of one."""
        value = self._map.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return int(value)
        raise RecordMalformed(detail=f"{self.named(key)} is no number")

    def truth(self, key: str, default: bool = False) -> bool:
        """True or false, however it is spelt."""
        if key not in self._map:
            return default
        spelt = self.text(key).lower()
        if spelt not in _TRUE | _FALSE:
            raise RecordMalformed(detail=f"{self.named(key)} is neither true nor false")
        return spelt in _TRUE

    def inner(self, key: str) -> Fields | None:
        """The dictionary below `key`, None if there is none."""
        if key not in self._map:
            return None
        return Fields(self._map[key], self.named(key))

    def listed(self, key: str) -> list[Fields]:
        """The dictionaries in the list below `key`."""
        value = self._map.get(key, [])
        if not isinstance(value, list):
            raise RecordMalformed(detail=f"{self.named(key)} is no list")
        return [Fields(one, f"{self.named(key)}[{index}]") for index, one in enumerate(value)]

    def numbered_keys(self, prefix: str, count: str) -> list[str]:
        """The keys `prefix0`, `prefix1`, ... that are there, of as many as `count` says."""
        most = min(max(self.number(count), 0), len(self._map))
        if most < self.number(count):
            raise RecordMalformed(detail=f"{self.named(count)} promises more than there is")
        return [key for index in range(most) if (key := f"{prefix}{index}") in self._map]

    def numbered(self, prefix: str, count: str) -> list[Fields]:
        """The dictionaries below `numbered_keys`."""
        return [
            Fields(self._map[key], self.named(key)) for key in self.numbered_keys(prefix, count)
        ]

    def numbered_texts(self, prefix: str, count: str) -> list[str]:
        """The texts below `numbered_keys`."""
        return [self.text(key) for key in self.numbered_keys(prefix, count)]
