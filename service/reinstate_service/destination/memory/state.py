"""What a destination in memory holds."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from reinstate_service.destination.contract import Missing, StoredItem
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Folder,
    Path,
    Role,
)

ROLES: dict[Role, Path] = {
    Role.INBOX: ("INBOX",),
    Role.SENT: ("Sent",),
    Role.DRAFTS: ("Drafts",),
    Role.TRASH: ("Trash",),
    Role.JUNK: ("Junk",),
    Role.ARCHIVE: ("Archive",),
}

NAMESPACE = Namespace(roles=ROLES, reserved=(".", "..", "shared"))


@dataclass
class StoredAccount:
    """One account: what was set, and its folders and items.

    `mounts` are the mountpoints that stand at their own paths, each with the owner and the
    folder that it shows; `active` is the name of the script that runs on delivery.
    """

    account: Account
    quota: int = 0
    cos: str = ""
    folders: dict[Path, Folder | None] = field(default_factory=dict)
    subscribed: set[Path] = field(default_factory=set)
    grants: dict[Path, dict[str, str]] = field(default_factory=dict)
    mounts: dict[Path, tuple[str, Path]] = field(default_factory=dict)
    items: dict[Path, dict[str, tuple[StoredItem, bytes]]] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    active: str = ""
    data_sources: dict[str, DataSource] = field(default_factory=dict)


@dataclass
class State:
    """All that the destination holds."""

    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    epoch: int = 0
    domains: dict[str, Domain] = field(default_factory=dict)
    domain_aliases: dict[str, str] = field(default_factory=dict)
    classes_of_service: dict[str, ClassOfService] = field(default_factory=dict)
    lists: dict[str, DistributionList] = field(default_factory=dict)
    accounts: dict[str, StoredAccount] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def account(self, address: str) -> StoredAccount:
        """The account. Raises Missing."""
        stored = self.accounts.get(address.lower())
        if stored is None:
            raise Missing(what=f"account {address}")
        return stored
