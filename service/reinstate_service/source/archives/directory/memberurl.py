"""Who is in a dynamic list: the filter (RFC 4515) of its memberURL (RFC 4516), where it is simple.

Simple are and, or, not, presence, equality and substrings. An order, a likeness or a
matching rule of its own needs the server's schema, and is not answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from reinstate_service.source.archives.directory.gathering import Record
from reinstate_service.source.archives.directory.names import parse_dn

Matches = Callable[[Record], bool]

_DEPTH = 50
_TEST = re.compile(r"\(([A-Za-z][A-Za-z0-9;-]*)=([^()]*)\)", re.DOTALL)
_HEX = re.compile(rb"\\([0-9A-Fa-f]{2})")


class NotSimple(ValueError):
    """The URL asks for what only the server can answer."""


def matcher(url: str) -> Matches:
    """Whether an entry is a member by the URL `ldap://[host]/base?attributes?scope?filter`.

    Raises NotSimple.
    """
    scheme, _, rest = url.partition("://")
    _, _, asked = rest.partition("/")
    parts = [unquote(part) for part in asked.split("?")]
    if scheme.lower() != "ldap" or len(parts) != 4 or parts[2].lower() != "sub":
        raise NotSimple(url)
    base = parse_dn(parts[0])
    test, end = _filter(parts[3], 0, 0)
    if end != len(parts[3]):
        raise NotSimple(url)
    return lambda record: record.path[len(record.path) - len(base) :] == base and test(record)


def _filter(text: str, at: int, depth: int) -> tuple[Matches, int]:
    """The filter that begins at `at`, and where it ends."""
    if depth > _DEPTH:
        raise NotSimple(text)
    if match := _TEST.match(text, at):
        return _test(match[1], match[2]), match.end()
    operator = text[at : at + 2]
    if operator not in {"(&", "(|", "(!"}:
        raise NotSimple(text)
    at += 2
    tests: list[Matches] = []
    while text[at : at + 1] == "(":
        test, at = _filter(text, at, depth + 1)
        tests.append(test)
    if text[at : at + 1] != ")" or (operator == "(!" and len(tests) != 1):
        raise NotSimple(text)
    match operator:
        case "(&":
            return lambda record: all(test(record) for test in tests), at + 1
        case "(|":
            return lambda record: any(test(record) for test in tests), at + 1
        case _:
            return lambda record: not tests[0](record), at + 1


def _test(name: str, value: str) -> Matches:
    if value == "*":
        return lambda record: bool(record.all(name))
    pieces = [_plain(piece).lower() for piece in value.split("*")]
    return lambda record: any(_has(found.lower(), pieces) for found in record.all(name))


def _has(text: str, pieces: list[str]) -> bool:
    """Whether the pieces make up the text, with anything between them."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _plain(value: str) -> str:
    raw = _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), value.encode())
    return raw.decode(errors="replace")
