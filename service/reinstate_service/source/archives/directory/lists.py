"""Entries of distribution lists and dynamic groups into the model's lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from reinstate_service.model import DistributionList
from reinstate_service.source.archives.directory.attributes import left_over
from reinstate_service.source.archives.directory.gathering import Record
from reinstate_service.source.archives.directory.memberurl import NotSimple, matcher
from reinstate_service.source.archives.directory.names import is_address
from reinstate_service.source.archives.directory.surroundings import Surroundings

_USED = frozenset(
    {
        "displayname",
        "mail",
        "uid",
        "zimbrahideingal",
        "zimbraid",
        "zimbramailalias",
        "zimbramailforwardingaddress",
        # Names of this directory, of no use in another one.
        "member",
    }
)
#: What Zimbra itself writes: the accounts that name the list, and its unit of outside addresses.
_DEFAULT_URL = re.compile(
    r"ldap:///\?\?sub\?(?:\(zimbraMemberOf=([^()*]+)\)"
    r"|\(\|\(zimbraMemberOf=([^()*]+)\)\(zimbraId=[^()*]+\)\))"
)


class Members:
    """Who is a member of what, by the entries of the accounts."""

    def __init__(self, accounts: Iterable[tuple[Record, str]]) -> None:
        self._accounts = list(accounts)
        self._named: dict[str, list[str]] = {}
        for record, address in self._accounts:
            for group in record.all("zimbraMemberOf"):
                self._named.setdefault(group, []).append(address)

    def naming(self, group: str) -> list[str]:
        """The accounts that name the list as one of theirs."""
        return self._named.get(group, [])

    def matching(self, matches: Callable[[Record], bool]) -> list[str]:
        """The accounts whose entries match."""
        return [address for record, address in self._accounts if matches(record)]


def list_of(
    record: Record, around: Surroundings, members: Members, identifier: str, address: str
) -> DistributionList:
    """The list of the entry; a member that is no address is left out and said."""
    dynamic = "group" in record.kinds
    found = _dynamic_members(record, around, members) if dynamic else _static(record)
    names = dict.fromkeys(member.strip().lower() for member in found)
    if not all(map(is_address, names)):
        around.say(record, "a member is no address and is left out")
    return DistributionList(
        identifier,
        address,
        tuple(filter(is_address, names)),
        around.aliases_of(record, identifier, address),
        record.one("displayName"),
        record.is_true("zimbraHideInGal"),
        dynamic,
        left_over(record.attributes, record.spelled, _USED),
    )


def _static(record: Record) -> tuple[str, ...]:
    return record.all("zimbraMailForwardingAddress")


def _dynamic_members(record: Record, around: Surroundings, members: Members) -> list[str]:
    """The members as they are now: a destination does not know the accounts' attributes."""
    outside = [one for unit in around.children(record, "static unit") for one in _static(unit)]
    url = record.one("memberURL")
    default = _DEFAULT_URL.fullmatch(url)
    if not url or default:
        group = (default[1] or default[2]) if default else record.one("zimbraId")
        return [*members.naming(group), *outside]
    try:
        return [*members.matching(matcher(url)), *outside]
    except NotSimple:
        around.say(record, "its memberURL is not simple: its members are not known")
        return outside
