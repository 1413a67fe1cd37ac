"""A directory that Dovecot serves, as a destination."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Literal

import msgspec

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import DestinationError
from reinstate_service.destination.contract import Refused
from reinstate_service.destination.maildir import collection, readback, sharing
from reinstate_service.destination.maildir.database import FILE, has_tables
from reinstate_service.destination.maildir.directory import Directory
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.folders import make_home
from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.destination.maildir.looking import exists, opened
from reinstate_service.destination.maildir.mailbox import MaildirMailbox, Tree, open_mailbox
from reinstate_service.destination.maildir.storing import Storing
from reinstate_service.destination.maildir.twins import Dedupe, Twins
from reinstate_service.destination.names import checked_address, checked_domain
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
)
from reinstate_service.threads import Together

#: How another user's folder is shown, see `MaildirDestination`.
Mountpoints = Literal["shared", "symlink"]
#: Facts that the directory keeps: the tree has messages that are gzip files, or only look so.
_PACKED, _LOOKALIKE = "packed", "lookalike"

_NOT_DOMAINS = (sharing.ACL_DIRECTORY, collection.SERVED)


class MaildirDestination:
    """See `Destination`. The package's docstring draws the tree."""

    def __init__(
        self,
        location: Path | str,
        *,
        owner: tuple[int, int] | None = None,
        create: bool = True,
        mountpoints: Mountpoints = "shared",
        keep: bool = False,
        dedupe: Dedupe | None = None,
    ) -> None:
        """Opens the tree at `location`, which is made if `create`, for `owner` (uid, gid).

        What root makes in it belongs to the owner of the directory. `mountpoints` says how
        another user's folder is shown: below `shared/`, or at its place as a symlink. With `keep`,
        messages are stored as the gzip files that the backup has; with `dedupe`, equal messages
        share a file. If `create`, everything that is
        there already is durable on return; otherwise it is only to be read, and opening it writes
        nothing. Raises DestinationError.
        """
        self._root = Path(location).absolute()
        self._disk = Disk(self.url)
        with ExitStack() as stack:
            with self._disk.speaking():
                self._make_root(owner, create)
                found = os.stat(self._root)  # noqa: PTH116 follows a link given by the user
                if os.geteuid() == 0:
                    self._disk.owner = (found.st_uid, found.st_gid)
                self._descriptor = stack.enter_context(opened(str(self._root.resolve())))
                if create:
                    self._disk.flush_leftovers(self._descriptor)
                self._make_directory_file(create)
                if create:
                    sharing.make_dictionary(self._disk, self._descriptor)
                    collection.make_served(self._disk, self._descriptor)
            root = self._root.resolve()
            self._directory = Directory(self._disk, root, read_only=not create)
            stack.callback(self._directory.close)
            if keep and create:
                self._will_be_packed()
            twins = Twins(self._disk, self._descriptor, dedupe) if dedupe and create else None
            if twins:
                stack.callback(twins.close)
            together = Together()
            stack.callback(together.close)
            self._closing = stack.pop_all()
        in_place = mountpoints == "symlink"
        self._namespace = msgspec.structs.replace(NAMESPACE, mounts_in_place=in_place)
        storing = Storing(
            self._disk,
            keep=keep and create,
            unpacks=self._directory.meta(_PACKED) != "",
            found_lookalike=lambda: self._directory.set_meta(_LOOKALIKE, "yes"),
            twins=twins,
        )
        self._tree = Tree(
            self._disk, together, self._descriptor, self.has_account, self._namespace, storing
        )

    @property
    def url(self) -> str:
        """`maildir:` and the directory."""
        return f"maildir:{self._root}"

    def identity(self) -> str:
        """See `Destination`."""
        return self._directory.meta("id")

    @property
    def unpacks(self) -> bool:
        """Whether the tree has to be served by what unpacks messages."""
        return self._tree.storing.unpacks

    def namespace(self) -> Namespace:
        """Maildir++ with listescape."""
        return self._namespace

    def epoch(self) -> int:
        """See `Destination`."""
        return int(self._directory.meta("epoch", "0"))

    def store_epoch(self, epoch: int) -> None:
        """See `Destination`."""
        self._directory.set_meta("epoch", str(epoch))

    def has_domain(self, name: str) -> bool:
        """See `Destination`."""
        return self._directory.has_domain(name)

    def put_domain(self, domain: Domain) -> bool:
        """See `Destination`."""
        name = checked_domain(domain.name)
        if name in _NOT_DOMAINS or name.startswith(FILE):
            raise Refused(detail=f"{name!r} is a name that the directory itself needs")
        return self._directory.put_domain(domain)

    def configure_domain(self, domain: Domain) -> None:
        """See `Destination`."""
        self._directory.configure_domain(domain)

    def has_class_of_service(self, name: str) -> bool:
        """See `Destination`."""
        return self._directory.has_class_of_service(name)

    def put_class_of_service(self, cos: ClassOfService) -> bool:
        """See `Destination`."""
        return self._directory.put_class_of_service(cos)

    def has_list(self, address: str) -> bool:
        """See `Destination`."""
        return self._directory.has_list(address)

    def put_list(self, lst: DistributionList) -> bool:
        """See `Destination`."""
        return self._directory.put_list(lst)

    def configure_list(self, lst: DistributionList, with_aliases: bool) -> None:
        """See `Destination`."""
        self._directory.configure_list(lst, with_aliases)

    def has_account(self, address: str) -> bool:
        """See `Destination`."""
        return self._directory.has_account(address)

    def put_account(self, account: Account) -> bool:
        """See `Destination`. The home is made before the account can be seen."""
        local, domain = checked_address(account.address)
        address = f"{local}@{domain}"
        if self._directory.has_account(address):
            return False
        self._directory.check_new_account(address)
        with self._disk.speaking():
            make_home(self._disk, self._descriptor, domain, local)
            reach(At.HOME_DURABLE)
            collection.serve(self._disk, self._descriptor, domain, local)
        reach(At.HOME_SERVED)
        return self._directory.put_account(account)

    def configure_account(self, account: Account, cos: str, with_aliases: bool) -> Sequence[str]:
        """See `Destination`. The directory has a place for everything; what a stock Dovecot
        does not act on, such as forwarding, waits there for what does."""
        self._directory.configure_account(account, cos, with_aliases)
        return ()

    def quota(self, address: str) -> int:
        """See `Destination`."""
        return self._directory.quota(address)

    def set_quota(self, address: str, quota: int) -> None:
        """See `Destination`."""
        self._directory.set_quota(address, quota)

    def room(self, address: str) -> int | None:
        """See `Destination`. A restore lifts the quota."""
        self.quota(address)
        return None

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """See `Destination`."""
        return self._directory.put_data_source(address, source)

    def domain(self, name: str) -> Domain:
        """See `Destination`."""
        return readback.domain(self._directory, name)

    def class_of_service(self, name: str) -> ClassOfService:
        """See `Destination`."""
        return readback.class_of_service(self._directory, name)

    def distribution_list(self, address: str) -> DistributionList:
        """See `Destination`."""
        return readback.distribution_list(self._directory, address)

    def account(self, address: str) -> Account:
        """See `Destination`."""
        return readback.account(self._directory, address)

    def mailbox(self, address: str) -> AbstractContextManager[MaildirMailbox]:
        """See `Destination`."""
        return open_mailbox(self._tree, address)

    def close(self) -> None:
        """See `Destination`."""
        self._closing.close()

    def _will_be_packed(self) -> None:
        """From now on, and for good, the tree needs a server that unpacks messages."""
        if self._directory.meta(_LOOKALIKE):
            raise DestinationError(
                destination=self.url,
                detail="it holds messages, stored as they are, that such a server would take for"
                " compressed files: go on without --compress keep",
            )
        self._directory.set_meta(_PACKED, "yes")

    def _make_root(self, owner: tuple[int, int] | None, create: bool) -> None:
        if self._root.is_dir():
            return
        if not create:
            raise DestinationError(destination=self.url, detail="there is no such directory")
        self._root.mkdir(mode=0o700, parents=True)
        if owner is not None and os.geteuid() == 0:
            os.chown(self._root, *owner)
        reach(At.ROOT_MADE)
        with opened(str(self._root.parent)) as parent:
            self._disk.flush(parent)

    def _make_directory_file(self, create: bool) -> None:
        """An empty directory.sqlite of the right owner and mode, for SQLite to fill."""
        if exists(self._descriptor, FILE):
            return
        if not create:
            raise DestinationError(destination=self.url, detail=f"there is no {FILE} in it")
        os.close(self._disk.new_file(self._descriptor, FILE))
        reach(At.DIRECTORY_FILE_MADE)
        self._disk.flush(self._descriptor)


def holds_destination(location: Path | str) -> bool:
    """Whether there is a Maildir destination at `location`; not at one that cannot be, nor where
    whoever was about to make it was cut off before it had its tables."""
    try:
        return (Path(location) / FILE).is_file() and has_tables(Path(location))
    except OSError:
        return False


def needs_unpacking(location: Path) -> bool:
    """Whether the destination at `location`, which is there, has or may have messages that its
    server has to unpack. Raises DestinationError."""
    with closing(MaildirDestination(location, create=False)) as destination:
        return destination.unpacks
