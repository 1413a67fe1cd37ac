"""The account's mailboxes: listed, made, asked how they stand."""

from __future__ import annotations

from collections.abc import Sequence

from reinstate_service.destination.contract import ExistingFolder
from reinstate_service.destination.imap.connection import Listed
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.removal import ASIDE
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.imap.status import status
from reinstate_service.model import Path, Role

#: RFC 6154 §2.
_ROLES = {
    b"\\sent": Role.SENT,
    b"\\drafts": Role.DRAFTS,
    b"\\trash": Role.TRASH,
    b"\\junk": Role.JUNK,
    b"\\archive": Role.ARCHIVE,
}
_NOT_THERE = frozenset({b"\\noselect", b"\\nonexistent"})


class Folders:
    """One account's."""

    def __init__(self, session: Session, names: MailboxNames) -> None:
        self._session = session
        self._names = names
        self._known: set[str] | None = None

    def all(self) -> Sequence[ExistingFolder]:
        """Every folder of the account's own that holds messages, by path. One whose removal was
        cut off is named as it was."""
        found: dict[Path, ExistingFolder] = {}
        for flags, _, name in self._listed():
            if not self._names.is_foreign(name):
                path = self._names.path(name.removesuffix(ASIDE))
                role = next((role for flag, role in _ROLES.items() if flag in flags), None)
                found[path] = ExistingFolder(path, Role.INBOX if path == ("INBOX",) else role)
        return sorted(found.values(), key=lambda folder: folder.path)

    def make(self, path: Path) -> bool:
        """Makes the folder, with what is missing above it; answers whether it was missing."""
        name = self._names.name(path)
        if self._known is None:
            self._known = {one.name for one in self._listed()}
        made = False
        for depth in range(1, len(path) + 1):
            name = self._names.name(path[:depth])
            if name not in self._known and name != "INBOX":
                made = self._create(name)
                self._known.add(name)
        return made

    def forget(self) -> None:
        """Others may have made or removed some."""
        self._known = None

    def _listed(self) -> list[Listed]:
        listed = self._session.ask(lambda client: client.mailboxes())
        return [one for one in listed if not one.flags & _NOT_THERE]

    def _create(self, name: str) -> bool:
        try:
            self._session.ask(lambda client: client.create_folder(name))
        except ServerRefuses as error:
            # RFC 5530 §3; who does not tell is asked.
            if error.code != "ALREADYEXISTS" and status(self._session, name, "UIDNEXT") is None:
                raise
            return False
        return True
