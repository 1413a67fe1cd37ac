"""`reinstate backup check`: everything that would keep a backup from being restored whole.

Findings stream; memory does not grow with the backup, because what is known of blobs
lies in a temporary database on the disk. Every state is looked at, not only the
latest.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TypeVar

from reinstate_journal.errors import BackupError
from reinstate_service.model import (
    AccountRef,
    ClassOfService,
    Containers,
    DistributionList,
    Domain,
    Folder,
    Frozen,
    GranteeType,
    Item,
    Mountpoint,
    SavedSearch,
)
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.backup_path.decode import item_of
from reinstate_service.source.backup_path.records import (
    FolderState,
    MountpointState,
    RecordState,
)
from reinstate_service.source.contract import ItemError, UnsafeName

M = TypeVar("M", Domain, ClassOfService, DistributionList)

#: Findings that keep nothing from being restored.
HARMLESS = frozenset({"DoubleGzip", "OrphanBlob"})


class Finding(Frozen, frozen=True):
    """One thing that is not as it should be.

    `account` is an id, empty where the backup as a whole is meant; `id` that of the
    item, folder, domain or blob; `failure` an error class of sources or one of
    UnknownFolder, UnknownAccount, UnknownGrantee, UnknownClassOfService,
    UnknownDomain, DoubleGzip, OrphanBlob.
    """

    account: str
    id: str
    failure: str
    reason: str

    @property
    def harmless(self) -> bool:
        """Whether everything can be restored all the same."""
        return self.failure in HARMLESS


class CheckCounts(Frozen, frozen=True):
    """How much was looked at, and the findings by class."""

    accounts: int
    records: int
    states: int
    blobs: int
    content_bytes: int
    findings: dict[str, int]

    @property
    def damaged(self) -> bool:
        """Whether something cannot be restored."""
        return any(failure not in HARMLESS for failure in self.findings)


class Check:
    """A check under way: iterate over it for the findings, then ask for `counts`."""

    def __init__(self, source: BackupPathSource) -> None:
        self._source = source
        self._seen: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()

    @property
    def counts(self) -> CheckCounts:
        """What was looked at so far."""
        seen = self._seen
        return CheckCounts(
            seen["accounts"],
            seen["records"],
            seen["states"],
            seen["blobs"],
            seen["bytes"],
            dict(sorted(self._findings.items())),
        )

    def __iter__(self) -> Iterator[Finding]:
        """Raises NotABackup, VendorFormat, and BackupError if accounts/ cannot be read."""
        self._seen.clear()
        self._findings.clear()
        self._source.identity()
        with closing(sqlite3.connect("", isolation_level=None)) as database:
            database.execute(
                "CREATE TABLE blobs (digest, size, failure, reason, PRIMARY KEY (digest, size))"
                " WITHOUT ROWID"
            )
            database.execute("BEGIN")
            for finding in self._all(database):
                self._findings[finding.failure] += 1
                yield finding

    def _all(self, database: sqlite3.Connection) -> Iterator[Finding]:
        source = self._source
        domains = yield from self._server("domains", source.domains)
        classes = yield from self._server("cos", source.classes_of_service)
        lists = yield from self._server("lists", source.distribution_lists)
        known_cos = {cos.id for cos in classes or ()}
        names = {name for domain in domains or () for name in (domain.name, *domain.aliases)}
        for domain in domains or ():
            if classes is not None:
                yield from _unknown_cos("", domain.id, domain.default_cos, known_cos)
        accounts: set[str] = set()
        refs = []
        for ref in source.accounts():
            self._seen["accounts"] += 1
            if isinstance(ref, AccountRef):
                refs.append(ref)
                accounts.add(ref.id)
            else:
                account = str(ref.fields["account"])
                accounts.add(account)
                yield Finding(account, "", type(ref).__name__, str(ref))
        grantees = accounts | {each.id for each in lists or ()}
        for ref in refs:
            if classes is not None:
                yield from _unknown_cos(ref.id, "", ref.cos, known_cos)
            if domains is not None and ref.address.rpartition("@")[2] not in names:
                reason = f"the backup has no domain for {ref.address}"
                yield Finding(ref.id, "", "UnknownDomain", reason)
            try:
                yield from self._account(ref.id, accounts, grantees, database)
            except BackupError as error:
                yield Finding(ref.id, "", type(error).__name__, str(error))
        yield from self._orphans(database)

    @staticmethod
    def _server(
        folder: str, read: Callable[[], Iterator[M]]
    ) -> Generator[Finding, None, list[M] | None]:
        """What lies in server/<folder>; None, and a finding, if it cannot be read."""
        try:
            return list(read())
        except BackupError as error:
            yield Finding("", f"server/{folder}", type(error).__name__, str(error))
            return None

    def _account(
        self, account: str, accounts: set[str], grantees: set[str], database: sqlite3.Connection
    ) -> Iterator[Finding]:
        containers = self._source.containers(account, deleted=True)
        folders = {folder.id for folder in containers.folders}
        folders |= {mountpoint.id for mountpoint in containers.mountpoints}
        yield from self._containers(account, containers, folders, accounts, grantees)
        listing = self._source.listing(account)
        for identifier, states in listing.records():
            self._seen["records"] += 1
            if isinstance(states, ItemError):
                yield Finding(account, identifier, type(states).__name__, str(states))
            else:
                self._seen["states"] += len(states)
                yield from self._states(account, identifier, states, folders, database)
        for misplaced in listing.misplaced:
            yield Finding(account, misplaced.name, UnsafeName.__name__, misplaced.reason)

    def _containers(
        self,
        account: str,
        containers: Containers,
        folders: set[str],
        accounts: set[str],
        grantees: set[str],
    ) -> Iterator[Finding]:
        placed: tuple[Folder | Mountpoint | SavedSearch, ...] = (
            *containers.folders,
            *containers.mountpoints,
            *containers.searches,
        )
        for each in placed:
            if each.parent and each.parent not in folders:
                reason = f"it lies in folder {each.parent}, which the backup does not have"
                yield Finding(account, each.id, "UnknownFolder", reason)
        for folder in containers.folders:
            for grant in folder.grants:
                named = grant.type in {GranteeType.USER, GranteeType.LIST}
                if named and grant.grantee not in grantees:
                    reason = f"it is shared with {grant.grantee}, whom the backup does not have"
                    yield Finding(account, folder.id, "UnknownGrantee", reason)
        for mount in containers.mountpoints:
            if mount.owner not in accounts:
                reason = f"it shows a folder of {mount.owner}, whom the backup does not have"
                yield Finding(account, mount.id, "UnknownAccount", reason)
            elif not self._is_folder(mount.owner, mount.remote):
                reason = f"it shows folder {mount.remote} of {mount.owner}, which is not there"
                yield Finding(account, mount.id, "UnknownFolder", reason)

    def _is_folder(self, account: str, folder: str) -> bool:
        try:
            state = self._source.states(account, folder)[0]
        except (BackupError, ItemError):
            return False
        return isinstance(state, FolderState | MountpointState)

    def _states(
        self,
        account: str,
        identifier: str,
        states: list[RecordState],
        folders: set[str],
        database: sqlite3.Connection,
    ) -> Iterator[Finding]:
        found: dict[Finding, None] = {}
        for state in states:
            item = item_of(identifier, state)
            if not isinstance(item, Item):
                continue
            if item.folder not in folders:
                reason = f"it lies in folder {item.folder}, which the backup does not have"
                found[Finding(account, identifier, "UnknownFolder", reason)] = None
            problem = self._blob(item, database)
            if problem is not None:
                found[Finding(account, identifier, *problem)] = None
        yield from found

    def _blob(self, item: Item, database: sqlite3.Connection) -> tuple[str, str] | None:
        """What is wrong with the item's blob; every blob is unpacked once."""
        key = (item.digest, item.size)
        query = "SELECT failure, reason FROM blobs WHERE digest = ? AND size = ?"
        row = database.execute(query, key).fetchone()
        if row is None:
            self._seen["blobs"] += 1
            row = ("", "")
            try:
                if self._source.inspect_blob(item) == 2:
                    row = ("DoubleGzip", f"blob {item.digest} was gzipped twice")
                self._seen["bytes"] += item.size
            except ItemError as error:
                row = (type(error).__name__, str(error))
            database.execute("INSERT INTO blobs VALUES (?, ?, ?, ?)", (*key, *row))
        failure, reason = row
        return (failure, reason) if failure else None

    def _orphans(self, database: sqlite3.Connection) -> Iterator[Finding]:
        for entry in self._source.blob_entries():
            query = "SELECT 1 FROM blobs WHERE digest = ?"
            if database.execute(query, (entry.name,)).fetchone() is None:
                reason = f"no record of a readable account has blob {entry.name}"
                yield Finding("", entry.name, "OrphanBlob", reason)


def check_backup(source: BackupPathSource) -> Check:
    """A check of the whole backup, not begun yet. It reads every record and every blob."""
    return Check(source)


def _unknown_cos(account: str, identifier: str, cos: str, known: set[str]) -> Iterator[Finding]:
    if cos and cos not in known:
        reason = f"the backup has no class of service {cos}"
        yield Finding(account, identifier, "UnknownClassOfService", reason)
