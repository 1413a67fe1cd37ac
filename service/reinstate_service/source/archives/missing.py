"""What an export left out, as far as the archives and the directory tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from reinstate_service.model import (
    Account,
    Containers,
    Grant,
    GranteeType,
    Item,
    Role,
    UnreadableItem,
)
from reinstate_service.source.archives import kinds
from reinstate_service.source.archives.folder import ArchivesFolder
from reinstate_service.source.archives.rows import ContainerRow
from reinstate_service.source.contract import ItemRecord, Missing

_LEFT_OUT = {Role.JUNK, Role.TRASH}
_PEOPLE = {GranteeType.USER, GranteeType.LIST}
_ROOT = 1


def of_the_whole(folder: ArchivesFolder) -> Iterator[Missing]:
    """What is known without reading an archive."""
    if folder.described is None:
        what = (
            "there is no directory (.ldif, .csv): accounts have mail only, without password, name,"
            " alias and filter, and no grant or mountpoint finds whom it means"
        )
        yield Missing("", what)
    if folder.directory.problems:
        what = f"{len(folder.directory.problems)} things of the directory, see below"
        yield Missing("", what)


def of_files(folder: ArchivesFolder) -> Iterator[Missing]:
    """Archives and entries of the directory that are nobody's or say nothing."""
    for name in folder.nameless:
        yield Missing(name, "it is not restored: its name begins with no address")
    for problem in folder.directory.problems:
        name = Path(problem.file).name
        yield Missing(name, str(replace(problem, file=name)).removeprefix(f"{name}:").strip())


def of_an_account(
    account: Account,
    folder: ArchivesFolder,
    rows: Mapping[int, ContainerRow],
    containers: Containers,
    records: Iterable[ItemRecord],
) -> Iterator[Missing]:
    """What the account had and its archives have not; `rows` are their records of containers."""
    found = _lacking(account, folder, rows, containers, records)
    return (Missing(account.address, what) for what in found)


def _lacking(
    account: Account,
    folder: ArchivesFolder,
    rows: Mapping[int, ContainerRow],
    containers: Containers,
    records: Iterable[ItemRecord],
) -> Iterator[str]:
    if account.id not in folder.archives:
        if not account.system:
            yield "no archive of its name"
        return
    if folder.described is not None and account.id in folder.undescribed:
        yield "no entry in the directory: it has mail only"
    if not any(row.kind == kinds.FOLDER for row in rows.values()):
        yield (
            "no records of folders, tags and mountpoints: exported with a query, types or dates;"
            " its folders come from the items' paths"
        )
    yield from _left_out(containers, records)
    yield from _shares(folder, rows, containers)


def _left_out(containers: Containers, records: Iterable[ItemRecord]) -> Iterator[str]:
    """Folders that an export leaves out, and what it had of items that cannot be restored."""
    items, failures = Counter[str](), Counter[str]()
    for record in records:
        if isinstance(record, Item):
            items[record.folder] += 1
        elif isinstance(record, UnreadableItem):
            failures[record.failure] += 1
    for failure, count in sorted(failures.items()):
        yield f"{failure}: {count}, which the report of a restore names one by one"
    for one in containers.folders:
        if one.role in _LEFT_OUT and not items[one.id]:
            yield (
                f"nothing is in {one.name}, which an export leaves out unless it is told not to:"
                " docs/archives.md says how"
            )


def _shares(
    folder: ArchivesFolder, rows: Mapping[int, ContainerRow], containers: Containers
) -> Iterator[str]:
    """Grants and mountpoints that reach beyond what is here."""
    names, accounts = folder.directory.names, folder.directory.accounts
    for mount in containers.mountpoints:
        if mount.owner not in accounts:
            yield f"mountpoint {mount.name} shows a folder of {mount.owner or 'nobody'}, not here"
        elif mount.owner not in folder.archives:
            owner = accounts[mount.owner].address
            yield f"mountpoint {mount.name} shows a folder of {owner}, who has no archive"
    if _ROOT in rows and rows[_ROOT].grants:
        yield "it shares its whole mailbox: there is no folder to give that grant on"
    for one in containers.folders:
        for grant in one.grants:
            if grant.type in _PEOPLE and grant.grantee not in names:
                yield f"folder {one.name} is shared with {_named(grant)}, not here"
            elif grant.type is GranteeType.GUEST:
                yield f"folder {one.name} is shared with {_named(grant)}, an outside guest"


def _named(grant: Grant) -> str:
    return grant.name or grant.grantee
