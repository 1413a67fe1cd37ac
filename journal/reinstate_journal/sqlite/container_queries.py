"""Answers from the projection `container_map`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from reinstate_journal.catalogue import Catalogue
from reinstate_journal.container_map import (
    MappedFilter,
    MappedFolder,
    MappedMountpoint,
    Moved,
    Relocation,
    TranslatedFilter,
)
from reinstate_journal.events import FilterChange, FilterLeft, Path
from reinstate_journal.sqlite.connections import Connections, reading
from reinstate_journal.sqlite.derived import require_sound_map

_path = msgspec.json.Decoder(Path).decode
_ids = msgspec.json.Decoder(tuple[str, ...]).decode
_changes = msgspec.json.Decoder(tuple[FilterChange, ...]).decode
_left = msgspec.json.Decoder(tuple[FilterLeft, ...]).decode

_T = TypeVar("_T")


class SqliteContainers:
    """Containers over the projection's tables."""

    def __init__(self, connections: Connections, catalogue: Catalogue) -> None:
        self._connections = connections
        self._catalogue = catalogue

    def require_sound(self, stream: str) -> None:
        """Compares what is known of the stream with its events. Raises JournalDamaged."""
        with self._connections.lease() as connection:
            require_sound_map(connection, self._catalogue, self._connections.path, stream)

    def folders(self, stream: str) -> dict[str, MappedFolder]:
        """Every mapped folder by its id in the backup."""
        return dict(
            self._each(
                tuple[str, str, str, str],
                lambda folder, source, path, reason: (
                    folder,
                    MappedFolder(_path(source), _path(path), reason),
                ),
                "SELECT folder, source, path, reason FROM folders",
                stream,
            )
        )

    def merged(self, stream: str) -> dict[Path, tuple[str, ...]]:
        """The backup folders that share one destination folder, by its path."""
        return dict(
            self._each(
                tuple[str, str],
                lambda path, folders: (_path(path), _ids(folders)),
                "SELECT path, folders FROM merged",
                stream,
            )
        )

    def mountpoints(self, stream: str) -> dict[str, MappedMountpoint]:
        """Every decided mountpoint by its id in the backup."""
        return dict(
            self._each(
                tuple[str, str, str, str, str, str, str, int, str],
                lambda mountpoint, source, path, owner, target, address, reason, restored, why: (
                    mountpoint,
                    MappedMountpoint(
                        _path(source),
                        _path(path),
                        owner,
                        _path(target),
                        _path(address),
                        reason,
                        bool(restored),
                        why,
                    ),
                ),
                "SELECT mountpoint, source, path, owner, target, address, reason, restored, refused"
                " FROM mountpoints",
                stream,
            )
        )

    def redirects(self, stream: str) -> dict[Path, Path]:
        """Old path to new path, where they differ."""
        places = {place.source: place.path for place in self.folders(stream).values()}
        places |= {
            place: mountpoint.address
            for mountpoint in self.mountpoints(stream).values()
            if not mountpoint.refused and mountpoint.reason != "beside"
            for place in (mountpoint.source, mountpoint.path)
        }
        return {old: new for old, new in places.items() if old != new}

    def filters(self, stream: str) -> dict[str, MappedFilter]:
        """Every script that was redirected or reported, by its name."""
        return dict(
            self._each(
                tuple[str, str, str, str, str, int],
                lambda script, before, after, changed, left, active: (
                    script,
                    MappedFilter(before, after, _changes(changed), _left(left), bool(active)),
                ),
                "SELECT script, before, after, changed, left_alone, active FROM filters",
                stream,
            )
        )

    def translated(self, stream: str) -> dict[str, TranslatedFilter]:
        """Every script that was translated, by its name."""
        return dict(
            self._each(
                tuple[str, str, str, str],
                lambda script, before, after, kept: (
                    script,
                    TranslatedFilter(before, after, _left(kept)),
                ),
                "SELECT script, before, after, kept FROM translated",
                stream,
            )
        )

    def relocating(self, stream: str) -> list[Relocation]:
        """The relocations whose outcome is not known."""
        return self._each(
            tuple[str, str, str, str, str, int, int],
            lambda mountpoint, source, owner, target, items, *fence: Relocation(
                mountpoint, _path(source), owner, _path(target), _ids(items), *fence
            ),
            "SELECT mountpoint, source, owner, target, items, uidvalidity, uidnext FROM relocating",
            stream,
        )

    def moved(self, stream: str) -> list[Moved]:
        """What has moved, by mountpoint and folder."""
        return self._each(
            tuple[str, str, str, int, int],
            lambda mountpoint, source, target, items, gone: Moved(
                mountpoint, _path(source), _path(target), items, gone
            ),
            "SELECT mountpoint, source, target, items, gone FROM moved",
            stream,
        )

    def left_out(self, stream: str) -> dict[str, tuple[str, ...]]:
        """The keywords that items of a folder are restored without, by the folder's id."""
        found: dict[str, tuple[str, ...]] = {}
        for folder, keyword in self._each(
            tuple[str, str],
            lambda folder, keyword: (folder, keyword),
            "SELECT folder, keyword FROM left_out",
            stream,
        ):
            found[folder] = (*found.get(folder, ()), keyword)
        return found

    def _each(self, kind: Any, built: Callable[..., _T], select: str, stream: str) -> list[_T]:
        """What is built from each of a stream's rows, in the order of their first column."""
        of_stream = "WHERE stream = (SELECT id FROM streams WHERE name = ?) ORDER BY 1"
        with reading(self._connections.path):
            return [
                built(*row)
                for row in self._connections.rows(kind, f"{select} {of_stream}", (stream,))
            ]
