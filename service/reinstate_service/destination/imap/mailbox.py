"""One account on the server: its folders, and what is read back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from reinstate_service.destination.contract import (
    AccessGrant,
    Delivered,
    Delivery,
    ExistingFolder,
    Missing,
    Refused,
    StoredItem,
    every_item,
)
from reinstate_service.destination.fence import Arrival, Arrivals, Fence
from reinstate_service.destination.imap.append import FLAG_KEYWORDS
from reinstate_service.destination.imap.connection import Client, ServerRefuses
from reinstate_service.destination.imap.delivery import Deliveries
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.session import Session
from reinstate_service.model import MAIL_TYPES, Filters, Flag, Folder, ItemType, Path, Role

#: RFC 6154 §2.
_ROLES = {
    b"\\sent": Role.SENT,
    b"\\drafts": Role.DRAFTS,
    b"\\trash": Role.TRASH,
    b"\\junk": Role.JUNK,
    b"\\archive": Role.ARCHIVE,
}
_NOT_THERE = frozenset({b"\\noselect", b"\\nonexistent"})
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
_STATUS = ("UIDVALIDITY", "UIDNEXT")
_ATTRIBUTES = ("FLAGS", "INTERNALDATE", "RFC822.SIZE")


class ImapMailbox:
    """See `Mailbox` and `FencedMailbox`."""

    def __init__(self, session: Session, names: MailboxNames, address: str, quiet: float) -> None:
        self.quiet = quiet
        self._session = session
        self._names = names
        self._address = address
        self._deliveries = Deliveries(session, names, self._make)
        self._known: set[str] | None = None

    def folders(self) -> Sequence[ExistingFolder]:
        """See `Mailbox`."""
        found: dict[Path, ExistingFolder] = {}
        for flags, name in self._list():
            lowered = {flag.lower() for flag in flags}
            if lowered & _NOT_THERE or self._names.is_foreign(name):
                continue
            path = self._names.path(name)
            role = next((role for flag, role in _ROLES.items() if flag in lowered), None)
            found[path] = ExistingFolder(path, Role.INBOX if path == ("INBOX",) else role)
        return sorted(found.values(), key=lambda folder: folder.path)

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """See `Mailbox`. A collection is none of a mail server's, and is not made."""
        name = self._names.name(path)
        if folder.view not in MAIL_TYPES:
            return False
        made = self._make(path)
        if folder.subscribed:
            self._session.ask(lambda client: client.subscribe_folder(name))
        return made

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> None:  # noqa: ARG002
        """See `Mailbox`."""
        raise Refused(detail="grants are not given over IMAP yet")

    def subscribe(self, path: Path) -> None:
        """See `Mailbox`."""
        name = self._names.separator.join(path)
        self._session.ask(lambda client: client.subscribe_folder(name))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox` and `FencedMailbox`. Raises ConnectionLost, Busy."""
        self._session.leave()
        return self._deliveries.deliver(deliveries)

    def fence(self, path: Path) -> Fence:
        """See `FencedMailbox`."""
        if (known := self._deliveries.fence(path)) is not None:
            return known
        self._make(path)
        standing = self._standing(self._names.name(path))
        if standing is None:
            raise Missing(what=f"folder {'/'.join(path)}")
        return Fence(path, *standing)

    def arrivals(self, fence: Fence) -> Arrivals:
        """See `FencedMailbox`."""
        self._deliveries.forget()
        path, holds = fence.path, True
        standing = self._standing(self._names.name(path))
        if standing is None or standing[0] != fence.uidvalidity:
            renamed = self._renamed(fence)
            if renamed is not None:
                path = renamed
            elif standing is None:
                return Arrivals(path)
            else:
                holds = False
        lowest = fence.uidnext if holds else 1
        self._session.leave()
        return Arrivals(path, tuple(self._sizes(self._names.name(path), lowest)), holds)

    def message(self, path: Path, uid: int) -> Iterator[bytes]:
        """See `FencedMailbox`."""
        name, offset = self._names.name(path), 0
        while piece := self._piece(name, uid, offset):
            yield piece
            offset += len(piece)
            if len(piece) < _PIECE:
                return

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """See `Mailbox`."""
        if filters == Filters():
            return ()
        raise Refused(detail="filters are not installed over ManageSieve yet")

    def scripts(self) -> Mapping[str, str]:
        """See `Mailbox`."""
        return {}

    def replace_script(self, name: str, text: str) -> None:  # noqa: ARG002 - the contract's
        """See `Mailbox`."""
        raise Missing(what=f"script {name!r}")

    def check_mount(self, owner: str, target: Path) -> None:
        """See `Mailbox`."""
        raise Refused(detail=f"{owner}'s {'/'.join(target)}: nothing is mounted over IMAP yet")

    def mount(self, path: Path, owner: str, target: Path) -> None:  # noqa: ARG002 - the contract's
        """See `Mailbox`."""
        self.check_mount(owner, target)

    def item_names(self, path: Path) -> Sequence[str]:
        """See `Mailbox`. A name is UIDVALIDITY and UID."""
        name = self._names.name(path)
        standing = self._standing(name)
        if standing is None:
            return ()
        self._session.leave()
        uids: list[int] = self._session.within(name, lambda client: client.search("ALL"))
        return [f"{standing[0]}.{uid:010}" for uid in sorted(uids)]

    def relocate(
        self, path: Path, owner: str, target: Path, names: Sequence[str]
    ) -> Sequence[bool]:
        """See `Mailbox`."""
        moved = f"{len(names)} messages of {'/'.join(path)} to {owner}'s {'/'.join(target)}"
        raise Refused(detail=f"{moved}: nothing is moved over IMAP yet")

    def remove_folder(self, path: Path) -> bool:
        """See `Mailbox`."""
        raise Refused(detail=f"{'/'.join(path)}: no folder is removed over IMAP yet")

    def grants(self, path: Path) -> Sequence[AccessGrant]:
        """See `Mailbox`."""
        raise Refused(detail=f"the grants of {'/'.join(path)} are not read over IMAP yet")

    def contents(self, read: Callable[[str], bool] = every_item) -> Iterator[StoredItem]:
        """See `Mailbox`."""
        for folder in self.folders():
            for name in self.item_names(folder.path):
                yield self._stored(folder.path, name, whole=read(name))

    # -- folders

    def _list(self) -> list[tuple[tuple[bytes, ...], str]]:
        listed = self._session.ask(lambda client: client.list_folders())
        return [(flags, str(name)) for flags, _, name in listed]

    def _make(self, path: Path) -> bool:
        """Makes the folder, with what is missing above it; answers whether it was missing."""
        if self._known is None:
            self._known = {
                name for flags, name in self._list() if not {*map(bytes.lower, flags)} & _NOT_THERE
            }
        made = False
        for depth in range(1, len(path) + 1):
            name = self._names.name(path[:depth])
            if name not in self._known and name != "INBOX":
                made = self._create(name)
                self._known.add(name)
        return made

    def _create(self, name: str) -> bool:
        try:
            self._session.ask(lambda client: client.create_folder(name))
        except ServerRefuses as error:
            # RFC 5530 §3; who does not tell is asked.
            if error.code != "ALREADYEXISTS" and self._standing(name) is None:
                raise
            return False
        return True

    def _standing(self, name: str) -> tuple[int, int] | None:
        """UIDVALIDITY and UIDNEXT of the mailbox, or None if LIST does not know it."""
        try:
            found = self._session.ask(lambda client: client.folder_status(name, _STATUS))
        except ServerRefuses:
            # A refusal has many reasons; only LIST tells that it is gone.
            if name in {listed for _, listed in self._list()}:
                raise
            return None
        return found[b"UIDVALIDITY"], found[b"UIDNEXT"]

    def _renamed(self, fence: Fence) -> Path | None:
        """Where the fence's mailbox is now, if exactly one other has its UIDVALIDITY, and could
        have been there when the fence was taken."""
        found = []
        for folder in self.folders():
            if folder.path != fence.path:
                standing = self._standing(self._names.name(folder.path))
                if standing and standing[0] == fence.uidvalidity and standing[1] >= fence.uidnext:
                    found.append(folder.path)
        return found[0] if len(found) == 1 else None

    # -- messages

    def _sizes(self, name: str, lowest: int) -> Iterator[Arrival]:
        """The messages from UID `lowest` on."""
        found: list[int] = self._session.within(
            name, lambda client: client.search(["UID", f"{lowest}:*"])
        )
        # n:* names the last message even if it is below n (RFC 3501 §6.4.8).
        uids = sorted(uid for uid in found if uid >= lowest)
        for start in range(0, len(uids), _FETCHED):
            sizes = self._session.within(name, _fetching(uids[start : start + _FETCHED]))
            yield from (Arrival(uid, data[b"RFC822.SIZE"]) for uid, data in sorted(sizes.items()))

    def _piece(self, name: str, uid: int, offset: int) -> bytes:
        def fetch(client: Client) -> bytes:
            found = client.fetch([uid], [f"BODY.PEEK[]<{offset}.{_PIECE}>"])
            data: bytes | None = found.get(uid, {}).get(b"BODY[]<%d>" % offset)
            return data or b""

        return self._session.within(name, fetch)

    def _stored(self, path: Path, name: str, *, whole: bool) -> StoredItem:
        uid = int(name.partition(".")[2])
        found = self._session.within(
            self._names.name(path), lambda client: client.fetch([uid], _ATTRIBUTES)
        )
        date: datetime = found[uid][b"INTERNALDATE"]
        digest = ""
        if whole:
            content = hashlib.sha256()
            for piece in self.message(path, uid):
                content.update(piece)
            digest = base64.b64encode(content.digest()).decode().replace("/", ",")
        flags, keywords = Flag(0), []
        for flag in found[uid][b"FLAGS"]:
            if (known := _FLAGS.get(flag.lower())) is not None:
                flags |= known
            elif not flag.startswith(b"\\"):
                keywords.append(flag.decode("ascii", "replace"))
        return StoredItem(
            path=path,
            name=name,
            type=ItemType.MESSAGE,
            digest=digest,
            size=found[uid][b"RFC822.SIZE"],
            date=round(date.timestamp() * 1000),
            flags=flags,
            keywords=tuple(sorted(keywords)),
        )


def _fetching(uids: Sequence[int]) -> Callable[[Client], Mapping[int, Mapping[bytes, int]]]:
    return lambda client: client.fetch(uids, ["RFC822.SIZE"])
