"""What an IMAP client is served, and what it is to be served of an item."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC

from imapclient import IMAPClient  # type: ignore[import-untyped]

from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.model import Flag, Item

_FLAGS = {
    Flag.SEEN: "\\Seen",
    Flag.ANSWERED: "\\Answered",
    Flag.FLAGGED: "\\Flagged",
    Flag.DRAFT: "\\Draft",
    Flag.DELETED: "\\Deleted",
    Flag.FORWARDED: "$Forwarded",
    Flag.MDN_SENT: "$MDNSent",
}


def own_folders(client: IMAPClient) -> list[str]:
    """The account's own folders: neither other users' nor those that only lead to others."""
    listed = client.list_folders()
    return [
        name
        for flags, _, name in listed
        if b"\\Noselect" not in flags and not name.startswith("shared/")
    ]


def served(client: IMAPClient) -> Counter[tuple[object, ...]]:
    """Every folder, and every message with its folder, digest, flags and date."""
    found: Counter[tuple[object, ...]] = Counter()
    for name in own_folders(client):
        client.select_folder(name, readonly=True)
        found[name, "exists"] += 1
        messages = client.fetch(client.search(), ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"])
        for message in messages.values():
            flags = {flag.decode() for flag in message[b"FLAGS"]} - {"\\Recent"}
            date = message[b"INTERNALDATE"].astimezone(UTC).timestamp()
            body = message[b"BODY[]"]
            found[name, _digest(body), frozenset(flags), int(date)] += 1
    return found


def as_served(item: Item, content: bytes) -> tuple[str, frozenset[str], int]:
    """Digest, flags and date of the item as a client sees them."""
    flags = {text for flag, text in _FLAGS.items() if flag in item.flags}
    flags |= {keyword_of(tag) for tag in item.tags}
    return _digest(content), frozenset(flags), item.date // 1000


def _crlf(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _digest(body: bytes) -> str:
    return hashlib.sha256(_crlf(body)).hexdigest()
