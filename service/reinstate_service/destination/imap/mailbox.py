"""One account on the server, as the contract has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

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
from reinstate_service.destination.fence import Answered, Arrivals, Fence
from reinstate_service.destination.imap import filters as scripts_of
from reinstate_service.destination.imap.accounts import Accounts
from reinstate_service.destination.imap.delivery import Deliveries
from reinstate_service.destination.imap.ends import Ends
from reinstate_service.destination.imap.folders import Folders
from reinstate_service.destination.imap.lanes import Lanes
from reinstate_service.destination.imap.reading import arrivals_from, message, stored_items
from reinstate_service.destination.imap.relocation import (
    MessageName,
    give_flags,
    headed_names_in,
    names_in,
    parsed,
    relocate,
)
from reinstate_service.destination.imap.removal import remove
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.imap.sharing import give, given
from reinstate_service.destination.imap.status import status
from reinstate_service.destination.names import canonical
from reinstate_service.mapping.mountpoints import shared_address
from reinstate_service.model import MAIL_TYPES, Filters, Folder, Path


class ImapMailbox:
    """See `Mailbox` and `FencedMailbox`."""

    def __init__(self, accounts: Accounts, session: Session, address: str) -> None:
        self.quiet = accounts.imap.settle_seconds
        self._accounts = accounts
        self._session = session
        self._address = address
        self._names = accounts.names
        self._folders = Folders(session, self._names)
        self._ends = Ends()
        first = Deliveries(session, self._names, self._folders.make, self._ends)
        most = accounts.imap.connections_per_account
        self._lanes = Lanes(first, self._further_lane, most, self._ends, accounts.as_one())

    def close(self) -> None:
        """Closes the connections that were made besides the session's."""
        self._lanes.close()

    # -- folders

    def folders(self) -> Sequence[ExistingFolder]:
        """See `Mailbox`."""
        return self._folders.all()

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """See `Mailbox`. A collection is none of a mail server's, and is not made."""
        name = self._names.name(path)
        if folder.view not in MAIL_TYPES:
            return False
        made = self._folders.make(path)
        if folder.subscribed:
            self._session.ask(lambda client: client.subscribe_folder(name))
        return made

    def remove_folder(self, path: Path) -> bool:
        """See `Mailbox`. Raises Refused."""
        name = self._names.name(path)
        folders = self.folders()
        special = any(one.path == self._names.path(name) and one.role for one in folders)
        below = any(one.path != path and one.path[: len(path)] == path for one in folders)
        if special or below:
            return False
        self._folders.forget()
        return remove(self._session, name)

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> Mapping[str, str]:
        """See `Mailbox`."""
        self._require(path)
        return give(self._session, self._names.name(path), grants, self._accounts.dialect)

    def grants(self, path: Path) -> Sequence[AccessGrant]:
        """See `Mailbox`. Raises Refused."""
        self._require(path)
        name = self._names.name(path)
        return given(self._session, name, self._address, self._accounts.dialect)

    def subscribe(self, path: Path) -> None:
        """See `Mailbox`."""
        name = self._names.shown(path)
        self._session.ask(lambda client: client.subscribe_folder(name))

    # -- other users' folders

    def check_mount(self, owner: str, target: Path) -> None:
        """See `Mailbox`. That something is granted is asked as the owner, that it can be seen as
        this account."""
        owner = canonical(owner)
        self._accounts.require(owner)
        with self._accounts.session(owner) as session:
            shown = ImapMailbox(self._accounts, session, owner)
            if target not in {one.path for one in shown.folders()}:
                raise Missing(what=f"folder {'/'.join(target)} of {owner}")
            granted = {one.grantee for one in shown.grants(target)}
        others = {one for one in granted if one.startswith("user:")} - {f"user:{self._address}"}
        if not granted - others:
            raise Refused(detail=f"{'/'.join(target)!r} is not granted to {self._address}")
        name = self._shared_name(owner, target)
        seen = self._session.ask(lambda client: client.listed(name))
        if name not in {one.name for one in seen}:
            detail = f"{name} is granted and cannot be seen by {self._address}; see imap.shared"
            raise Refused(detail=detail)

    def mount(self, path: Path, owner: str, target: Path) -> None:  # noqa: ARG002 - not in place
        """See `Mailbox`."""
        self.check_mount(owner, target)
        name = self._shared_name(canonical(owner), target)
        self._session.ask(lambda client: client.subscribe_folder(name))

    def item_names(self, path: Path) -> Sequence[str]:
        """See `Mailbox`."""
        standing = self._standing(path)
        if standing is None:
            return []
        found = headed_names_in(self._session, self._names.name(path), standing[0])
        return [str(name) for name in found]

    def relocation_fence(self, owner: str, target: Path) -> Fence:
        """See `FencedMailbox`. Raises Refused."""
        owner = canonical(owner)
        self._accounts.require(owner)
        shown = self._shared_name(owner, target)
        standing = status(self._session, shown, "UIDVALIDITY", "UIDNEXT")
        if standing is None:
            raise Missing(what=f"folder {'/'.join(target)} of {owner}")
        return Fence(target, *standing)

    def relocate(
        self,
        path: Path,
        owner: str,
        target: Path,
        names: Sequence[str],
        above: Fence | None = None,
    ) -> Sequence[bool]:
        """See `FencedMailbox`. Raises Refused."""
        self.relocation_fence(owner, target)
        owner = canonical(owner)
        shown = self._shared_name(owner, target)
        wanted = [parsed(one) for one in names]
        answers, flags = relocate(self._session, self._names.name(path), shown, wanted, above)
        with self._accounts.session(owner) as session:
            give_flags(session, self._names.name(target), flags)
        return answers

    # -- messages

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox` and `FencedMailbox`. Raises ConnectionLost, Busy."""
        self.send(deliveries)
        return self.answers().delivered

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See `FencedMailbox`. Raises Busy."""
        self._session.leave()
        self._lanes.send(deliveries)

    def answers(self) -> Answered:
        """See `FencedMailbox`. Raises Busy."""
        return self._lanes.answers()

    @property
    def ahead(self) -> int:
        """See `FencedMailbox`."""
        return self._lanes.ahead

    def fence(self, path: Path) -> Fence:
        """See `FencedMailbox`."""
        if (known := self._ends.of(path)) is not None:
            return known
        self._lanes.catch_up()
        self._folders.make(path)
        standing = self._standing(path)
        if standing is None:
            raise Missing(what=f"folder {'/'.join(path)}")
        return self._ends.asked(Fence(path, *standing))

    def arrivals(self, fence: Fence) -> Arrivals:
        """See `FencedMailbox`."""
        self._ends.forget()
        standing = self._standing(fence.path)
        holds = standing is not None and standing[0] == fence.uidvalidity
        path = fence.path if holds else self._renamed(fence) or fence.path
        if standing is None and path == fence.path:
            self._folders.forget()
            return Arrivals(path)
        lowest = fence.uidnext if holds else 1
        found = arrivals_from(self._session, self._names.name(path), lowest)
        return Arrivals(path, tuple(found), holds)

    def message(self, path: Path, uid: int) -> Iterator[bytes]:
        """See `FencedMailbox`."""
        return message(self._session, self._names.name(path), uid)

    def contents(self, read: Callable[[str], bool] = every_item) -> Iterator[StoredItem]:
        """See `Mailbox`. Digests and sizes are those with CRLF line ends."""
        for folder in self.folders():
            names = self._message_names(folder.path)
            name = self._names.name(folder.path)
            yield from stored_items(self._session, folder.path, name, names, read)

    # -- filters

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """See `Mailbox`."""
        if filters == Filters():
            return ()
        with self._accounts.sieve(self._address) as sieve:
            return scripts_of.install(sieve, filters)

    def scripts(self) -> Mapping[str, str]:
        """See `Mailbox`. None where there is no ManageSieve."""
        if not self._accounts.namespace.sieve:
            return {}
        with self._accounts.sieve(self._address) as sieve:
            return scripts_of.scripts(sieve)

    def replace_script(self, name: str, text: str) -> None:
        """See `Mailbox`."""
        with self._accounts.sieve(self._address) as sieve:
            scripts_of.replace(sieve, name, text)

    def _further_lane(self) -> Deliveries | None:
        """None as well where the server does not tell what it has put where: what was sent over
        two connections could not be told apart."""
        if not self._session.ask(lambda client: client.has_capability("UIDPLUS")):
            return None
        session = self._accounts.spare(self._address)
        if session is None:
            return None
        make = Folders(session, self._names).make
        return Deliveries(session, self._names, make, self._ends)

    def _message_names(self, path: Path) -> Sequence[MessageName]:
        standing = self._standing(path)
        if standing is None:
            return ()
        return names_in(self._session, self._names.name(path), standing[0])

    def _standing(self, path: Path) -> tuple[int, int] | None:
        found = status(self._session, self._names.name(path), "UIDVALIDITY", "UIDNEXT")
        return None if found is None else (found[0], found[1])

    def _require(self, path: Path) -> None:
        if self._standing(path) is None:
            raise Missing(what=f"folder {'/'.join(path)}")

    def _renamed(self, fence: Fence) -> Path | None:
        """Where the fence's mailbox may be now: the only other one that has its UIDVALIDITY, and
        could have been there when the fence was taken. Servers give one UIDVALIDITY to several."""
        found = []
        for folder in self.folders():
            if folder.path != fence.path:
                standing = self._standing(folder.path)
                if standing and standing[0] == fence.uidvalidity and standing[1] >= fence.uidnext:
                    found.append(folder.path)
        return found[0] if len(found) == 1 else None

    def _shared_name(self, owner: str, target: Path) -> str:
        """The name under which this account sees a folder of another. Raises Refused where it would
        be somebody else's, of the same name in this account's domain."""
        namespace = self._accounts.namespace
        of_any_domain = any("{domain}" in part for part in namespace.shared_prefix)
        if not of_any_domain and owner.rpartition("@")[2] != self._address.rpartition("@")[2]:
            shown = self._names.separator.join(namespace.shared_prefix)
            detail = (
                f"{owner} is of another domain than {self._address}, and this server shows other"
                f" users' folders without one ({shown})"
            )
            raise Refused(detail=detail)
        inbox = target == ("INBOX",)
        return self._names.separator.join(shared_address(owner, () if inbox else target, namespace))
