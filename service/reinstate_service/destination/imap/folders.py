"""The account's mailboxes: listed, made, asked how they stand."""

from __future__ import annotations

from collections.abc import Sequence

from reinstate_service.destination.contract import ExistingFolder, Refused
from reinstate_service.destination.imap.answers import Listed
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.removal import ASIDE
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.imap.status import status
from reinstate_service.model import Path, Role

#: What an account that has none is given: the names that most servers use.
ROLES: dict[Role, Path] = {
    Role.INBOX: ("INBOX",),
    Role.SENT: ("Sent",),
    Role.DRAFTS: ("Drafts",),
    Role.TRASH: ("Trash",),
    Role.JUNK: ("Junk",),
    Role.ARCHIVE: ("Archive",),
}
#: RFC 6154 §2.
_USES = {
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
        self._used: frozenset[bytes] = frozenset()

    def all(self) -> Sequence[ExistingFolder]:
        """Every folder of the account's own that holds messages, by path. One whose removal was
        cut off is named as it was."""
        found: dict[Path, ExistingFolder] = {}
        for one in self._listed():
            if not self._names.is_foreign(one.name):
                path = self._names.path(one.name.removesuffix(ASIDE))
                role = next((role for use, role in _USES.items() if use in one.flags), None)
                found[path] = ExistingFolder(path, Role.INBOX if path == ("INBOX",) else role)
        return sorted(found.values(), key=lambda folder: folder.path)

    def make(self, path: Path) -> bool:
        """Makes the folder, with what is missing above it; answers whether it was missing."""
        self._names.name(path)
        if self._known is None:
            found = self._listed()
            self._known = {one.name for one in found}
            self._used = frozenset().union(*(one.flags for one in found))
        made = False
        for depth in range(1, len(path) + 1):
            name = self._names.name(path[:depth])
            if name not in self._known and name != "INBOX":
                if self._names.is_foreign(self._names.shown(path[:depth])):
                    detail = f"{'/'.join(path)!r} is where other users' folders are shown"
                    raise Refused(detail=detail)
                made = self._create(name, self._use(path[:depth]))
                self._known.add(name)
        return made

    def forget(self) -> None:
        """Others may have made or removed some."""
        self._known = None

    def _listed(self) -> list[Listed]:
        found = self._session.ask(lambda client: client.listed())
        return [one for one in found if not one.flags & _NOT_THERE]

    def _use(self, path: Path) -> str:
        """What a folder at that path is for, if the server wants to know and none is for it."""
        role = next((role for role, place in ROLES.items() if place == path), None)
        use = next((use for use, known in _USES.items() if known is role), b"")
        if not use or use in self._used:
            return ""
        wanted = self._session.ask(lambda client: client.has_capability("CREATE-SPECIAL-USE"))
        return "\\" + path[-1] if wanted else ""

    def _create(self, name: str, use: str) -> bool:
        try:
            self._session.ask(lambda client: client.make(name, use))
        except ServerRefuses as error:
            if use:
                return self._create(name, "")
            # RFC 5530 §3; who does not tell is asked.
            if error.code != "ALREADYEXISTS" and status(self._session, name, "UIDNEXT") is None:
                raise
            return False
        return True
