"""What a script requires of a server (RFC 5228 §3.2), and what it uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reinstate_service.mapping.sieve.lexer import Token, quoted, tokens
from reinstate_service.mapping.sieve.parser import Call, Fault, parse
from reinstate_service.mapping.sieve.vocabulary import TOLD, required, used


class Requirements:
    """Of one script, onto a destination that has these `extensions`. `required` is what the script
    requires, `asked` what it asks for by `ihave` (RFC 5463)."""

    def __init__(
        self, calls: Sequence[Call], lexed: Sequence[Token], extensions: frozenset[str], own: bool
    ) -> None:
        """`own` says that the script is in Zimbra's dialect, which always has variables."""
        self.required = required(calls, lexed)
        self.asked = required(calls, lexed, "ihave")
        self._extensions = extensions
        named = self.required + self.asked
        self.variables = own or "variables" in named
        self.encoded = "encoded-character" in named

    def used(self, calls: Iterable[Call], lexed: Sequence[Token]) -> set[str]:
        """The extensions that the calls use."""
        return used(calls, lexed, self.required, variables=self.variables, encoded=self.encoded)

    def lacking(self, calls: Iterable[Call], lexed: Sequence[Token]) -> set[str]:
        """Those of them that the destination does not have, unless the script asks for them."""
        return set() if self.asked else self.used(calls, lexed) - self._extensions

    def foreign(self) -> list[str]:
        """What the script requires and the destination does not have."""
        return [one for one in self.required if one not in self._extensions]

    def are_right(self, calls: Iterable[Call], lexed: Sequence[Token]) -> bool:
        """Whether the script requires what it uses and nothing that is not there."""
        needed = self.used(calls, lexed)
        return not self.foreign() and bool(self.asked or needed <= set(self.required))

    def stated_in(self, text: str, newline: str) -> str:
        """The text with one `require`, of what is used in it."""
        lexed = tokens(text)
        calls = parse(lexed)
        assert not isinstance(calls, Fault)  # noqa: S101 - every piece of it was parsed
        names = self._names(calls, lexed)
        if names == self.required:
            return text
        line = "require [" + ", ".join(map(quoted, names)) + "];" if names else ""
        texts = [token.text for token in lexed]
        requires = [call for call in calls if call.name == "require"]
        for call in requires:
            for index in range(call.first, call.last + 1):
                texts[index] = ""
        if requires:
            texts[requires[0].first] = line
        elif line:
            mark = 1 if texts and texts[0] == "\ufeff" else 0
            texts.insert(mark, line + newline)
        return "".join(texts)

    def _names(self, calls: Iterable[Call], lexed: Sequence[Token]) -> list[str]:
        kept = [
            one
            for one in self.required
            if one in self._extensions and (self.asked or not _is_told(one))
        ]
        wanted = self.used(calls, lexed)
        new = sorted((wanted - set(self.asked)) & self._extensions | set(kept))
        ordered = [one for one in self.required if one in new]
        return [*dict.fromkeys(ordered), *(one for one in new if one not in ordered)]


def _is_told(extension: str) -> bool:
    """Whether a script shows if it uses the extension."""
    return extension in TOLD or extension.startswith("comparator-")
