"""What a server says about mailboxes, read to its words: LIST, STATUS, ACL, QUOTA (RFC 3501 §7.2).

IMAPClient's own reader takes a name that stands unquoted and holds `[` for damage, and `007` for
the number 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reinstate_service.destination.imap.names import decoded
from reinstate_service.model import Frozen

#: A line, or what stands before a literal, and the literal; as imaplib has them.
Told = Sequence[bytes | tuple[bytes, bytes] | None]

_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|([()]|[^\s()"]+)')


class Listed(Frozen, frozen=True):
    """A mailbox of a LIST: `flags` in lower case, `separator` empty where names have no levels."""

    name: str
    flags: frozenset[bytes]
    separator: str


class Quota(Frozen, frozen=True):
    """A quota root: how much there is of each resource, and the most there may be. STORAGE is in
    units of 1,024 bytes."""

    root: str
    usage: dict[str, int]
    limits: dict[str, int]


def listed(told: Told) -> list[Listed]:
    """The mailboxes of a LIST. Raises ValueError, LookupError if it is none."""
    found = []
    for words in _responses(told):
        end = words.index(b")")
        separator, name = words[end + 1 : end + 3]
        found.append(
            Listed(
                decoded(name),
                frozenset(map(bytes.lower, words[1:end])),
                "" if separator.upper() == b"NIL" else separator.decode("ascii"),
            )
        )
    return found


def numbers_told(told: Told) -> dict[str, int]:
    """The numbers of a STATUS by their names. Raises ValueError, LookupError."""
    *_, (_, _, *pairs, _) = _responses(told)
    keys, values = pairs[::2], pairs[1::2]
    return {key.decode("ascii").upper(): int(one) for key, one in zip(keys, values, strict=True)}


def rights_told(told: Told) -> list[tuple[str, str]]:
    """Who may do what, of an ACL (RFC 4314 §3.6). Raises ValueError, LookupError."""
    *_, (_, *pairs) = _responses(told)
    words = [word.decode("utf-8", "replace") for word in pairs]
    return list(zip(words[::2], words[1::2], strict=True))


def quotas_told(told: Told) -> list[Quota]:
    """The quota roots of QUOTA responses (RFC 9208 §5.2). Raises ValueError, LookupError."""
    found = []
    for root, _, *triplets, _ in _responses(told):
        names = [name.decode("ascii").upper() for name in triplets[::3]]
        usage, limits = (
            dict(zip(names, map(int, numbers), strict=True))
            for numbers in (triplets[1::3], triplets[2::3])
        )
        found.append(Quota(decoded(root), usage, limits))
    return found


def _responses(told: Told) -> Iterator[list[bytes]]:
    """The words of each response, strings in whatever form as what they hold."""
    words: list[bytes] = []
    for part in told:
        if isinstance(part, tuple):
            line, literal = part
            words += [*_words(line[: line.rindex(b"{")]), literal]
        elif part is not None:
            words += _words(part)
            if words:
                yield words
            words = []


def _words(line: bytes) -> Iterator[bytes]:
    for found in _WORD.finditer(line):
        yield found[2] if found[1] is None else re.sub(rb"\\(.)", rb"\1", found[1])
