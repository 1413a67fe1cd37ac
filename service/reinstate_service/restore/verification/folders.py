"""Which folders are gone, and which of them only have another name: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from reinstate_service.model import Path
from reinstate_service.restore.verification.findings import Finding, Kind


def renamed_folders(
    missing: Collection[Path], new: Collection[Path], moved: Mapping[tuple[Path, Path, bool], int]
) -> dict[Path, Path]:
    """What the folders that are missing are called now, as far as their items tell, of which so
    many have `moved`: most of them lie in a folder that the restore did not make. Empty ones above
    and below go along."""
    lying: dict[Path, Counter[Path]] = {}
    for (origin, path, _), count in moved.items():
        if path in new and origin in missing:
            lying.setdefault(origin, Counter())[path] += count
    renamed = {origin: places.most_common(1)[0][0] for origin, places in lying.items()}
    for path in sorted(missing, key=len, reverse=True):
        now = renamed.get(path)
        above = path[:-1]
        if now and now[-1] == path[-1] and above in missing and now[:-1] in new:
            renamed.setdefault(above, now[:-1])
    for path in sorted(missing, key=len):
        above_now = renamed.get(path[:-1])
        if above_now and (*above_now, path[-1]) in new:
            renamed.setdefault(path, (*above_now, path[-1]))
    return renamed


def folder_findings(missing: Collection[Path], renamed: dict[Path, Path]) -> list[Finding]:
    """A finding for each folder that is gone or renamed; none for what a rename took along."""
    found = []
    for path in sorted(missing, key=lambda path: (len(path), path)):
        name, now = "/".join(path), renamed.get(path)
        if now is None:
            found.append(Finding(Kind.MISSING, "folder", name, "", path))
        elif renamed.get(path[:-1]) != now[:-1] or path[-1] != now[-1]:
            found.append(Finding(Kind.CHANGED, "folder", name, f"renamed to {'/'.join(now)}", now))
    return found
