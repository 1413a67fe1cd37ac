"""One account of the destination in memory."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from reinstate_journal.errors import (
    BackupError,
    DestinationError,
    Interrupted,
    JournalError,
    ReinstateError,
)
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
from reinstate_service.destination.memory.state import NAMESPACE, ROLES, State, StoredAccount
from reinstate_service.destination.names import (
    canonical,
    checked_delivery,
    checked_path,
    is_keyword,
    relocated_name,
)
from reinstate_service.mapping.mountpoints import shared_address
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import MAIL_TYPES, Filters, Folder, ItemType, Path


class MemoryMailbox:
    """See `Mailbox`."""

    def __init__(self, state: State, address: str, namespace: Namespace) -> None:
        self._state = state
        self._stored = state.account(address)
        self._address = canonical(address)
        self._namespace = namespace

    def folders(self) -> Sequence[ExistingFolder]:
        """See `Mailbox`."""
        roles = {path: role for role, path in ROLES.items()}
        own = [ExistingFolder(path=path, role=roles.get(path)) for path in self._stored.folders]
        mounted = [ExistingFolder(path=path, mounted=True) for path in self._stored.mounts]
        return sorted(own + mounted, key=lambda folder: folder.path)

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """See `Mailbox`."""
        path = self._own(path)
        made = path not in self._stored.folders
        self._make(path)
        if made:
            self._stored.folders[path] = folder
        if folder.subscribed and folder.view in MAIL_TYPES:
            self._stored.subscribed.add(path)
        return made

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> Mapping[str, str]:
        """See `Mailbox`."""
        path = self._own(path)
        if path not in self._stored.folders:
            raise Missing(what=f"folder {'/'.join(path)}")
        given = self._stored.grants.setdefault(path, {})
        given.update({grant.grantee: grant.rights for grant in grants})
        return {}

    def subscribe(self, path: Path) -> None:
        """See `Mailbox`."""
        self._stored.subscribed.add(checked_path(path))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox`."""
        return [self._deliver(delivery) for delivery in deliveries]

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """See `Mailbox`."""
        texts = {
            "incoming": filters.incoming,
            "outgoing": filters.outgoing,
            "before": filters.before,
            "after": filters.after,
        }
        stored = {name: text for name, text in texts.items() if text}
        self._stored.scripts.update(stored)
        if filters.incoming:
            self._stored.active = self._stored.active or "incoming"
            if self._stored.active != "incoming":
                raise Refused(detail="the user has activated another Sieve script")
        return list(stored)

    def scripts(self) -> Mapping[str, str]:
        """See `Mailbox`."""
        return dict(sorted(self._stored.scripts.items()))

    def replace_script(self, name: str, text: str) -> None:
        """See `Mailbox`."""
        if name not in self._stored.scripts:
            raise Missing(what=f"Sieve script {name!r}")
        self._stored.scripts[name] = text

    def check_mount(self, owner: str, target: Path) -> None:
        """See `Mailbox`."""
        _, shown, target = self._shown(owner, target)
        granted = {grantee.lower() for grantee in shown.grants.get(target, {})}
        others = {one for one in granted if one.startswith("user:")} - {f"user:{self._address}"}
        if self._namespace.mounts_in_place and f"user:{self._address}" not in granted:
            raise Refused(detail=f"{'/'.join(target)!r} is not granted to {self._address} by name")
        if not granted - others:
            raise Refused(detail=f"{'/'.join(target)!r} is not granted to {self._address}")

    def mount(self, path: Path, owner: str, target: Path) -> None:
        """See `Mailbox`."""
        with self._state.lock:
            self.check_mount(owner, target)
            address, _, target = self._shown(owner, target)
            if not self._namespace.mounts_in_place:
                self.subscribe(shared_address(address, target, self._namespace))
                return
            path = checked_own_path(path)
            if path in self._stored.folders:
                raise Refused(detail=f"a folder of the user's own stands at {'/'.join(path)!r}")
            if self._stored.mounts.setdefault(path, (address, target)) != (address, target):
                raise Refused(detail=f"another mountpoint stands at {'/'.join(path)!r}")
            self._make(path[:-1])
            self._stored.subscribed.add(path)

    def item_names(self, path: Path) -> Sequence[str]:
        """See `Mailbox`."""
        items = self._stored.items.get(checked_path(path), {})
        return sorted(name for name, (item, _) in items.items() if item.type is ItemType.MESSAGE)

    def relocate(
        self, path: Path, owner: str, target: Path, names: Sequence[str]
    ) -> Sequence[bool]:
        """See `Mailbox`."""
        with self._state.lock:
            _, shown, target = self._shown(owner, target)
            path = checked_own_path(path)
            source = self._stored.items.get(path, {})
            if shown is self._stored and path == target:
                return [name in source for name in names]
            there = shown.items.setdefault(target, {})
            answers = []
            for name in names:
                moved = source.pop(name, None)
                if moved is not None:
                    item, content = moved
                    final = name
                    while final in there:
                        final = relocated_name(final, self._address, path)
                    item = msgspec.structs.replace(item, path=target, name=final)
                    there[final] = (item, content)
                answers.append(name in there)
            return answers

    def remove_folder(self, path: Path) -> bool:
        """See `Mailbox`."""
        path = checked_own_path(path)
        with self._state.lock:
            if path in self._stored.mounts:
                return True
            below = any(
                other != path and other[: len(path)] == path
                for other in (*self._stored.folders, *self._stored.mounts)
            )
            if path in ROLES.values() or below or self._stored.items.get(path):
                return False
            folder = self._stored.folders.get(path)
            if folder is not None and folder.view not in MAIL_TYPES:
                return False
            self._stored.folders.pop(path, None)
            self._stored.items.pop(path, None)
            self._stored.grants.pop(path, None)
            self._stored.subscribed.discard(path)
            return True

    def grants(self, path: Path) -> Sequence[AccessGrant]:
        """See `Mailbox`."""
        path = self._own(path)
        if path not in self._stored.folders:
            raise Missing(what=f"folder {'/'.join(path)}")
        given = self._stored.grants.get(path, {})
        return [AccessGrant(grantee, rights) for grantee, rights in given.items()]

    def contents(self, read: Callable[[str], bool] = every_item) -> Iterator[StoredItem]:
        """See `Mailbox`."""
        for path in sorted(self._stored.items):
            for name, (stored, _) in self._stored.items[path].items():
                yield stored if read(name) else msgspec.structs.replace(stored, digest="")

    def _own(self, path: Path) -> Path:
        """`path` as a folder of the account's own. Raises Refused."""
        path = checked_own_path(path)
        if path in self._stored.mounts:
            raise Refused(detail=f"{'/'.join(path)!r} shows a folder of another user")
        return path

    def _shown(self, owner: str, target: Path) -> tuple[str, StoredAccount, Path]:
        """The owner's address and account, and the folder of it. Raises Missing."""
        shown = self._state.account(owner)
        target = checked_path(target)
        if target not in shown.folders:
            raise Missing(what=f"folder {'/'.join(target)} of {owner}")
        return canonical(owner), shown, target

    def _make(self, path: Path) -> None:
        for depth in range(1, len(path) + 1):
            if path[:depth] not in self._stored.mounts:
                self._stored.folders.setdefault(path[:depth], None)

    def _deliver(self, delivery: Delivery) -> Delivered:
        try:
            name = checked_delivery(delivery.name)
            path = self._own(delivery.path)
            if name in self._stored.items.get(path, {}):
                return Delivered(found=True)
            for other in delivery.elsewhere:
                if name in self._stored.items.get(other, {}):
                    return Delivered(found=True, elsewhere=other)
            content = b"".join(delivery.content())
        except (BackupError, DestinationError, JournalError, Interrupted):
            raise
        except ReinstateError as error:
            return Delivered(error=error)
        self._make(path)
        item = delivery.item
        keywords = tuple(sorted({word for word in delivery.keywords if is_keyword(word)}))
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode().replace("/", ",")
        stored = StoredItem(
            path=path,
            name=name,
            type=ItemType.MESSAGE if item.type in MAIL_TYPES else item.type,
            digest=digest,
            size=len(content),
            date=item.date,
            flags=item.flags,
            keywords=keywords,
        )
        self._stored.items.setdefault(path, {})[name] = (stored, content)
        refused = tuple(word for word in delivery.keywords if not is_keyword(word))
        return Delivered(unrepresented=refused)


def checked_own_path(path: Path) -> Path:
    """`path` as one below the account's own folders. Raises Refused."""
    path = checked_path(path)
    if path[0] == NAMESPACE.shared_prefix[0]:
        raise Refused(detail=f"{'/'.join(path)!r} is where other users' folders are shown")
    return path
