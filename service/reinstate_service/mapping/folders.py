"""Where a backup's folders go: container-restore rules 1 to 4, as one pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import (
    by_comparable,
    comparable,
    place_below,
    source_paths,
)
from reinstate_service.model import Folder, Frozen, Path


class Reason(StrEnum):
    """Why a folder goes where it goes."""

    SYSTEM = "system"
    EXISTING = "existing"
    RENAMED = "renamed"
    CREATED = "created"
    MERGED = "merged"


class FolderDecision(Frozen, frozen=True):
    """One backup folder and its one place: `source` is its path in the backup."""

    folder: str
    source: Path
    path: Path
    reason: Reason


def map_folders(
    folders: Iterable[Folder],
    existing: Iterable[Path],
    namespace: Namespace,
    settled: Mapping[str, Path] | None = None,
) -> list[FolderDecision]:
    """Decides for every folder, parents before children.

    `existing` are the destination's folders before the restore made any; `settled`
    are earlier decisions, which stand whatever has changed since. The order of the
    arguments' elements changes nothing, and a further folder in the backup changes
    no other folder's place. Of folders that share a place the first one decides how it
    is written, a system folder before all.
    """
    by_id = {folder.id: folder for folder in folders}
    present = by_comparable(existing, namespace)
    places: dict[str, Path] = dict(settled or {})
    system = {
        folder.id: namespace.roles[folder.role]
        for folder in by_id.values()
        if folder.role in namespace.roles
    }
    taken = by_comparable((*places.values(), *system.values()), namespace)
    decisions = []
    for identifier, source in source_paths(by_id.values()).items():
        folder = by_id[identifier]
        if identifier in places:
            continue
        if identifier in system:
            path, reason = system[identifier], Reason.SYSTEM
        else:
            parent = places[folder.parent] if len(source) > 1 else ()
            path = place_below(parent, folder.name, namespace)
            key = comparable(path, namespace)
            if (known := taken.get(key)) is not None:
                path, reason = known, Reason.MERGED
            elif (known := present.get(key)) is not None:
                path, reason = known, Reason.EXISTING
            elif path[-1] != folder.name or (len(source) == 1 and folder.parent):
                reason = Reason.RENAMED
            else:
                reason = Reason.CREATED
            taken[key] = path
        places[identifier] = path
        decisions.append(FolderDecision(identifier, source, path, reason))
    return decisions


def merged(places: Mapping[str, Path], namespace: Namespace) -> dict[Path, tuple[str, ...]]:
    """The destination folders that several backup folders share, with those folders' ids."""
    sharing: dict[Path, list[str]] = defaultdict(list)
    for folder, path in places.items():
        sharing[comparable(path, namespace)].append(folder)
    return {
        places[folders[0]]: tuple(sorted(folders))
        for folders in sharing.values()
        if len(folders) > 1
    }
