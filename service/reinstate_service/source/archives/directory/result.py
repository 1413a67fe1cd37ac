"""What reading a directory comes to."""

from __future__ import annotations

import msgspec

from reinstate_service.model import (
    Account,
    ClassOfService,
    DistributionList,
    Domain,
    Frozen,
    Product,
)
from reinstate_service.source.archives.directory.problems import Problem


class Directory(Frozen, frozen=True):
    """The directory of an infrastructure: all but folders and items.

    `accounts` by id; `by_address` gives the id of the account that an address or alias, in
    lower case, belongs to. `names` gives the address or name of everything by its id, to
    resolve the grantees of grants. `others` counts the entries that have no place in a
    restore. What could not be read, or is left out, is in `problems`.
    """

    product: Product = Product.GENERIC
    domains: tuple[Domain, ...] = ()
    classes_of_service: tuple[ClassOfService, ...] = ()
    distribution_lists: tuple[DistributionList, ...] = ()
    accounts: dict[str, Account] = msgspec.field(default_factory=dict)
    by_address: dict[str, str] = msgspec.field(default_factory=dict)
    names: dict[str, str] = msgspec.field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    others: int = 0

    def account_of(self, address: str) -> Account | None:
        """The account that the address or alias belongs to, however it is spelled."""
        found = self.by_address.get(address.lower())
        return None if found is None else self.accounts[found]
