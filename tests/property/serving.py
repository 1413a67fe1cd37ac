"""What a mail server and its users do over a destination in memory while a restore goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reinstate_service.destination.contract import Delivery, Refused
from reinstate_service.destination.memory import MemoryDestination, State, StoredAccount
from reinstate_service.destination.memory.state import ROLES
from reinstate_service.mapping.filters import folder_targets
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import Item, ItemType, Path

INBOX: Path = ("INBOX",)


class Place(NamedTuple):
    """A folder of an account."""

    account: str
    path: Path


class Server:
    """Files mail as the active script of its account says, as a server does that makes missing
    folders; and lets users make, rename and delete folders of their own."""

    def __init__(self, state: State, namespace: Namespace) -> None:
        self._state = state
        self._namespace = namespace

    def accounts(self) -> list[str]:
        """The addresses that receive mail by now."""
        return sorted(self._state.accounts)

    def own_folders(self, account: str) -> list[Path]:
        """The folders that a user may rename or delete."""
        roles = set(ROLES.values())
        return sorted(path for path in self._state.accounts[account].folders if path not in roles)

    def lying(self) -> Iterator[tuple[bytes, Place]]:
        """Every message, and where it lies."""
        for address, account in self._state.accounts.items():
            for path, items in account.items.items():
                for _, content in items.values():
                    yield content, Place(address, path)

    def deliver(self, account: str, rule: int, content: bytes) -> Place:
        """A message arrives that the rule of this number files."""
        stored = self._state.accounts[account]
        script = stored.scripts.get(stored.active, "")
        paths = [
            target.path
            for target in folder_targets(script, self._namespace.separator)
            if target.active and target.path is not None
        ]
        place = self._filed(account, paths[rule % len(paths)]) if paths else None
        return self._put(place, content) or self._put(Place(account, INBOX), content) or place

    def create(self, account: str, path: Path) -> bool:
        """The user makes a folder; answers whether there is one more now."""
        stored = self._state.accounts[account]
        if path in stored.folders or self._shows(stored, path) or path[0] == "shared":
            return False
        for depth in range(1, len(path) + 1):
            stored.folders.setdefault(path[:depth], None)
        return True

    def rename(self, account: str, old: Path, new: Path) -> bool:
        """The user renames a folder, and what is below it with it."""
        stored = self._state.accounts[account]
        inside = new[: len(old)] == old
        if inside or not self.create(account, new):
            return False
        for held in (stored.folders, stored.items, stored.grants):
            for path in [path for path in held if path[: len(old)] == old]:
                held[(*new, *path[len(old) :])] = held.pop(path)  # type: ignore[index]
        return True

    def delete(self, account: str, path: Path) -> set[bytes]:
        """The user deletes a folder with all below it; answers the messages that go with it."""
        stored = self._state.accounts[account]
        gone = {
            content
            for below, items in stored.items.items()
            if below[: len(path)] == path
            for _, content in items.values()
        }
        for held in (stored.folders, stored.items, stored.grants):
            for below in [below for below in held if below[: len(path)] == path]:
                del held[below]  # type: ignore[attr-defined]
        return gone

    def _filed(self, account: str, path: Path) -> Place | None:
        """Where a script's path leads; None if nothing may be filed there."""
        stored = self._state.accounts[account]
        mount = self._shows(stored, path)
        if mount is not None:
            owner, target = stored.mounts[mount]
            return self._shared(account, Place(owner, (*target, *path[len(mount) :])))
        if path[0] == "shared":
            depth = len(self._namespace.shared_prefix)
            if len(path) <= depth:
                return None
            return self._shared(account, Place(f"{path[2]}@{path[1]}", path[depth:]))
        return Place(account, path)

    def _shared(self, account: str, place: Place) -> Place | None:
        """Another user's folder, if it is there, or may be made, and lets insert (RFC 4314 §4)."""
        owner = self._state.accounts.get(place.account)
        if owner is None:
            return None
        path = place.path
        while path not in owner.folders:
            path = path[:-1]
            if not path:
                return None
        rights = owner.grants.get(path, {}).get(f"user:{account}", "")
        if path == place.path:
            return place if "i" in rights else None
        if "k" not in rights or "i" not in rights:
            return None
        for depth in range(len(path) + 1, len(place.path) + 1):
            owner.folders[place.path[:depth]] = None
            owner.grants[place.path[:depth]] = dict(owner.grants[path])
        return place

    def _shows(self, stored: StoredAccount, path: Path) -> Path | None:
        """The mountpoint at or above the path."""
        for depth in range(len(path), 0, -1):
            if path[:depth] in stored.mounts:
                return path[:depth]
        return None

    def _put(self, place: Place | None, content: bytes) -> Place | None:
        """Stores a message; None if no folder can be called that."""
        if place is None:
            return None
        item = Item("m", ItemType.MESSAGE, "", 1_000_000, len(content), "")
        name = content.decode().replace(" ", "-")
        delivery = Delivery(name, place.path, item, (), lambda: iter([content]))
        destination = MemoryDestination(self._state, self._namespace)
        try:
            with destination.mailbox(place.account) as mailbox:
                (done,) = mailbox.deliver([delivery])
        except Refused:
            return None
        return place if done.error is None else None
