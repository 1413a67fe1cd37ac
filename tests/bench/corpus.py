"""Messages of any number and size, the same ones whoever makes them and when."""

from __future__ import annotations

import base64
import itertools
import math
import random
from collections.abc import Iterator

#: Half of the messages are smaller. With the spread it makes 29 KiB on average.
_MEDIAN = 10 << 10
_SPREAD = 1.48
_LARGEST = 5 << 20
#: What is longer has its rest as an attachment.
_TEXT = 16 << 10
_POOL = 1 << 20


def like_mail(number: int) -> Iterator[bytes]:
    """So many messages, their sizes log-normal around 10 KiB and 5 MiB at most: text, which
    packs well, and attachments in base64, which do not."""
    chosen = random.Random(8)
    sizes = (chosen.lognormvariate(math.log(_MEDIAN), _SPREAD) for _ in range(number))
    return _messages(chosen, [min(int(size), _LARGEST) for size in sizes])


def small(number: int) -> Iterator[bytes]:
    """So many messages of 2 KiB."""
    return _messages(random.Random(8), [2048] * number)


def _messages(chosen: random.Random, sizes: list[int]) -> Iterator[bytes]:
    pool = _pool(chosen)
    for number, size in enumerate(sizes):
        head = (
            f"From: Old <old@example.org>\r\nTo: Ann <ann@example.test>\r\n"
            f"Subject: message {number}\r\nMessage-ID: <{number}.made@example.org>\r\n"
            f"Date: Tue, 6 Jan 2026 09:00:00 +0000\r\n\r\n"
        ).encode()
        at = chosen.randrange(len(pool) - _TEXT)
        text = pool[at : at + min(max(size - len(head), 0), _TEXT)]
        attached = max(size - len(head) - len(text), 0) * 56 // 78
        yield (
            head
            + text
            + b"\r\n"
            + base64.encodebytes(chosen.randbytes(attached)).replace(b"\n", b"\r\n")
        )


def _pool(chosen: random.Random) -> bytes:
    """Lines of words, some of them much more often than others."""
    letters = b"abcdefghijklmnopqrstuvwxyz"
    words = [bytes(chosen.choices(letters, k=chosen.randint(2, 11))) for _ in range(5000)]
    weights = list(itertools.accumulate(1 / place for place in range(1, len(words) + 1)))
    lines: list[bytes] = []
    size = 0
    while size < _POOL:
        lines.append(b" ".join(chosen.choices(words, cum_weights=weights, k=9)))
        size += len(lines[-1]) + 2
    return b"\r\n".join(lines)
