"""Changes of a script that leave every other byte as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reinstate_service.mapping.sieve.lexer import Kind, Token

_NEW_LINE = re.compile(r"\r\n|\n|\r")


class Edits:
    """A script's tokens; `texts` are they as they will be."""

    def __init__(self, lexed: Sequence[Token]) -> None:
        self._lexed = lexed
        self.texts = [token.text for token in lexed]
        self.newline = "\r\n" if "\r\n" in "".join(self.texts) else "\n"

    def written(self) -> str:
        """The script as it is by now."""
        return "".join(self.texts)

    def replace(self, first: int, last: int, text: str) -> None:
        """Puts the text in the place of these tokens."""
        self.texts[first : last + 1] = [text] + [""] * (last - first)

    def comment(self, span: tuple[int, int], text: str, title: str = "") -> None:
        """Puts the text in the place of the tokens, as a comment that ends with its line."""
        first, last = span
        lines = ([title] if title else []) + _NEW_LINE.split(text)
        comment = self.newline.join(f"# {line}".rstrip() for line in lines)
        after = "".join(token.text for token in self._lexed[last + 1 : last + 3])
        ends = not after or re.match(r"[ \t]*\r?\n", after)
        self.replace(first, last, comment if ends else comment + self.newline)

    def move(self, mark: int, place: int) -> None:
        """Puts what stands at one token in front of another, in a line of its own if it had one."""
        text, self.texts[mark] = self.texts[mark], ""
        blank = " "
        if self._lexed[mark - 1].kind is Kind.BLANK:
            blank, self.texts[mark - 1] = self._lexed[mark - 1].text, ""
        self.texts[place] = text + blank + self.texts[place]
