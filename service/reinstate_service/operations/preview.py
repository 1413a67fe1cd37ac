"""What a restore would do, found out without touching anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from reinstate_service.destination.contract import Destination, ExistingFolder
from reinstate_service.mapping.folders import FolderDecision
from reinstate_service.mapping.mountpoints import (
    Grantee,
    MountpointDecision,
    Owner,
    map_mountpoints,
)
from reinstate_service.model import (
    AccountRef,
    Containers,
    Filters,
    Frozen,
    Item,
    Path,
    UnreadableItem,
)
from reinstate_service.restore.options import Options
from reinstate_service.restore.plan import (
    FolderPlan,
    TranslatedScript,
    filed_paths,
    plan_folders,
    plan_grants,
    translate_filters,
    with_roles,
)
from reinstate_service.restore.run import read_backup
from reinstate_service.restore.selection import reason_to_skip
from reinstate_service.source.contract import Source


class Provision(Frozen, frozen=True, omit_defaults=False):
    """One object of phase 1; `action` is create, or use when the destination has it already."""

    kind: str
    name: str
    action: str


def _provision(kind: str, name: str, is_there: Callable[[str], bool]) -> Provision:
    return Provision(kind, name, "use" if is_there(name) else "create")


class AccountPreview(Frozen, frozen=True, omit_defaults=False):
    """One account: what becomes of it, its items, folders, grants, mountpoints, and of those
    filters that have to be translated. `size` is the bytes to be restored, `room` what the
    account can hold besides what it holds already, None if nothing limits it."""

    account: str
    address: str
    action: str
    items: int
    skipped: dict[str, int]
    unreadable: int
    folders: tuple[FolderDecision, ...]
    merged: tuple[tuple[Path, tuple[str, ...]], ...]
    refused_grants: tuple[tuple[str, str], ...]
    mountpoints: tuple[MountpointDecision, ...]
    filters: tuple[TranslatedScript, ...]
    size: int = 0
    room: int | None = None

    @property
    def fits(self) -> bool:
        """Whether the account can hold all that is to be restored."""
        return self.room is None or self.size <= self.room


class Preview(Frozen, frozen=True, omit_defaults=False):
    """The plan as a whole: phase 1, and the accounts left out, with the reason."""

    server_id: str
    last_scan: int | None
    provisions: tuple[Provision, ...]
    skipped: tuple[tuple[str, str], ...]
    unreadable: tuple[str, ...]
    accounts: int


class Planner:
    """Answers for one backup, destination and set of options; writes nothing.

    Raises BackupError, UnknownAccounts and UnknownDomains when it is made.
    """

    def __init__(self, source: Source, destination: Destination, options: Options) -> None:
        self._source = source
        self._destination = destination
        self._options = options
        self._namespace = destination.namespace()
        self._read = read_backup(source, options)
        self._chosen = {ref.id: ref for ref in self._read.selection.chosen}
        self._addresses = self._read.directory.addresses(self._read.accounts)
        self._owner_of = lru_cache(maxsize=256)(self._find_owner)

    def preview(self) -> Preview:
        """Phase 1, and what is left out."""
        plan, selection = self._read.provisioning, self._read.selection
        there = self._destination
        domains = (_provision("domain", domain.name, there.has_domain) for domain in plan.domains)
        classes = (
            _provision("class of service", cos.name, there.has_class_of_service)
            for cos in plan.classes_of_service
        )
        lists = (_provision("distribution list", lst.address, there.has_list) for lst in plan.lists)
        return Preview(
            self._read.identity.server_id,
            self._read.identity.last_scan,
            (*domains, *classes, *lists),
            tuple((ref.address, reason) for ref, reason in selection.skipped),
            tuple(str(error) for error in self._read.unreadable),
            len(selection.chosen),
        )

    def accounts(self) -> Iterator[AccountPreview]:
        """The accounts, one by one, in the order of the restore."""
        return (self._account(ref) for ref in self._chosen.values())

    def _account(self, ref: AccountRef) -> AccountPreview:
        containers, existing, folders = self._folders(ref)
        grants = plan_grants(containers, self._addresses).values()
        filters, translated = translate_filters(
            self._source.account(ref.id), containers, self._namespace, self._read.identity.product
        )
        filed = filed_paths(self._scripts(ref, filters), self._namespace)
        grantee = Grantee(
            ref.id, containers.folders, folders.places, tuple(existing), filed, ref.address
        )
        mountpoints = map_mountpoints(
            containers.mountpoints, grantee, self._owner_of, self._namespace
        )
        items = unreadable = size = 0
        skipped: dict[str, int] = {}
        for record in self._source.items(ref.id):
            items += 1
            unreadable += isinstance(record, UnreadableItem)
            if (reason := reason_to_skip(record, self._options)) is not None:
                skipped[reason] = skipped.get(reason, 0) + 1
            elif isinstance(record, Item):
                size += record.size
        return AccountPreview(
            account=ref.id,
            address=ref.address,
            action=self._action(ref),
            items=items,
            skipped=skipped,
            unreadable=unreadable,
            folders=folders.decisions,
            merged=tuple(folders.merged.items()),
            refused_grants=tuple(refused for grant in grants for refused in grant.refused),
            mountpoints=tuple(mountpoints),
            filters=translated,
            size=size,
            room=self._room(ref),
        )

    def _room(self, ref: AccountRef) -> int | None:
        if not self._destination.has_account(ref.address):
            return None
        return self._destination.room(ref.address)

    def _action(self, ref: AccountRef) -> str:
        if self._destination.has_account(ref.address):
            return "use"
        return "missing" if self._options.skip_account_provisioning else "create"

    def _folders(self, ref: AccountRef) -> tuple[Containers, Sequence[Path], FolderPlan]:
        deleted = not self._options.filter_deleted
        containers = self._source.containers(ref.id, deleted=deleted)
        found: Sequence[ExistingFolder] = ()
        if self._destination.has_account(ref.address):
            with self._destination.mailbox(ref.address) as mailbox:
                found = mailbox.folders()
        namespace = with_roles(self._namespace, found)
        existing = [folder.path for folder in found if not folder.mounted]
        return containers, existing, plan_folders(containers, existing, {}, namespace)

    def _find_owner(self, account: str) -> Owner | None:
        ref = self._chosen.get(account)
        if ref is None:
            return None
        containers, _, folders = self._folders(ref)
        held = frozenset(mountpoint.id for mountpoint in containers.mountpoints)
        grantees = {
            folder: tuple(grantee for grantee, _ in planned.granted)
            for folder, planned in plan_grants(containers, self._addresses).items()
        }
        return Owner(ref.address, folders.places, held, grantees)

    def _scripts(self, ref: AccountRef, filters: Filters) -> tuple[str, ...]:
        """The filters that the account will have: the backup's, and what is there already."""
        scripts = (filters.before, filters.incoming, filters.after, filters.outgoing)
        if not self._destination.has_account(ref.address):
            return scripts
        with self._destination.mailbox(ref.address) as mailbox:
            return (*scripts, *mailbox.scripts().values())
