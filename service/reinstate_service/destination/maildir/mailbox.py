"""One account of a Maildir destination."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import (
    AccessGrant,
    ChangedMeanwhile,
    Delivered,
    Delivery,
    ExistingFolder,
    Missing,
    StoredItem,
    every_item,
)
from reinstate_service.destination.maildir import filters as sieve
from reinstate_service.destination.maildir import mounts, sharing
from reinstate_service.destination.maildir.collection import (
    all_folders,
    collection_directory,
    collections,
    existing,
    make_collection,
)
from reinstate_service.destination.maildir.contents import collected, messages
from reinstate_service.destination.maildir.delivery import Deliverer
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.dotlock import remove_leftovers
from reinstate_service.destination.maildir.folders import mailboxes, make_mailbox, subscribe
from reinstate_service.destination.maildir.layout import NAMESPACE, Kind, kind_of, own_path
from reinstate_service.destination.maildir.looking import descended, read_file
from reinstate_service.destination.maildir.relocation import Spot, message_names, relocate
from reinstate_service.destination.maildir.removal import end_removals, put_aside, remove_mailbox
from reinstate_service.destination.maildir.storing import Storing
from reinstate_service.destination.names import checked_address, checked_path
from reinstate_service.mapping.mountpoints import shared_address
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import Filters, Folder, Path
from reinstate_service.threads import Together


@dataclass(frozen=True)
class Tree:
    """The destination around an account: its open directory, which accounts it has, whether
    mountpoints stand in place, and how messages are stored."""

    disk: Disk
    together: Together
    root: int
    has_account: Callable[[str], bool]
    namespace: Namespace
    storing: Storing


class MaildirMailbox:
    """See `Mailbox`. Holds the account's home open until it is closed."""

    def __init__(self, tree: Tree, home: int, address: str) -> None:
        """`home` is the account's open directory."""
        self._tree = tree
        self._disk = tree.disk
        self._home = home
        self._address = address
        self._deliverer = Deliverer(
            tree.storing, tree.together, home, checked_address(address)[::-1], self._make
        )
        self._tidied: set[str] = set()

    def close(self) -> None:
        """Lets go of the account."""
        self._deliverer.close()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Speaks to the disk. What is not there although the account is, its user has just
        taken away. Raises ChangedMeanwhile, DestinationError."""
        with self._disk.speaking():
            try:
                yield
            except FileNotFoundError as error:
                if os.fstat(self._home).st_nlink == 0:  # the account is gone itself
                    raise
                detail = f"{error.strerror}: {error.filename}"
                raise ChangedMeanwhile(account=self._address, detail=detail) from error

    def folders(self) -> Sequence[ExistingFolder]:
        """See `Mailbox`. A mailbox whose removal a crash cut off is still one."""
        roles = {path: role for role, path in NAMESPACE.roles.items()}
        with self._speaking():
            own = list(dict.fromkeys([*all_folders(self._home), *put_aside(self._home)]))
            found = [ExistingFolder(path=path, role=roles.get(path)) for path in own]
            linked = (path for path in mounts.mountpoints(self._home) if path not in own)
            return found + [ExistingFolder(path=path, mounted=True) for path in linked]

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """See `Mailbox`. A collection is not subscribed: no IMAP client would see it."""
        path = own_path(path)
        kind = kind_of(folder.view)
        with self._writing():
            made = self._make(path, kind, folder)
            if kind is Kind.MAIL:
                reach(At.MAILBOX_NOT_SUBSCRIBED)
                if folder.subscribed:
                    subscribe(self._disk, self._home, path)
        if made:
            self._deliverer.places.made(path, kind)
        return made

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> Mapping[str, str]:
        """See `Mailbox`. Raises Missing, Refused. The owner's rights are not touched."""
        with self._writing():
            directories = existing(self._home, own_path(path))
            sharing.grant(
                self._disk, self._tree.root, (self._home, directories), self._address, grants
            )
        return {}

    def subscribe(self, path: Path) -> None:
        """See `Mailbox`."""
        with self._writing():
            subscribe(self._disk, self._home, checked_path(path))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox`."""
        return self.begin(deliveries)()

    def begin(self, deliveries: Sequence[Delivery]) -> Callable[[], Sequence[Delivered]]:
        """See `OverlappingMailbox`."""
        with self._writing():
            durable = self._deliverer.begin(deliveries)

        def delivered() -> Sequence[Delivered]:
            with self._speaking():
                return durable()

        return delivered

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """See `Mailbox`."""
        with self._writing():
            return sieve.install(self._disk, self._home, filters)

    def scripts(self) -> Mapping[str, str]:
        """See `Mailbox`. An active script outside sieve/ is called `.dovecot`."""
        with self._speaking():
            return sieve.scripts(self._home)

    def replace_script(self, name: str, text: str) -> None:
        """See `Mailbox`."""
        with self._writing():
            sieve.replace(self._disk, self._home, name, text)

    def check_mount(self, owner: str, target: Path) -> None:
        """See `Mailbox`. Whether the user is in a group is not looked at."""
        with self._speaking(), self._owners_home(owner) as (home, address):
            self._check_mount(home, address, checked_path(target))

    def _check_mount(self, home: int, owner: str, target: Path) -> None:
        mounts.need_mailbox(home, owner, target)
        by_name = self._tree.namespace.mounts_in_place
        mounts.need_grant(home, target, self._address, by_name=by_name)

    def mount(self, path: Path, owner: str, target: Path) -> None:
        """See `Mailbox`. In place, it is a symlink to the owner's folder."""
        with self._writing(), self._owners_home(owner) as (home, address):
            target = checked_path(target)
            self._check_mount(home, address, target)
            if self._tree.namespace.mounts_in_place:
                names = checked_address(address)
                mounts.mount_in_place(self._disk, self._home, own_path(path), names, target)
            else:
                shown = shared_address(address, target, self._tree.namespace)
                subscribe(self._disk, self._home, shown)

    def item_names(self, path: Path) -> Sequence[str]:
        """See `Mailbox`. A name is the file's up to the first `,` or `:`."""
        with self._writing():
            return message_names(self._home, checked_path(path))

    def relocate(
        self, path: Path, owner: str, target: Path, names: Sequence[str]
    ) -> Sequence[bool]:
        """See `Mailbox`. A keyword is lost if the target's 26 letters are taken."""
        path = own_path(path)
        with self._writing(), self._owners_home(owner) as (home, address):
            source = Spot(self._home, self._address, path)
            answers = relocate(self._disk, source, Spot(home, address, checked_path(target)), names)
        self._deliverer.places.forget(path)
        return answers

    def remove_folder(self, path: Path) -> bool:
        """See `Mailbox`. False for system folders and collections; a mountpoint at the path
        is no folder of the account, and stays."""
        path = own_path(path)
        with self._writing():
            if path in NAMESPACE.roles.values() or collection_directory(self._home, path):
                return False
            gone = remove_mailbox(self._disk, self._home, path)
        self._deliverer.places.forget(path)
        return gone

    def grants(self, path: Path) -> Sequence[AccessGrant]:
        """See `Mailbox`."""
        with self._speaking():
            directories = existing(self._home, own_path(path))
            with descended(self._home, *directories) as folder:
                return sharing.granted(read_file(folder, sharing.acl_file(directories)))

    def contents(self, read: Callable[[str], bool] = every_item) -> Iterator[StoredItem]:
        """See `Mailbox`. Nothing is changed by it, not even what a dead process left."""
        unpacks = self._tree.storing.unpacks
        with self._speaking():
            for path in mailboxes(self._home):
                yield from messages(self._home, path, read, unpacks=unpacks)
            for path, directories in collections(self._home):
                yield from collected(self._home, path, directories, read)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Speaks to the disk; what a killed process left behind goes first."""
        with self._speaking():
            if self._address not in self._tidied:
                self._tidy(self._home, self._address)
                end_removals(self._disk, self._home)
            yield

    @contextmanager
    def _owners_home(self, owner: str) -> Iterator[tuple[int, str]]:
        """Opens the home of another account, to write into it; it and its address. Raises
        Missing."""
        local, domain = checked_address(owner)
        if not self._tree.has_account(owner):
            raise Missing(what=f"account {owner}")
        with descended(self._tree.root, domain, local) as home:
            self._tidy(home, f"{local}@{domain}")
            yield home, f"{local}@{domain}"

    def _tidy(self, home: int, address: str) -> None:
        """Removes what dead processes left in a home; removals that were cut off are ended only
        by whoever works on the account, who may be in the middle of one."""
        if address not in self._tidied:
            remove_leftovers(home)
            self._tidied.add(address)

    def _make(self, path: Path, kind: Kind, described: Folder | None = None) -> bool:
        if kind is Kind.MAIL:
            mounts.refuse_mounted(self._home, path)
            return make_mailbox(self._disk, self._home, path)
        return make_collection(self._disk, self._home, path, kind, described)


@contextmanager
def open_mailbox(tree: Tree, address: str) -> Iterator[MaildirMailbox]:
    """Opens the account's home. Raises Missing."""
    local, domain = checked_address(address)
    if not tree.has_account(address):
        raise Missing(what=f"account {address}")
    with ExitStack() as stack:
        with tree.disk.speaking():
            try:
                home = stack.enter_context(descended(tree.root, domain, local))
            except FileNotFoundError:
                raise Missing(what=f"the home of {address}") from None
        mailbox = MaildirMailbox(tree, home, f"{local}@{domain}")
        stack.callback(mailbox.close)
        yield mailbox
