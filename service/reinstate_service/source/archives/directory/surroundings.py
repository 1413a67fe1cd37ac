"""What an account or a list depends on beside its own entry: domain, class of service,
children, aliases that are entries of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reinstate_service.model import ClassOfService, Domain
from reinstate_service.source.archives.directory.gathering import Gathered, Record
from reinstate_service.source.archives.directory.names import Rdn, address_of, is_address

_NONE: tuple[Record, ...] = ()


@dataclass(slots=True)
class Surroundings:
    """All that is known before the first account is read. Domains by name, classes of service
    by id, the entries they came from beside them."""

    gathered: Gathered
    domains: dict[str, Domain] = field(default_factory=dict)
    domain_records: dict[str, Record] = field(default_factory=dict, repr=False)
    coses: dict[str, ClassOfService] = field(default_factory=dict)
    cos_records: dict[str, Record] = field(default_factory=dict, repr=False)
    #: Ids of the accounts that keep the domains' address lists.
    gal_accounts: frozenset[str] = frozenset()
    #: Addresses that the servers' configuration names: spam, ham, quarantine.
    system_addresses: frozenset[str] = frozenset()
    _children: dict[tuple[Rdn, ...], list[Record]] = field(default_factory=dict, repr=False)
    _aliases: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def say(self, record: Record, reason: str) -> None:
        """A problem with the entry."""
        self.gathered.say(record, reason)

    def domain_at(self, address: str) -> Domain | None:
        """The domain of the address."""
        return self.domains.get(address.rpartition("@")[2])

    def cos_of(self, record: Record, address: str) -> ClassOfService | None:
        """The class of service that holds for the account: its own, or its domain's default."""
        domain = self.domain_at(address)
        default = domain.default_cos if domain else self.default_cos()
        return self.coses.get(record.one("zimbraCOSId") or default)

    def default_cos(self) -> str:
        """The id of the class of service called default, which holds where nothing names one."""
        return next((cos.id for cos in self.coses.values() if cos.name == "default"), "")

    def inherited(self, record: Record, address: str, name: str) -> str:
        """The attribute of the account, else of its class of service, else of its domain."""
        cos = self.cos_of(record, address)
        sources = (
            record,
            self.cos_records.get(cos.id) if cos else None,
            self.domain_records.get(address.rpartition("@")[2]),
        )
        return next((one.one(name) for one in sources if one and one.one(name)), "")

    def adopt(self, children: Sequence[Record]) -> None:
        """Gives every entry to its parent."""
        for child in children:
            self._children.setdefault(child.path[1:], []).append(child)

    def children(self, parent: Record, kind: str) -> Sequence[Record]:
        """The children of the kind."""
        found = self._children.get(parent.path, _NONE)
        return [child for child in found if kind in child.kinds]

    def add_alias(self, target: str, alias: str) -> None:
        """An alias that is an entry of its own, of the object with the id `target`."""
        self._aliases.setdefault(target, []).append(alias)

    def aliases_of(self, record: Record, identifier: str, address: str) -> tuple[str, ...]:
        """Every further address, in lower case, each once."""
        own = address_of(record.path)
        found = [
            *record.all("zimbraMailAlias"),
            *record.all("mail"),
            *self._aliases.get(identifier, ()),
        ]
        names = dict.fromkeys(alias.strip().lower() for alias in found)
        if not all(map(is_address, names)):
            self.say(record, "an alias is no address and is left out")
        return tuple(name for name in names if is_address(name) and name not in {address, own})
