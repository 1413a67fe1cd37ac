"""One call of a script as a translation reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reinstate_service.mapping.sieve.lexer import Token, quoted, value
from reinstate_service.mapping.sieve.parser import Call


class Untranslatable(Exception):
    """A rule has no counterpart in standard Sieve; the text is the reason."""


class Words(NamedTuple):
    """A call with its tags in small letters, the strings of its other arguments, and whether it
    has a number among them."""

    name: str
    tags: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    number: bool

    @classmethod
    def of(cls, call: Call, lexed: Sequence[Token]) -> Words:
        """Reads a call."""
        return cls(
            call.name,
            tuple(argument.tag for argument in call.arguments if argument.tag),
            tuple(
                tuple(value(lexed[token]) for token in argument.strings)
                for argument in call.arguments
                if not argument.tag and not argument.number
            ),
            any(argument.number for argument in call.arguments),
        )

    def only(self) -> str:
        """The one string of a call that takes no other argument. Raises Untranslatable."""
        if self.tags or self.number or len(self.lists) != 1 or len(self.lists[0]) != 1:
            raise Untranslatable(f"{self.name} has other arguments than Zimbra writes")
        return self.lists[0][0]

    def tagged(self, *tags: str) -> tuple[str, tuple[str, ...]]:
        """The one tag, of those named, and the strings behind it. Raises Untranslatable."""
        right = len(self.tags) == 1 and self.tags[0] in tags and len(self.lists) == 1
        if not right or self.number or not self.lists[0]:
            raise Untranslatable(f"{self.name} has other arguments than Zimbra writes")
        return self.tags[0], self.lists[0]


def listed(strings: Iterable[str]) -> str:
    """A string list (RFC 5228 §2.4.2.1)."""
    return "[" + ", ".join(map(quoted, strings)) + "]"
