"""Whose archive it is: told by its name.

The account is the longest address known that the name begins with; behind it there may be
anything that begins with one of `. - _ + ( ,` or a blank: `anna@example.com-2024.tgz` and
`anna@example.com.junk.tgz` are both anna@example.com's. Known are the addresses and aliases
of the directory. Beyond those an address is taken from the name itself, up to the last part
of a domain name that is made of letters: there `anna@example.com.junk.tgz` is somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

SUFFIXES = (".tgz", ".tar.gz", ".tar", ".zip")
_BORDERS = ".-_+(, "
_ADDRESS = re.compile(
    r"[^@\s/]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]+)(?![a-z0-9])"
)

_COUNTRY = re.compile(r"\.[a-z]{2}")


def stem_of(name: str) -> str | None:
    """The archive's name in lower case, without what says its format; None if it is none's."""
    lower = name.lower()
    found = next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), None)
    return None if found is None or lower == found else lower.removesuffix(found)


def address_of_stem(stem: str, is_known: Callable[[str], bool]) -> str | None:
    """The address that the stem names; None if it names none."""
    known = next(filter(is_known, _beginnings(stem)), None)
    if known is not None:
        return known
    match = _ADDRESS.match(stem)
    if match is not None:
        return match[0]
    return stem if "@" in stem else None


def _beginnings(stem: str) -> Iterator[str]:
    """What the address can be, longest first."""
    yield stem
    for at in range(len(stem) - 1, 0, -1):
        # anna@example.com.au is somebody else than anna@example.com.
        if stem[at] in _BORDERS and not _COUNTRY.fullmatch(stem, at):
            yield stem[:at]
