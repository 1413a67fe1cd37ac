"""A destination in memory: the reference for the contract, and for tests.

Nothing of it outlives the process. Another `MemoryDestination` over the same
`State` sees what a new process would see on a durable destination.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from reinstate_journal.errors import (
    BackupError,
    DestinationError,
    Interrupted,
    JournalError,
    ReinstateError,
)
from reinstate_service.destination.contract import (
    AccessGrant,
    AddressTaken,
    Delivered,
    Delivery,
    ExistingFolder,
    Missing,
    Refused,
    StoredItem,
)
from reinstate_service.destination.names import (
    canonical,
    checked_address,
    checked_delivery,
    checked_domain,
    checked_path,
    is_keyword,
)
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    MAIL_TYPES,
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Folder,
    ItemType,
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

_NAMESPACE = Namespace(roles=ROLES, reserved=(".", "..", "shared"))


@dataclass
class StoredAccount:
    """One account: what was set, and its folders and items."""

    account: Account
    quota: int = 0
    cos: str = ""
    folders: dict[Path, Folder | None] = field(default_factory=dict)
    subscribed: set[Path] = field(default_factory=set)
    grants: dict[Path, dict[str, str]] = field(default_factory=dict)
    items: dict[Path, dict[str, tuple[StoredItem, bytes]]] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
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


class MemoryDestination:
    """See `Destination`."""

    def __init__(self, state: State | None = None, namespace: Namespace = _NAMESPACE) -> None:
        self.state = state or State()
        self._namespace = namespace

    @property
    def url(self) -> str:
        """Always `memory:`."""
        return "memory:"

    def identity(self) -> str:
        """See `Destination`."""
        return self.state.identity

    def namespace(self) -> Namespace:
        """Unless told otherwise, takes every name but those that no mail system takes."""
        return self._namespace

    def epoch(self) -> int:
        """See `Destination`."""
        return self.state.epoch

    def store_epoch(self, epoch: int) -> None:
        """See `Destination`."""
        self.state.epoch = epoch

    def has_domain(self, name: str) -> bool:
        """See `Destination`."""
        return name.lower() in self.state.domains

    def put_domain(self, domain: Domain) -> bool:
        """See `Destination`."""
        name = checked_domain(domain.name)
        with self.state.lock:
            if name in self.state.domains:
                return False
            if name in self.state.domain_aliases:
                raise AddressTaken(address=name, detail="an alias of a domain")
            self.state.domains[name] = Domain(id=domain.id, name=name)
            return True

    def configure_domain(self, domain: Domain) -> None:
        """See `Destination`."""
        name = checked_domain(domain.name)
        with self.state.lock:
            self._need_domain(name)
            self.state.domains[name] = domain
            for alias in map(checked_domain, domain.aliases):
                if alias in self.state.domains:
                    raise AddressTaken(address=alias, detail="a domain")
                if self.state.domain_aliases.setdefault(alias, name) != name:
                    raise AddressTaken(address=alias, detail="another domain")

    def has_class_of_service(self, name: str) -> bool:
        """See `Destination`."""
        return name in self.state.classes_of_service

    def put_class_of_service(self, cos: ClassOfService) -> bool:
        """See `Destination`."""
        with self.state.lock:
            if cos.name in self.state.classes_of_service:
                return False
            self.state.classes_of_service[cos.name] = cos
            return True

    def has_list(self, address: str) -> bool:
        """See `Destination`."""
        return canonical(address) in self.state.lists

    def put_list(self, lst: DistributionList) -> bool:
        """See `Destination`."""
        local, domain = checked_address(lst.address)
        address = f"{local}@{domain}"
        with self.state.lock:
            self._need_domain(domain)
            if address in self.state.lists:
                return False
            self._need_free(address)
            self.state.lists[address] = DistributionList(id=lst.id, address=address)
            return True

    def configure_list(self, lst: DistributionList, with_aliases: bool) -> None:
        """See `Destination`."""
        address = canonical(lst.address)
        with self.state.lock:
            if address not in self.state.lists:
                raise Missing(what=f"distribution list {address}")
            self.state.lists[address] = lst
            if with_aliases:
                self._take_aliases(lst.aliases, address)

    def has_account(self, address: str) -> bool:
        """See `Destination`."""
        return address.lower() in self.state.accounts

    def put_account(self, account: Account) -> bool:
        """See `Destination`."""
        local, domain = checked_address(account.address)
        address = f"{local}@{domain}"
        with self.state.lock:
            self._need_domain(domain)
            if address in self.state.accounts:
                return False
            self._need_free(address)
            stored = StoredAccount(Account(id=account.id, address=address))
            stored.folders = dict.fromkeys(ROLES.values())
            stored.subscribed = set(ROLES.values())
            self.state.accounts[address] = stored
            return True

    def configure_account(self, account: Account, cos: str, with_aliases: bool) -> Sequence[str]:
        """See `Destination`."""
        with self.state.lock:
            stored = self._account(account.address)
            stored.account = account
            stored.cos = cos
            if with_aliases:
                self._take_aliases(account.aliases, canonical(account.address))
        return ()

    def quota(self, address: str) -> int:
        """See `Destination`."""
        return self._account(address).quota

    def set_quota(self, address: str, quota: int) -> None:
        """See `Destination`."""
        self._account(address).quota = quota

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """See `Destination`."""
        with self.state.lock:
            sources = self._account(address).data_sources
            changed = sources.get(source.id) != source
            sources[source.id] = source
            return changed

    @contextmanager
    def mailbox(self, address: str) -> Iterator[MemoryMailbox]:
        """See `Destination`."""
        yield MemoryMailbox(self._account(address))

    def close(self) -> None:
        """Keeps everything."""

    def _account(self, address: str) -> StoredAccount:
        stored = self.state.accounts.get(address.lower())
        if stored is None:
            raise Missing(what=f"account {address}")
        return stored

    def _need_domain(self, name: str) -> None:
        if name not in self.state.domains:
            raise Missing(what=f"domain {name}")

    def _need_free(self, address: str, owner: str = "") -> None:
        for kind, addresses in (
            ("an account", self.state.accounts),
            ("a distribution list", self.state.lists),
        ):
            if address in addresses:
                raise AddressTaken(address=address, detail=kind)
        if self.state.aliases.get(address, owner) != owner:
            raise AddressTaken(address=address, detail="an alias")

    def _take_aliases(self, aliases: Sequence[str], owner: str) -> None:
        refused: Refused | None = None
        for alias in aliases:
            try:
                self._need_free(canonical(alias), owner)
                self.state.aliases[canonical(alias)] = owner
            except Refused as error:
                refused = refused or error
        if refused is not None:
            raise refused


class MemoryMailbox:
    """See `Mailbox`."""

    def __init__(self, stored: StoredAccount) -> None:
        self._stored = stored

    def folders(self) -> Sequence[ExistingFolder]:
        """See `Mailbox`."""
        roles = {path: role for role, path in ROLES.items()}
        return [
            ExistingFolder(path=path, role=roles.get(path)) for path in sorted(self._stored.folders)
        ]

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """See `Mailbox`."""
        path = _own(path)
        made = path not in self._stored.folders
        self._make(path)
        if made:
            self._stored.folders[path] = folder
        if folder.subscribed and folder.view in MAIL_TYPES:
            self._stored.subscribed.add(path)
        return made

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> None:
        """See `Mailbox`."""
        path = _own(path)
        if path not in self._stored.folders:
            raise Missing(what=f"folder {'/'.join(path)}")
        given = self._stored.grants.setdefault(path, {})
        given.update({grant.grantee: grant.rights for grant in grants})

    def subscribe(self, path: Path) -> None:
        """See `Mailbox`."""
        self._stored.subscribed.add(checked_path(path))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """See `Mailbox`."""
        return [self._deliver(delivery) for delivery in deliveries]

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """See `Mailbox`."""
        self._stored.filters = filters
        texts = {
            "incoming": filters.incoming,
            "outgoing": filters.outgoing,
            "before": filters.before,
            "after": filters.after,
        }
        return [name for name, text in texts.items() if text]

    def contents(self) -> Iterator[StoredItem]:
        """See `Mailbox`."""
        for path in sorted(self._stored.items):
            for stored, _ in self._stored.items[path].values():
                yield stored

    def _make(self, path: Path) -> None:
        for depth in range(1, len(path) + 1):
            self._stored.folders.setdefault(path[:depth], None)

    def _deliver(self, delivery: Delivery) -> Delivered:
        try:
            name = checked_delivery(delivery.name)
            path = _own(delivery.path)
            if name in self._stored.items.get(path, {}):
                return Delivered(found=True)
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


def _own(path: Path) -> Path:
    """`path` as one of the account's own folders. Raises Refused."""
    path = checked_path(path)
    if path[0] == _NAMESPACE.shared_prefix[0]:
        raise Refused(detail=f"{'/'.join(path)!r} is where other users' folders are shown")
    return path
