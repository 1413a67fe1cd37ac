"""Line ends as mail has them (RFC 5322 §2.3), over pieces of any size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def with_crlf(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces with every bare LF as CRLF; a CR at the end of a piece waits for the next."""
    waiting = b""
    for piece in pieces:
        text = waiting + piece
        waiting = b"\r" if text.endswith(b"\r") else b""
        text = text[: len(text) - len(waiting)]
        yield text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if waiting:
        yield waiting
