"""The destination in memory, but for what is in its accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from reinstate_service.destination.contract import AddressTaken, Missing, Refused
from reinstate_service.destination.memory.mailbox import MemoryMailbox
from reinstate_service.destination.memory.state import NAMESPACE, ROLES, State, StoredAccount
from reinstate_service.destination.names import canonical, checked_address, checked_domain
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
)


class MemoryDestination:
    """See `Destination`."""

    def __init__(self, state: State | None = None, namespace: Namespace = NAMESPACE) -> None:
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
            stored = self.state.account(account.address)
            stored.account = account
            stored.cos = cos
            if with_aliases:
                self._take_aliases(account.aliases, canonical(account.address))
        return ()

    def quota(self, address: str) -> int:
        """See `Destination`."""
        return self.state.account(address).quota

    def set_quota(self, address: str, quota: int) -> None:
        """See `Destination`."""
        self.state.account(address).quota = quota

    def room(self, address: str) -> int | None:
        """See `Destination`. A restore lifts the quota."""
        self.state.account(address)
        return None

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """See `Destination`."""
        with self.state.lock:
            sources = self.state.account(address).data_sources
            changed = sources.get(source.id) != source
            sources[source.id] = source
            return changed

    def domain(self, name: str) -> Domain:
        """See `Destination`."""
        with self.state.lock:
            self._need_domain(name.lower())
            domain = self.state.domains[name.lower()]
            return replace(domain, aliases=_those_of(name.lower(), self.state.domain_aliases))

    def class_of_service(self, name: str) -> ClassOfService:
        """See `Destination`."""
        if name not in self.state.classes_of_service:
            raise Missing(what=f"class of service {name}")
        return self.state.classes_of_service[name]

    def distribution_list(self, address: str) -> DistributionList:
        """See `Destination`."""
        address = canonical(address)
        with self.state.lock:
            if address not in self.state.lists:
                raise Missing(what=f"distribution list {address}")
            lst = self.state.lists[address]
            return replace(lst, aliases=_those_of(address, self.state.aliases))

    def account(self, address: str) -> Account:
        """See `Destination`."""
        with self.state.lock:
            stored = self.state.account(address)
            return replace(
                stored.account,
                cos=stored.cos,
                quota=stored.quota,
                aliases=_those_of(canonical(address), self.state.aliases),
                data_sources=tuple(stored.data_sources.values()),
                filters=Filters(),
            )

    @contextmanager
    def mailbox(self, address: str) -> Iterator[MemoryMailbox]:
        """See `Destination`."""
        yield MemoryMailbox(self.state, address, self._namespace)

    def close(self) -> None:
        """Keeps everything."""

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


def _those_of(owner: str, aliases: Mapping[str, str]) -> tuple[str, ...]:
    """The aliases that lead to `owner`."""
    return tuple(sorted(alias for alias, target in aliases.items() if target == owner))
