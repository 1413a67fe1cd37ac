"""Where a backup's mountpoints go: container-restore rules 5 to 8, as a pure function."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum

from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import comparable, place_below, source_paths
from reinstate_service.model import MAIL_TYPES, Folder, Frozen, Mountpoint, Path


class Ground(StrEnum):
    """What stands where the mountpoint belongs: nothing, a folder that a filter has made, or
    a folder of the user's own."""

    FREE = "free"
    FILTER = "filter"
    BESIDE = "beside"


class Owner(Frozen, frozen=True):
    """The account whose folder is shown: its address, the places of its folders by backup id,
    and which of its ids are mountpoints themselves. `grantees` are those of each folder as
    the destination calls them; None leaves it to the destination who may see what."""

    address: str
    folders: Mapping[str, Path]
    mountpoints: Collection[str] = ()
    grantees: Mapping[str, Collection[str]] | None = None


class Grantee(Frozen, frozen=True):
    """The account whose mountpoints are decided.

    `places` are its own folders by backup id; `existing` the folders that the destination
    has now, without mounted ones; `filed` the paths that its filters file to; `address` is
    needed only where owners tell their grantees.
    """

    account: str
    folders: tuple[Folder, ...]
    places: Mapping[str, Path]
    existing: tuple[Path, ...]
    filed: tuple[Path, ...] = ()
    address: str = ""


class MountpointDecision(Frozen, frozen=True):
    """One mountpoint.

    `source` is where the backup has it, `path` the same place on the destination, `remote`
    the ids of the account and folder that it shows. Either the owner's `target`, the
    `address` under which the grantee reaches it and what it found there, or the reason why
    it is `refused`. `stray` are the folders at and below `path` that filters had made,
    outermost first: their items belong into the target.
    """

    mountpoint: str
    source: Path
    path: Path
    remote: tuple[str, str]
    owner: str = ""
    target: Path = ()
    address: Path = ()
    ground: Ground = Ground.FREE
    stray: tuple[Path, ...] = ()
    refused: str = ""


def map_mountpoints(
    mountpoints: Iterable[Mountpoint],
    grantee: Grantee,
    owner_of: Callable[[str], Owner | None],
    namespace: Namespace,
) -> list[MountpointDecision]:
    """Decides for every mountpoint, in the order of their paths; the order of the arguments'
    elements changes nothing.

    `owner_of` answers for an account of the backup that is on the destination, or None.
    A mountpoint never leads to a backup's id, only to the owner's folder as it was mapped.
    """
    mountpoints = list(mountpoints)
    sources = source_paths((*grantee.folders, *mountpoints))
    ground = _Ground(grantee, namespace)
    return [
        _decide(mountpoint, sources[mountpoint.id], grantee, owner_of(mountpoint.owner), ground)
        for mountpoint in sorted(mountpoints, key=lambda one: (sources[one.id], one.id))
    ]


def _decide(
    mountpoint: Mountpoint, source: Path, grantee: Grantee, owner: Owner | None, ground: _Ground
) -> MountpointDecision:
    parent = grantee.places.get(mountpoint.parent, ())
    path = place_below(parent, mountpoint.name, ground.namespace)
    remote = (mountpoint.owner, mountpoint.remote)
    if owner is None:
        refused = f"its owner, account {mountpoint.owner}, is not on the destination"
    elif mountpoint.owner == grantee.account:
        refused = "it leads back into its own account"
    elif mountpoint.remote in owner.mountpoints:
        refused = f"folder {mountpoint.remote} of {owner.address} is itself a mountpoint"
    elif mountpoint.remote not in owner.folders:
        refused = f"folder {mountpoint.remote} of {owner.address} is not on the destination"
    elif not _is_granted(mountpoint, owner, grantee, ground.namespace):
        refused = f"folder {mountpoint.remote} of {owner.address} is not granted to it"
    elif mountpoint.view not in MAIL_TYPES:
        refused = f"the destination has no place for a shared collection ({mountpoint.view})"
    else:
        target = owner.folders[mountpoint.remote]
        kind, stray = ground.at(path)
        if ground.namespace.mounts_in_place:
            address = (
                ground.beside(path, owner.address, mountpoint.id) if kind is Ground.BESIDE else path
            )
        else:
            address = shared_address(owner.address, target, ground.namespace)
        ground.take(path, address)
        return MountpointDecision(
            mountpoint.id, source, path, remote, owner.address, target, address, kind, stray
        )
    return MountpointDecision(mountpoint.id, source, path, remote, refused=refused)


def _is_granted(
    mountpoint: Mountpoint, owner: Owner, grantee: Grantee, namespace: Namespace
) -> bool:
    """Whether a grant could reach the grantee; in place only one by name counts."""
    if owner.grantees is None:
        return True
    granted = owner.grantees.get(mountpoint.remote, ())
    by_name = f"user:{grantee.address}" in granted
    to_many = any(not one.startswith("user:") for one in granted)
    return by_name or (to_many and not namespace.mounts_in_place)


class _Ground:
    """What stands where, as mountpoints take their places one by one."""

    def __init__(self, grantee: Grantee, namespace: Namespace) -> None:
        self.namespace = namespace
        self._own = {self._key(path) for path in grantee.places.values()}
        self._own |= {self._key(path) for path in namespace.roles.values()}
        self._existing = grantee.existing
        self._occupied = {self._key(path) for path in grantee.existing}
        self._filed = [self._key(path) for path in grantee.filed]
        self._mounted: set[Path] = set()

    def at(self, path: Path) -> tuple[Ground, tuple[Path, ...]]:
        """What stands at `path`, and the stray folders there."""
        key = self._key(path)
        below = at_or_below(path, self._existing, self.namespace)
        if key in self._mounted or any(known[: len(key)] == key for known in self._own):
            return Ground.BESIDE, ()
        if not below:
            return Ground.FREE, ()
        if any(filed[: len(key)] == key for filed in self._filed):
            return Ground.FILTER, below
        return Ground.BESIDE, ()

    def beside(self, path: Path, owner: str, mountpoint: str) -> Path:
        """A free name beside `path` that tells whose folder it is; if that is taken, with a
        mark that no other mountpoint has."""
        named = place_below(path[:-1], f"{path[-1]} ({owner})", self.namespace)
        if self._is_free(named):
            return named
        mark = hashlib.sha256("\0".join((*path, owner, mountpoint)).encode()).hexdigest()[:6]
        return place_below(path[:-1], f"{path[-1]} ({owner}) {mark}", self.namespace)

    def take(self, path: Path, address: Path) -> None:
        """The mountpoint stands now."""
        self._mounted |= {self._key(path), self._key(address)}

    def _is_free(self, path: Path) -> bool:
        key = self._key(path)
        return not (key in self._occupied or key in self._own or key in self._mounted)

    def _key(self, path: Path) -> Path:
        return comparable(path, self.namespace)


def at_or_below(path: Path, existing: Iterable[Path], namespace: Namespace) -> tuple[Path, ...]:
    """Those of the `existing` folders that stand at `path` or below it, outermost first."""
    key = comparable(path, namespace)
    found = (known for known in existing if comparable(known, namespace)[: len(key)] == key)
    return tuple(sorted(found, key=lambda known: (len(known), known)))


def shared_address(owner: str, target: Path, namespace: Namespace) -> Path:
    """The path of `owner`'s folder `target` as other users see it."""
    local, _, domain = owner.rpartition("@")
    prefix = (part.format(domain=domain, local=local) for part in namespace.shared_prefix)
    return (*prefix, *target)
