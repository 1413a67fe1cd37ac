"""What became of every folder, mountpoint and filter of an account: from the journal alone."""

from __future__ import annotations

from reinstate_journal.container_map import (
    MappedFilter,
    MappedFolder,
    MappedMountpoint,
    Moved,
    TranslatedFilter,
)
from reinstate_journal.errors import UsageError
from reinstate_journal.events import account_stream
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Account
from reinstate_service.model import Frozen
from reinstate_service.operations.restores import choose_restore


class NoSuchAccount(UsageError):
    """The restore knows no account of this address or id."""

    message = "Restore {restore} has no account {account}"
    hint = "reinstate report lists its accounts."


class AccountMap(Frozen, frozen=True, omit_defaults=False):
    """One account's containers by backup id, its scripts by name, and what has moved."""

    account: str
    address: str
    folders: dict[str, MappedFolder]
    mountpoints: dict[str, MappedMountpoint]
    filters: dict[str, MappedFilter]
    translated: dict[str, TranslatedFilter]
    moved: tuple[Moved, ...]


def find_account(journal: Reader, account: str, restore: str) -> Account:
    """The account of a restore that is named by address or id; of several that had the address,
    one that was not skipped. Raises NoSuchAccount."""
    wanted = account.lower()
    found = [
        one
        for one in journal.progress.accounts(restore)
        if wanted in {one.account.lower(), one.address.lower()}
    ]
    if not found:
        raise NoSuchAccount(restore=restore, account=account)
    return min(found, key=lambda one: one.state == "skipped")


def make_account_map(journal: Reader, account: str, restore: str | None = None) -> AccountMap:
    """The map of the account, which is named by address or id.

    Raises NoRestore, SeveralRestores, NoSuchAccount.
    """
    chosen = choose_restore(journal, restore).restore
    known = find_account(journal, account, chosen)
    if known.state == "skipped":
        raise NoSuchAccount(restore=chosen, account=account)
    stream = account_stream(chosen, known.account)
    containers = journal.containers
    return AccountMap(
        known.account,
        known.address,
        containers.folders(stream),
        containers.mountpoints(stream),
        containers.filters(stream),
        containers.translated(stream),
        tuple(containers.moved(stream)),
    )
