"""What a server says about mailboxes and messages, read to its words: LIST, STATUS, ACL,
QUOTA, FETCH (RFC 3501 §7.2, §7.4.2).

IMAPClient's own reader takes a name that stands unquoted, or a keyword, for damage if it holds
`[`, and `007` for the number 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from imapclient.datetime_util import parse_to_datetime  # type: ignore[import-untyped]

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


class Fetched(TypedDict, total=False):
    """What is told of a message, as far as it was asked for: `flags` as the server writes them,
    `size` in bytes, `date` with its time zone, `body` a piece of it."""

    flags: tuple[bytes, ...]
    size: int
    date: datetime
    body: bytes


def fetched(told: Told) -> Mapping[int, Fetched]:
    """The messages of a FETCH by their UID; what is told of one without it was not asked for.
    Raises ValueError, LookupError."""
    found: dict[int, Fetched] = {}
    for _number, _opened, *words in _responses(told):
        uid, one = _message(words)
        if uid is not None:
            found.setdefault(uid, {}).update(one)
    return found


def _message(words: list[bytes]) -> tuple[int | None, Fetched]:
    uid, found = None, Fetched()
    left = iter(words)
    for word in left:
        match word.upper():
            case b"UID":
                uid = int(next(left, b""))
            case b"FLAGS":
                next(left, b"")
                found["flags"] = tuple(iter(lambda: next(left, b")"), b")"))
            case b"RFC822.SIZE":
                found["size"] = int(next(left, b""))
            case b"INTERNALDATE":
                found["date"] = parse_to_datetime(next(left, b""), normalise=False)
            case key if key.startswith(b"BODY["):
                found["body"] = next(left, b"")
            case _:
                pass  # what a server tells unasked, such as MODSEQ (RFC 7162)
    return uid, found


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


def own_rights_told(told: Told) -> str:
    """What may be done, of a MYRIGHTS (RFC 4314 §3.8). Raises ValueError, LookupError."""
    *_, (_, rights) = _responses(told)
    return rights.decode("ascii")


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
