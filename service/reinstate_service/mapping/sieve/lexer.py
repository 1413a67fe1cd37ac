"""A script as tokens: the lexical tokens of RFC 5228 §8.1, and whatever else there is.

Two liberties beyond the RFC, both of scripts that servers accept: lines may end in LF
alone, and a byte order mark may stand at the very beginning. What is no token of
Sieve becomes `Kind.OTHER`, so that the texts always join to the script.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a token is."""

    BLANK = "blank"
    COMMENT = "comment"
    STRING = "string"
    TEXT = "text"
    IDENTIFIER = "identifier"
    TAG = "tag"
    NUMBER = "number"
    PUNCTUATION = "punctuation"
    OTHER = "other"


class Token(NamedTuple):
    """A piece of the script as it stands there; `line` counts from 1, at its first character."""

    kind: Kind
    text: str
    line: int


# Every repetition is possessive, and what is never closed is taken up to the end of the
# script in one token, so that no character is looked at more than a few times.
_TOKEN = re.compile(
    r"""
      (?P<blank> \A\ufeff | (?: [\x20\t\n] | \r\n )++ )
    | (?P<comment> \#[^\r\n]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/ )
    | (?P<string> "[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+" )
    | (?P<text> (?i:text):[\x20\t]*+(?:\#[^\r\n]*+)?\r?\n
                (?:(?!\.\r?\n)[^\n]*+\n)*+\.\r?\n )
    | (?P<unclosed> /\*(?s:.*+) | "(?s:.*+)
                | (?i:text):[\x20\t]*+(?:\#[^\r\n]*+)?\r?\n(?s:.*+) )
    | (?P<identifier> [A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<tag> :[A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<number> [0-9]++[KMGkmg]?(?![A-Za-z0-9_]) )
    | (?P<punctuation> [\[\](){},;] )
    | (?P<other> [0-9][A-Za-z0-9_]*+ | (?s:.) )
    """,
    re.VERBOSE,
)
_KINDS = {kind.value: kind for kind in Kind} | {"unclosed": Kind.OTHER}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_STUFFED = re.compile(r"^\.\.", re.MULTILINE)


def tokens(script: str) -> list[Token]:
    """The tokens of `script`, any text at all; their texts join to `script`."""
    found = []
    line = 1
    for match in _TOKEN.finditer(script):
        text = match[0]
        found.append(Token(_KINDS[match.lastgroup or "other"], text, line))
        line += text.count("\n")
    return found


def value(token: Token) -> str:
    r"""What a string or multi-line text says.

    A backslash before any character stands for that character (RFC 5228 §2.4.2 leaves
    all but `\"` and `\\` undefined and says that they should be read so); the line
    break before the dot that ends a multi-line text belongs to its value.
    """
    if token.kind is Kind.STRING:
        return _ESCAPED.sub(r"\1", token.text[1:-1])
    body = token.text[token.text.index("\n") + 1 : token.text.rindex(".")]
    return _STUFFED.sub(".", body)


def quoted(text: str) -> str:
    """`text` as a quoted string (RFC 5228 §2.4.2)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
