"""Tags as IMAP keywords, reversibly."""

from __future__ import annotations

import re
from functools import lru_cache

# atom-specials of RFC 3501 §9 and "=", which marks an encoded byte; a leading "$" is
# left to the keywords that RFC 5788 registers, a leading "\" to system flags.
_UNSAFE = re.compile(rb"[^!#-$&'+\-./0-<>-\[^-z|}~]|^\$")
_ENCODED = re.compile(rb"=([0-9A-F]{2})")


@lru_cache(4096)
def keyword_of(tag: str) -> str:
    """The tag's name as an atom: every UTF-8 byte that an atom cannot hold becomes `=XX`."""
    encoded = _UNSAFE.sub(lambda match: b"=%02X" % match[0][0], tag.encode("utf-8", "replace"))
    return encoded.decode("ascii") or "="


def tag_of(keyword: str) -> str:
    """The tag's name back from `keyword_of`."""
    if keyword == "=":
        return ""
    plain = _ENCODED.sub(lambda match: bytes([int(match[1], 16)]), keyword.encode("ascii"))
    return plain.decode("utf-8", "replace")
