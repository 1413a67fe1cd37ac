"""From the entries of a Zimbra or Carbonio directory to the model.

Classes of service and domains come first, since accounts inherit from them; lists last,
since a dynamic list is made of accounts. An entry that cannot be read is a problem and
never hinders the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from reinstate_service.model import Account, ClassOfService, DistributionList, Domain, Product
from reinstate_service.source.archives.directory.attributes import is_secret, left_over, number
from reinstate_service.source.archives.directory.gathering import Gathered, Record
from reinstate_service.source.archives.directory.lists import Members, list_of
from reinstate_service.source.archives.directory.names import (
    address_of,
    domain_of,
    id_for,
    is_address,
    is_id,
)
from reinstate_service.source.archives.directory.people import account_address, account_of
from reinstate_service.source.archives.directory.result import Directory
from reinstate_service.source.archives.directory.surroundings import Surroundings

_COS_USED = frozenset({"cn", "zimbraid", "zimbramailquota"})
_DOMAIN_USED = frozenset(
    {
        "dc",
        "o",
        "zimbradomainaggregatequota",
        "zimbradomainaliastargetid",
        "zimbradomaindefaultcosid",
        "zimbradomainmaxaccounts",
        "zimbradomainname",
        "zimbradomainstatus",
        "zimbradomaintype",
        "zimbragalmode",
        "zimbraid",
        "zimbramaildomainquota",
    }
)
_CHILD_KINDS = frozenset({"identity", "signature", "data source", "static unit"})
_SYSTEM = ("zimbraSpamIsSpamAccount", "zimbraSpamIsNotSpamAccount", "zimbraAmavisQuarantineAccount")


@dataclass(slots=True)
class _Taken:
    """The ids and addresses that are given away, so that none is given twice."""

    ids: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)


def directory_of(gathered: Gathered) -> Directory:
    """The directory that the entries describe, without its problems."""
    around = Surroundings(gathered)
    taken = _Taken()
    _read_coses(around, taken)
    _read_domains(around, taken)
    _read_system(around)
    _adopt(around)
    _read_aliases(around)
    people = list(_accounts(around, taken))
    lists = list(_lists(around, taken, people))
    _say_lost_aliases(around, taken)
    accounts = {account.id: account for _, account in people}
    addresses = (
        *(account.address for account in accounts.values()),
        *(one.address for one in lists),
    )
    if gathered.others and not gathered.records:
        reason = f"{gathered.others} entries, and none is of Zimbra's or Carbonio's schema"
        gathered.problems.add("LDIF", 0, "", reason)
    domains = (*around.domains.values(), *_unnamed_domains(around, addresses))
    return Directory(
        _product(gathered),
        tuple(sorted(domains, key=lambda one: one.name)),
        tuple(sorted(around.coses.values(), key=lambda one: one.name)),
        tuple(sorted(lists, key=lambda one: one.address)),
        accounts,
        _by_address(around, people),
        _names(around, accounts, lists),
        others=gathered.others,
    )


def _product(gathered: Gathered) -> Product:
    """Told by what only one of them writes; an account alone does not tell."""
    if gathered.carbonio:
        return Product.CARBONIO
    return Product.ZIMBRA if gathered.zimbra else Product.GENERIC


def _read_coses(around: Surroundings, taken: _Taken) -> None:
    for record in around.gathered.of("cos"):
        name = record.one("cn")
        identifier = _id(around, taken, record, "cos", name)
        if not name or identifier is None:
            continue
        around.coses[identifier] = ClassOfService(
            identifier,
            name,
            _count(around, record, "zimbraMailQuota"),
            _attributes(around, record, _COS_USED),
        )
        around.cos_records[identifier] = record


def _read_domains(around: Surroundings, taken: _Taken) -> None:
    aliases: list[tuple[Record, str]] = []
    for record in around.gathered.of("domain"):
        name = (record.one("zimbraDomainName") or domain_of(record.path)).lower()
        if not name or name in around.domains:
            around.say(record, "it names no domain, or one that another entry names already")
            continue
        if record.one("zimbraDomainType").lower() == "alias":
            aliases.append((record, name))
            continue
        identifier = _id(around, taken, record, "domain", name)
        if identifier is None:
            continue
        around.domains[name] = Domain(
            identifier,
            name,
            record.one("zimbraDomainStatus").lower() or "active",
            record.one("zimbraDomainDefaultCOSId") or around.default_cos(),
            _count(around, record, "zimbraMailDomainQuota"),
            _count(around, record, "zimbraDomainAggregateQuota"),
            _count(around, record, "zimbraDomainMaxAccounts"),
            record.one("zimbraGalMode").lower(),
            (),
            _attributes(around, record, _DOMAIN_USED),
        )
        around.domain_records[name] = record
    names = {domain.id: domain.name for domain in around.domains.values()}
    for record, alias in aliases:
        target = names.get(record.one("zimbraDomainAliasTargetId"))
        if target is None or alias in around.domains:
            around.say(record, "the domain that it is an alias of is in no file")
            continue
        domain = around.domains[target]
        around.domains[target] = replace(domain, aliases=(*domain.aliases, alias))


def _read_system(around: Surroundings) -> None:
    around.gal_accounts = frozenset(
        account
        for record in around.domain_records.values()
        for account in record.all("zimbraGalAccountId")
    )
    around.system_addresses = frozenset(
        address.lower()
        for record in around.gathered.of("config")
        for name in _SYSTEM
        for address in record.all(name)
    )


def _adopt(around: Surroundings) -> None:
    """Gives children to their parents; those whose parent is in no file are said."""
    children = [
        record
        for record in around.gathered.records.values()
        if record.kinds & _CHILD_KINDS and "account" not in record.kinds
    ]
    around.adopt(children)
    for child in children:
        if child.path[1:] not in around.gathered.records:
            around.say(child, "the entry that it belongs to is in no file")


def _read_aliases(around: Surroundings) -> None:
    for record in around.gathered.of("alias"):
        address = address_of(record.path)
        target = record.one("zimbraAliasTargetId")
        if address and target:
            around.add_alias(target, address)
        else:
            around.say(record, "an alias without an address or a target")


def _say_lost_aliases(around: Surroundings, taken: _Taken) -> None:
    for record in around.gathered.of("alias"):
        target = record.one("zimbraAliasTargetId")
        if target and target not in taken.ids:
            around.say(record, "what it is an alias of is in no file, or is left out")


def _accounts(around: Surroundings, taken: _Taken) -> Iterator[tuple[Record, Account]]:
    for record in around.gathered.of("account"):
        address = account_address(record)
        if not address:
            # The directory's own administrators stand outside of every domain.
            if ("cn", "zimbra") in record.path:
                around.gathered.others += 1
            else:
                around.say(record, "an account without an address is left out")
        elif record.is_true("zimbraIsExternalVirtualAccount"):
            around.say(record, "an outside user whom folders were shared with is left out")
        elif _is_free(around, taken, record, address):
            identifier = _id(around, taken, record, "account", address)
            if identifier is not None:
                taken.addresses.add(address)
                yield record, account_of(record, around, identifier, address)


def _lists(
    around: Surroundings, taken: _Taken, people: list[tuple[Record, Account]]
) -> Iterator[DistributionList]:
    members = Members((record, account.address) for record, account in people)
    for record in [*around.gathered.of("list"), *around.gathered.of("group")]:
        address = (address_of(record.path) or record.one("mail")).lower()
        if not is_address(address):
            around.say(record, "a distribution list without an address is left out")
        elif _is_free(around, taken, record, address):
            identifier = _id(around, taken, record, "list", address)
            if identifier is not None:
                taken.addresses.add(address)
                yield list_of(record, around, members, identifier, address)


def _is_free(around: Surroundings, taken: _Taken, record: Record, address: str) -> bool:
    if address not in taken.addresses:
        return True
    around.say(record, f"left out: another entry has the address {address} already")
    return False


def _id(around: Surroundings, taken: _Taken, record: Record, kind: str, name: str) -> str | None:
    """The entry's id, one made of its name where it has none; None where it is given away."""
    found = record.one("zimbraId")
    if not is_id(found):
        around.say(record, "it has no usable zimbraId: what names it by id does not find it")
        found = id_for(kind, name)
    if found in taken.ids:
        around.say(record, "left out: another entry has its zimbraId already")
        return None
    taken.ids.add(found)
    return found


