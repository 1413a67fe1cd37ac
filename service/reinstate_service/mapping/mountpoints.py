"""Where a backup's mountpoints go: container-restore rules 5 and 8, as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import comparable, place_below
from reinstate_service.model import MAIL_TYPES, Frozen, Mountpoint, Path


class Owner(Frozen, frozen=True):
    """The account whose folder is shown: its address and the places of its folders."""

    address: str
    folders: Mapping[str, Path]


class MountpointDecision(Frozen, frozen=True):
    """One mountpoint: `path` is where the backup has it; either the owner's `target` and the
    `address` under which the grantee reaches it, or the reason why it is `refused`."""

    mountpoint: str
    path: Path
    owner: str = ""
    target: Path = ()
    address: Path = ()
    refused: str = ""


def map_mountpoints(
    mountpoints: Iterable[Mountpoint],
    places: Mapping[str, Path],
    occupied: Iterable[Path],
    owner_of: Callable[[str], Owner | None],
    namespace: Namespace,
) -> list[MountpointDecision]:
    """Decides for every mountpoint, in the order of their paths.

    `places` are the account's own folders by backup id, `occupied` the paths where the
    destination has a folder; `owner_of` answers for an account of the backup that is
    on the destination, or None. A mountpoint never leads to a backup's id, only to
    the owner's folder as it was mapped.
    """
    taken = {comparable(path, namespace) for path in occupied}

    def decide(mountpoint: Mountpoint) -> MountpointDecision:
        parent = places.get(mountpoint.parent, ())
        path = place_below(parent, mountpoint.name, namespace)
        owner = owner_of(mountpoint.owner)
        if owner is None:
            reason = f"its owner, account {mountpoint.owner}, is not on the destination"
        elif (target := owner.folders.get(mountpoint.remote)) is None:
            reason = f"folder {mountpoint.remote} of {owner.address} is not on the destination"
        elif mountpoint.view not in MAIL_TYPES:
            reason = f"the destination has no place for a shared collection ({mountpoint.view})"
        elif comparable(path, namespace) in taken:
            reason = "a folder is in its place"
        else:
            return MountpointDecision(
                mountpoint.id,
                path,
                owner.address,
                target,
                shared_address(owner.address, target, namespace),
            )
        return MountpointDecision(mountpoint.id, path, refused=reason)

    decisions = (decide(mountpoint) for mountpoint in mountpoints)
    return sorted(decisions, key=lambda decision: (decision.path, decision.mountpoint))


def shared_address(owner: str, target: Path, namespace: Namespace) -> Path:
    """The path of `owner`'s folder `target` as other users see it."""
    local, _, domain = owner.rpartition("@")
    prefix = (part.format(domain=domain, local=local) for part in namespace.shared_prefix)
    return (*prefix, *target)
