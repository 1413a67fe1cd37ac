"""Line ends: a message on the wire has CRLF (RFC 5322 §2.3), whatever the backup has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def with_crlf(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a message with every bare LF as CRLF; other bytes stay as they are."""
    waiting = b""  # a CR at the end of a piece, whose LF may be the next
    for piece in pieces:
        text = waiting + piece
        waiting = b"\r" if text.endswith(b"\r") else b""
        text = text[: len(text) - len(waiting)]
        if text.count(b"\n") != text.count(b"\r\n"):
            text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        yield text
    if waiting:
        yield waiting
