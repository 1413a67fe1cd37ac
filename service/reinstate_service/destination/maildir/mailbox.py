"""One account of a Maildir destination."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec

from reinstate_service.destination.contract import (
    AccessGrant,
    Delivered,
    Delivery,
    ExistingFolder,
    StoredItem,
)
from reinstate_service.destination.maildir import filters as sieve
from reinstate_service.destination.maildir import keywords as kw
from reinstate_service.destination.maildir import sharing
from reinstate_service.destination.maildir.delivery import Deliverer, Sidecar
from reinstate_service.destination.maildir.disk import (
    Disk,
    descended,
    listed,
    read_file,
    read_pieces,
)
from reinstate_service.destination.maildir.dotlock import remove_leftovers
from reinstate_service.destination.maildir.folders import (
    all_folders,
    collections,
    existing,
    mailboxes,
    make_collection,
    make_mailbox,
    subscribe,
)
from reinstate_service.destination.maildir.layout import (
    NAMESPACE,
    collection_path,
    delivery_of_file,
    delivery_of_message,
    folder_directory,
    info_letters,
    own_path,
)
from reinstate_service.destination.names import checked_path
from reinstate_service.model import MAIL_TYPES, Filters, Flag, Folder, ItemType, Path


class MaildirMailbox:
    """See `Mailbox`. Holds the account's home open until it is closed."""

    def __init__(self, disk: Disk, root: int, home: int, address: str) -> None:
        """`root` and `home` are open directories: the destination's and the account's."""
        self._disk = disk
        self._root = root
        self._home = home
        self._address = address
        self._deliverer = Deliverer(disk, home, self._make)
        self._tidy = False

    def close(self) -> None:
        """Lets go of the account."""
        self._deliverer.close()

    def folders(self) -> Sequence[ExistingFolder]:
        """See `Mailbox`."""
        roles = {path: role for role, path in NAMESPACE.roles.items()}
        with self._disk.speaking():
            return [
                ExistingFolder(path=path, role=roles.get(path)) for path in all_folders(self._home)
            ]

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """See `Mailbox`. A collection is not subscribed: no IMAP client would see it."""
        path = own_path(path)
        mail = folder.view in MAIL_TYPES
        with self._writing():
            if mail:
                made = make_mailbox(self._disk, self._home, path)
                if folder.subscribed:
                    subscribe(self._disk, self._home, path)
            else:
                made = make_collection(self._disk, self._home, path, folder)
        if made:
            self._deliverer.made(path, mail)
        return made

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> None:
        """See `Mailbox`. Raises Missing, Refused. The owner's rights are not touched."""
        with self._writing():
            directories = existing(self._home, own_path(path))
            sharing.grant(self._disk, self._root, (self._home, directories), self._address, grants)

    def subscribe(self, path: Path) -> None:
        """See `Mailbox`."""
        with self._writing():
            subscribe(self._disk, self._home, checked_path(path))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox`."""
        with self._writing():
            return self._deliverer.deliver(deliveries)

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """See `Mailbox`."""
        with self._writing():
            return sieve.install(self._disk, self._home, filters)

    def contents(self) -> Iterator[StoredItem]:
        """See `Mailbox`. A message's type is MESSAGE: Maildir does not tell a chat from it."""
        with self._disk.speaking():
            for path in mailboxes(self._home):
                yield from self._messages(path)
            for directories in collections(self._home):
                yield from self._collected(directories)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Speaks to the disk; what a killed process left behind goes first."""
        with self._disk.speaking():
            if not self._tidy:
                remove_leftovers(self._home)
                self._tidy = True
            yield

    def _make(self, path: Path, mail: bool) -> bool:
        if mail:
            return make_mailbox(self._disk, self._home, path)
        return make_collection(self._disk, self._home, path, None)

    def _messages(self, path: Path) -> Iterator[StoredItem]:
        with descended(self._home, "Maildir", folder_directory(path)) as folder:
            names = kw.parsed(read_file(folder, kw.FILE))
            for part in ("cur", "new"):
                with descended(folder, part) as directory:
                    for file_name in listed(directory):
                        flags, keywords = kw.flags_and_keywords(info_letters(file_name), names)
                        yield _read_back(
                            directory,
                            file_name,
                            path=path,
                            name=delivery_of_message(file_name),
                            type_=ItemType.MESSAGE,
                            flags=flags,
                            keywords=keywords,
                        )

    def _collected(self, directories: tuple[str, ...]) -> Iterator[StoredItem]:
        path = collection_path(directories)
        with descended(self._home, "collections", *directories) as directory:
            with os.scandir(directory) as entries:
                file_names = sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
                )
            for file_name in file_names:
                name, type_ = delivery_of_file(file_name)
                described = read_file(directory, f".{name}.json")
                sidecar = msgspec.json.decode(described, type=Sidecar) if described else Sidecar()
                yield _read_back(
                    directory,
                    file_name,
                    path=path,
                    name=name,
                    type_=type_,
                    flags=Flag(sidecar.flags),
                    keywords=sidecar.keywords,
                )


@contextmanager
def open_mailbox(disk: Disk, root: int, local: str, domain: str) -> Iterator[MaildirMailbox]:
    """Opens the account's home below the open directory `root`."""
    with ExitStack() as stack:
        with disk.speaking():
            home = stack.enter_context(descended(root, domain, local))
        mailbox = MaildirMailbox(disk, root, home, f"{local}@{domain}")
        stack.callback(mailbox.close)
        yield mailbox


def _read_back(
    directory: int,
    file_name: str,
    *,
    path: Path,
    name: str,
    type_: ItemType,
    flags: Flag,
    keywords: tuple[str, ...],
) -> StoredItem:
    hashed = hashlib.sha256()
    size = 0
    for piece in read_pieces(directory, file_name):
        hashed.update(piece)
        size += len(piece)
    modified = os.stat(file_name, dir_fd=directory, follow_symlinks=False).st_mtime_ns
    return StoredItem(
        path=path,
        name=name,
        type=type_,
        digest=base64.b64encode(hashed.digest()).decode().replace("/", ","),
        size=size,
        date=modified // 1_000_000,
        flags=flags,
        keywords=keywords,
    )
