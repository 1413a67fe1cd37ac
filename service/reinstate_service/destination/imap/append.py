"""The hot path: APPEND (RFC 3501 §6.3.11) of many messages at once, streamed and pipelined.

With MULTIAPPEND (RFC 3502) one command stores a batch, all or nothing, and the server flushes
once for it. With LITERAL+ (RFC 7888) nothing waits for the server; with LITERAL- only small
literals do not; otherwise each waits for its continuation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import BinaryIO

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.fence import Placed
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.names import quoted
from reinstate_service.destination.uids import uids_in
from reinstate_service.model import Flag, Frozen

_PIECE = 256 * 1024
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())
_SMALL_LITERAL = 4096  # RFC 7888 §5
_LITERAL = re.compile(rb"\{(\d+)\}$")
_APPENDED = re.compile(rb"\[APPENDUID (\d+) ([\d:,]+)\]", re.IGNORECASE)
SYSTEM_FLAGS = {
    Flag.SEEN: rb"\Seen",
    Flag.ANSWERED: rb"\Answered",
    Flag.FLAGGED: rb"\Flagged",
    Flag.DRAFT: rb"\Draft",
    Flag.DELETED: rb"\Deleted",
}
#: RFC 5788, RFC 3503.
FLAG_KEYWORDS = {"$Forwarded": Flag.FORWARDED, "$MDNSent": Flag.MDN_SENT}


class Message(Frozen, frozen=True):
    """A message to be appended: `content` from its beginning, of `size` bytes; `keywords` are
    atoms; `date` in milliseconds."""

    content: BinaryIO
    size: int
    flags: Flag
    keywords: tuple[str, ...]
    date: int


class Appended(Frozen, frozen=True):
    """The server's answer to one command. `placed` are the new messages, if it tells of them
    (RFC 4315 §3)."""

    done: bool
    text: str
    placed: Placed | None = None


class Appender:
    """Writes APPEND commands over a connection that does nothing else until it has caught up."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._count = 0
        self._waits = not client.has_capability("LITERAL+")
        self._waits_for_large = self._waits and client.has_capability("LITERAL-")
        self._buffer = bytearray()
        self._unanswered = 0
        self._answered: dict[bytes, Appended] = {}

    def send(self, mailbox: str, messages: Sequence[Message]) -> bytes:
        """Sends one command, and answers its tag: `answer` has its outcome. Raises OSError."""
        self._count += 1
        self._unanswered += 1
        tag = b"R%d" % self._count
        self._put(tag + b" APPEND " + quoted(mailbox))
        for message in messages:
            if not self._message(tag, message):
                return tag
        self._put(b"\r\n")
        self._flush()
        reach(At.DELIVERY_SENT)
        return tag

    def answer(self, tag: bytes) -> Appended:
        """The outcome of a command that was sent. Raises OSError."""
        while tag not in self._answered:
            self._read()
        return self._answered.pop(tag)

    def catch_up(self) -> None:
        """Takes in every answer that is under way: other commands may be given. Raises OSError."""
        while self._unanswered:
            self._read()

    def _message(self, tag: bytes, message: Message) -> bool:
        """Sends the message; answers False if the server refuses before it has it all."""
        small = self._waits_for_large and message.size <= _SMALL_LITERAL
        waits = self._waits and not small
        told = (_flags(message), _date(message.date), message.size, b"" if waits else b"+")
        self._put(b" (%b) %b {%d%b}\r\n" % told)
        if waits:
            self._flush()
            while self._read():
                if tag in self._answered:
                    return False
        left = message.size
        while left:
            piece = message.content.read(min(left, _PIECE))
            if not piece:
                raise AssertionError("a message is shorter than it was")
            left -= len(piece)
            self._put(piece)
        return True

    def _put(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= _PIECE:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self._client.send(self._buffer)
            self._buffer = bytearray()

    def _read(self) -> bool:
        """Takes in one response; False if it asks for what it is waiting for."""
        line = self._client.line()
        if line.startswith(b"+"):
            return False
        while (literal := _LITERAL.search(line)) is not None:
            self._client.skip(int(literal[1]))
            line = self._client.line()
        kind, _, rest = line.partition(b" ")
        if kind == b"*":
            if rest[:4].upper() == b"BYE ":
                raise ConnectionAbortedError(rest.decode("utf-8", "replace"))
            return True
        status, _, text = rest.partition(b" ")
        told = text.decode("utf-8", "replace")[:300]
        if not kind.startswith(b"R") or status.upper() not in {b"OK", b"NO", b"BAD"}:
            raise ConnectionAbortedError("it answers what is no IMAP")
        self._unanswered -= 1
        self._answered[kind] = _appended(status.upper() == b"OK", text, told)
        return True


def _appended(done: bool, text: bytes, told: str) -> Appended:
    found = _APPENDED.search(text) if done else None
    if found is None:
        return Appended(done, told)
    return Appended(done, told, Placed(int(found[1]), uids_in(found[2].decode("ascii"))))


def _flags(message: Message) -> bytes:
    words = _words(message.flags)
    if not message.keywords:
        return words
    return b" ".join([*words.split(), *(word.encode("ascii") for word in message.keywords)])


@cache  # most messages have one of a few sets of flags
def _words(flags: Flag) -> bytes:
    words = [name for flag, name in SYSTEM_FLAGS.items() if flag in flags]
    words += [word.encode("ascii") for word, flag in FLAG_KEYWORDS.items() if flag in flags]
    return b" ".join(words)


def _date(milliseconds: int) -> bytes:
    """The date as INTERNALDATE, in UTC; what IMAP cannot write becomes the nearest that it can.
    Before 1970, Cyrus refuses it and Dovecot stores another; 0 is none at all to Cyrus."""
    day, second = divmod(min(max(1, milliseconds // 1000), _LAST_SECOND), 24 * 3600)
    minutes, seconds = divmod(second, 60)
    return b'"%b %02d:%02d:%02d +0000"' % (_day(day), *divmod(minutes, 60), seconds)


@lru_cache(1024)
def _day(number: int) -> bytes:
    """A day by its number, counted from 1970."""
    at = _EPOCH + timedelta(days=number)
    return b"%2d-%b-%04d" % (at.day, _MONTHS[at.month - 1], at.year)
