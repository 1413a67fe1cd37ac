"""From files to a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from reinstate_service.model import Account
from reinstate_service.source.archives.directory.addresses import (
    directory_of_accounts,
    read_table,
)
from reinstate_service.source.archives.directory.gathering import gather
from reinstate_service.source.archives.directory.problems import Problems
from reinstate_service.source.archives.directory.result import Directory
from reinstate_service.source.archives.directory.zimbra import directory_of

#: Files that are tables; all others are LDIF.
TABLES = frozenset({".csv", ".tsv"})


def read_directory(files: Sequence[Path]) -> Directory:
    """The directory that the files describe together, LDIF and tables, in the order given.

    Never raises for what they hold: whatever cannot be read, or is left out, is among the
    `problems`. An account of a table counts where no LDIF has its address.
    """
    problems = Problems()
    entries = [file for file in files if file.suffix.lower() not in TABLES]
    found = directory_of(gather(entries, problems))
    further: list[Account] = []
    for file in files:
        if file.suffix.lower() in TABLES:
            for account in read_table(file, problems):
                if account.address in found.by_address or account.id in found.names:
                    problems.add(str(file), 0, "", f"{account.address} is in an LDIF already")
                else:
                    further.append(account)
    return replace(with_accounts(found, further), problems=problems.all())


def with_accounts(found: Directory, further: Sequence[Account]) -> Directory:
    """The directory with further accounts, and the domains that they are in."""
    if not further:
        return found
    added = directory_of_accounts(further, Problems())
    known = {domain.name for domain in found.domains}
    domains = (*found.domains, *(one for one in added.domains if one.name not in known))
    return replace(
        found,
        domains=tuple(sorted(domains, key=lambda one: one.name)),
        accounts={**found.accounts, **added.accounts},
        by_address={**added.by_address, **found.by_address},
        names={**added.names, **found.names},
    )
