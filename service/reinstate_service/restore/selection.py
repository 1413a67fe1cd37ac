"""Which accounts and items of a backup are restored: pure decisions."""

from __future__ import annotations

from collections.abc import Sequence

from reinstate_journal.errors import UsageError
from reinstate_service.model import AbsentItem, AccountRef, Frozen, Item, UnreadableItem
from reinstate_service.restore.options import Options

#: Why an item was left out that is larger than allowed.
TOO_LARGE = "too large"


class UnknownAccounts(UsageError):
    """Accounts were named that the backup does not have."""

    message = "The backup has no account {names}"
    hint = "reinstate backup accounts PATH lists what it has; nothing was started."


class UnknownDomains(UsageError):
    """Domains were named that the backup does not have."""

    message = "The backup has no domain {names}"
    hint = "reinstate backup info PATH lists what it has; nothing was started."


class Selection(Frozen, frozen=True):
    """The accounts to restore, in order, and those of them that are left out by rule, with
    the reason. What was not asked for is in neither."""

    chosen: tuple[AccountRef, ...]
    skipped: tuple[tuple[AccountRef, str], ...]


def select_accounts(refs: Sequence[AccountRef], domains: set[str], options: Options) -> Selection:
    """Chooses by the options. `domains` are those of the backup, by name.

    Raises UnknownAccounts and UnknownDomains for names that the backup does not have.
    """
    wanted_domains = {domain.lower() for domain in options.domains}
    if unknown := wanted_domains - {domain.lower() for domain in domains}:
        raise UnknownDomains(names=", ".join(sorted(unknown)))
    living = {ref.address.lower() for ref in refs if not ref.deleted}
    if options.accounts:
        refs = _named(refs, options.accounts)
    else:
        refs = sorted(refs, key=lambda ref: ref.deleted)
    chosen: list[AccountRef] = []
    skipped: list[tuple[AccountRef, str]] = []
    taken: set[str] = set()
    for ref in refs:
        if wanted_domains and ref.address.rpartition("@")[2].lower() not in wanted_domains:
            continue
        if (reason := _reason_to_skip(ref, living, taken, options)) is not None:
            skipped.append((ref, reason))
        else:
            taken.add(ref.address.lower())
            chosen.append(ref)
    return Selection(tuple(chosen), tuple(skipped))


def _named(refs: Sequence[AccountRef], names: Sequence[str]) -> list[AccountRef]:
    by_name: dict[str, list[AccountRef]] = {}
    for ref in refs:
        by_name.setdefault(ref.id, []).append(ref)
        by_name.setdefault(ref.address.lower(), []).append(ref)
    missing = [name for name in names if name not in by_name and name.lower() not in by_name]
    if missing:
        raise UnknownAccounts(names=", ".join(missing))
    ordered: dict[str, AccountRef] = {}
    for name in names:
        for ref in by_name.get(name) or by_name[name.lower()]:
            ordered.setdefault(ref.id, ref)
    return list(ordered.values())


def _reason_to_skip(
    ref: AccountRef, living: set[str], taken: set[str], options: Options
) -> str | None:
    if ref.system and options.skip_system_accounts:
        return "system account"
    if ref.deleted and options.filter_deleted:
        return "deleted"
    address = ref.address.lower()
    if address in taken or (ref.deleted and address in living):
        return "another account has the address"
    return None


def reason_to_skip(record: Item | AbsentItem | UnreadableItem, options: Options) -> str | None:
    """Why the item is left out, or None if it is to be restored."""
    match record:
        case AbsentItem():
            return "later"
        case Item(deleted=True) if options.filter_deleted:
            return "deleted"
        case Item(size=size) if options.max_file_size and size > options.max_file_size:
            return TOO_LARGE
    return None