def _count(around: Surroundings, record: Record, name: str) -> int:
    value = record.one(name)
    found = number(value) if value else 0
    if found is None:
        around.say(record, f"{name} is no number and is left out")
    return found or 0


def _attributes(
    around: Surroundings, record: Record, used: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    secrets = sorted(record.spelled[name] for name in record.attributes if is_secret(name))
    if secrets:
        around.say(record, f"secrets are left out, set them again: {', '.join(secrets)}")
    return left_over(record.attributes, record.spelled, used)


def _unnamed_domains(around: Surroundings, addresses: tuple[str, ...]) -> Iterator[Domain]:
    """The domains that accounts and lists are in, and that have no entry."""
    for name in dict.fromkeys(address.rpartition("@")[2] for address in addresses):
        if name not in around.domains:
            reason = "the domain has no entry: it comes with nothing but its name"
            around.gathered.problems.add(name, 0, "", reason)
            yield Domain(id_for("domain", name), name, default_cos=around.default_cos())


def _by_address(around: Surroundings, people: list[tuple[Record, Account]]) -> dict[str, str]:
    """Addresses before aliases: nobody's alias hides another's address."""
    found = {account.address: account.id for _, account in people}
    for record, account in people:
        for alias in account.aliases:
            if found.setdefault(alias, account.id) != account.id:
                around.say(record, f"its alias {alias} is an address of another account too")
    return found


def _names(
    around: Surroundings, accounts: dict[str, Account], lists: list[DistributionList]
) -> dict[str, str]:
    return {
        **{cos.id: cos.name for cos in around.coses.values()},
        **{domain.id: domain.name for domain in around.domains.values()},
        **{one.id: one.address for one in lists},
        **{account.id: account.address for account in accounts.values()},
    }
