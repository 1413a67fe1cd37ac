"""Paths: built from a backup's parent links, normalised, and made to fit a destination."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import Folder, Mountpoint, Path

INBOX = "INBOX"


def normalise(path: Path) -> Path:
    """`path` in the one form that paths are compared in: every segment in Unicode NFC,
    INBOX at the root in capitals (RFC 3501 §5.1)."""
    return _rooted(tuple(unicodedata.normalize("NFC", segment) for segment in path))


def place_below(parent: Path, name: str, namespace: Namespace) -> Path:
    """The path of a folder called `name` below `parent`, which keeps its spelling there."""
    return _rooted(fit_path(parent, unicodedata.normalize("NFC", name), namespace))


def _rooted(path: Path) -> Path:
    return (INBOX, *path[1:]) if path and path[0].casefold() == "inbox" else path


def comparable(path: Path, namespace: Namespace) -> Path:
    """A key that is equal for two paths exactly if the destination takes them for the same."""
    path = normalise(path)
    return path if namespace.case_sensitive else tuple(segment.casefold() for segment in path)


def source_paths(containers: Iterable[Folder | Mountpoint]) -> dict[str, Path]:
    """The backup's path of every container, by id, ancestors before descendants.

    One whose parent is not among `containers`, or that is its own ancestor, stands at
    the root, and what lies below it stays there: a broken link never loses a folder.
    """
    by_id = {container.id: container for container in containers}
    found: dict[str, Path] = {}

    def path_of(container: Folder | Mountpoint) -> Path:
        chain, depth = [container], {container.id: 0}
        while (parent := by_id.get(chain[-1].parent)) is not None and parent.id not in depth:
            depth[parent.id] = len(chain)
            chain.append(parent)
        if parent is not None:
            del chain[depth[parent.id] + 1 :]
        return tuple(link.name for link in reversed(chain))

    for container in by_id.values():
        found[container.id] = path_of(container)
    return dict(sorted(found.items(), key=lambda entry: (len(entry[1]), entry[1], entry[0])))


def fit_segment(segment: str, namespace: Namespace) -> str:
    """`segment` as the destination can hold it.

    What it cannot hold becomes `_`; a changed name ends in `~` and six hex digits of
    the original, so that different names stay different. The event that records the
    folder keeps the original.
    """
    refused = namespace.forbidden + namespace.separator
    kept = "".join(
        "_"
        if character in refused or unicodedata.category(character) in {"Cc", "Cs"}
        else character
        for character in segment
    )
    kept = kept.strip(" ")
    if (
        kept == segment
        and kept
        and kept not in namespace.reserved
        and not kept.startswith(tuple(namespace.forbidden_first))
        and namespace.stored_bytes(kept) <= namespace.segment_bytes
    ):
        return kept
    mark = "~" + _short(segment, 6)
    kept = kept.lstrip(namespace.forbidden_first) or "_"
    while kept and namespace.stored_bytes(kept + mark) > namespace.segment_bytes:
        kept = kept[:-1]
    return kept + mark


def fit_path(parent: Path, segment: str, namespace: Namespace) -> Path:
    """The path of `segment` below `parent` on the destination.

    Where the whole path would be too long, the folder moves up to the nearest
    ancestor below which it fits, its name marked with a digest of the full path.
    """
    path = (*parent, fit_segment(segment, namespace))
    if _stored_bytes(path, namespace) <= namespace.path_bytes:
        return path
    # Lengths before the segments: no two paths are the same text.
    mark = "_~" + _short("".join(f"{len(part)}:{part}" for part in (*parent, segment)), 12)
    while parent and _stored_bytes((*parent, mark), namespace) > namespace.path_bytes:
        parent = parent[:-1]
    return (*parent, mark)


def _stored_bytes(path: Path, namespace: Namespace) -> int:
    return sum(namespace.stored_bytes(segment) + 1 for segment in path)


def _short(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def by_comparable(paths: Iterable[Path], namespace: Namespace) -> dict[Path, Path]:
    """The paths by their comparable form; of several, the one that is written normalised."""
    ordered = sorted(paths, key=lambda path: (path == normalise(path), path))
    return {comparable(path, namespace): _rooted(path) for path in ordered}
