"""What an account holds, read back; and messages above a fence."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from reinstate_service.destination.contract import StoredItem
from reinstate_service.destination.fence import Arrival
from reinstate_service.destination.imap.answers import Fetched
from reinstate_service.destination.imap.append import FLAG_KEYWORDS
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.relocation import MessageName
from reinstate_service.destination.imap.session import Session
from reinstate_service.model import Flag, ItemType, Path

_FLAGS = {
    b"\\seen": Flag.SEEN,
    b"\\answered": Flag.ANSWERED,
    b"\\flagged": Flag.FLAGGED,
    b"\\draft": Flag.DRAFT,
    b"\\deleted": Flag.DELETED,
    **{word.lower().encode(): flag for word, flag in FLAG_KEYWORDS.items()},
}
_PIECE = 1024 * 1024
_FETCHED = 500


def arrivals_from(session: Session, mailbox: str, lowest: int) -> Iterator[Arrival]:
    """The messages from UID `lowest` on."""
    session.leave()  # a mailbox that was open before may not know of them yet
    found: list[int] = session.within(mailbox, lambda client: client.search(["UID", f"{lowest}:*"]))
    # n:* names the last message even if it is below n (RFC 3501 §6.4.8).
    uids = sorted(uid for uid in found if uid >= lowest)
    for start in range(0, len(uids), _FETCHED):
        sizes = session.within(mailbox, _fetching(uids[start : start + _FETCHED], "RFC822.SIZE"))
        yield from (Arrival(uid, one["size"]) for uid, one in sorted(sizes.items()))


def message(session: Session, mailbox: str, uid: int) -> Iterator[bytes]:
    """A message's bytes in pieces; nothing if it is gone."""
    offset = 0
    while True:
        wanted = f"BODY.PEEK[]<{offset}.{_PIECE}>"
        found = session.within(mailbox, _fetching([uid], wanted))
        piece = found.get(uid, {}).get("body", b"")
        if piece:
            yield piece
        offset += len(piece)
        if len(piece) < _PIECE:
            return


def stored_items(
    session: Session,
    path: Path,
    mailbox: str,
    names: Sequence[MessageName],
    read: Callable[[str], bool],
) -> Iterator[StoredItem]:
    """The messages of a mailbox, as `Mailbox.contents` tells them."""
    for start in range(0, len(names), _FETCHED):
        chunk = names[start : start + _FETCHED]
        uids = [name.uid for name in chunk]
        told = session.within(mailbox, _fetching(uids, "FLAGS", "INTERNALDATE", "RFC822.SIZE"))
        for name in chunk:
            if name.uid in told:
                digest = _digest(session, mailbox, name.uid) if read(str(name)) else ""
                yield _stored(path, str(name), told[name.uid], digest)


def _stored(path: Path, name: str, told: Fetched, digest: str) -> StoredItem:
    flags, keywords = Flag(0), []
    for flag in told["flags"]:
        if (known := _FLAGS.get(flag.lower())) is not None:
            flags |= known
        elif not flag.startswith(b"\\"):
            keywords.append(flag.decode("ascii", "replace"))
    return StoredItem(
        path=path,
        name=name,
        type=ItemType.MESSAGE,
        digest=digest,
        size=told["size"],
        date=round(told["date"].timestamp() * 1000),
        flags=flags,
        keywords=tuple(sorted(keywords)),
    )


def _digest(session: Session, mailbox: str, uid: int) -> str:
    content = hashlib.sha256()
    for piece in message(session, mailbox, uid):
        content.update(piece)
    return base64.b64encode(content.digest()).decode().replace("/", ",")


def _fetching(uids: Sequence[int], *what: str) -> Callable[[Client], Mapping[int, Fetched]]:
    return lambda client: client.fetched(uids, *what)
