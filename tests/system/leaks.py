"""What a secret looks like where it should not be: as it is, escaped, in base64."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator


def traces(secret: str) -> Iterator[bytes]:
    """The forms in which it, or what holds it, may be written down."""
    yield secret.encode()
    for ascii_only in (False, True):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1].encode()
    yield repr(secret)[1:-1].encode()
    yield repr(secret.encode())[2:-1].encode()
    for before in range(3):  # however it lies in the twelve-bit halves
        encoded = base64.b64encode(b"\0" * before + secret.encode())
        yield encoded[-(-8 * before // 6) : -4]


def leaked(secret: str, *places: str | bytes) -> list[bytes]:
    """The forms of it that are somewhere in the places."""
    texts = [
        one.encode("utf-8", "surrogateescape") if isinstance(one, str) else one for one in places
    ]
    return [trace for trace in traces(secret) if any(trace in text for text in texts)]
