"""What became of messages: lost, doubled, altered."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S[^\n]*)", re.IGNORECASE | re.MULTILINE)


class Difference(NamedTuple):
    """In messages. `doubled` is whatever is there more often than it should be; `altered` is
    there as often as it should be, but not byte for byte."""

    lost: int
    doubled: int
    altered: int


class Message(NamedTuple):
    """`identity` is its Message-ID, or for want of one what its body is; up to CRLF, which IMAP
    demands (RFC 9051 §2.2)."""

    identity: bytes
    digest: bytes


def compare(wanted: Iterable[bytes], found: Iterable[bytes]) -> Difference:
    """Both as multisets of contents."""
    should, are = Counter(map(_message, wanted)), Counter(map(_message, found))
    exact = _by_identity(should & are)
    should_be, there = _by_identity(should), _by_identity(are)
    return Difference(
        lost=(should_be - there).total(),
        doubled=(there - should_be).total(),
        altered=((should_be & there) - exact).total(),
    )


def _message(content: bytes) -> Message:
    plain = content.replace(b"\r\n", b"\n")
    header, _, body = plain.partition(b"\n\n")
    named = _MESSAGE_ID.search(header)
    identity = named[1].strip() if named else hashlib.sha256(body).digest()
    return Message(identity, hashlib.sha256(plain).digest())


def _by_identity(messages: Counter[Message]) -> Counter[bytes]:
    counted: Counter[bytes] = Counter()
    for message, number in messages.items():
        counted[message.identity] += number
    return counted
