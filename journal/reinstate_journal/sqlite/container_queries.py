"""Answers from the projection `container_map`."""

from __future__ import annotations

from typing import Any

import msgspec

from reinstate_journal.container_map import (
    MappedFilter,
    MappedFolder,
    MappedMountpoint,
    Moved,
    Relocation,
    TranslatedFilter,
)
from reinstate_journal.events import FilterChange, FilterLeft, Path
from reinstate_journal.sqlite.connections import Connections

_path = msgspec.json.Decoder(Path).decode
_ids = msgspec.json.Decoder(tuple[str, ...]).decode
_changes = msgspec.json.Decoder(tuple[FilterChange, ...]).decode
_left = msgspec.json.Decoder(tuple[FilterLeft, ...]).decode


class SqliteContainers:
    """Containers over the projection's tables."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def folders(self, stream: str) -> dict[str, MappedFolder]:
        """Every mapped folder by its id in the backup."""
        rows = self._rows("folders", "folder, source, path, reason", stream)
        return {
            folder: MappedFolder(_path(source), _path(path), reason)
            for folder, source, path, reason in rows
        }

    def merged(self, stream: str) -> dict[Path, tuple[str, ...]]:
        """The backup folders that share one destination folder, by its path."""
        rows = self._rows("merged", "path, folders", stream)
        return {_path(path): _ids(folders) for path, folders in rows}

    def mountpoints(self, stream: str) -> dict[str, MappedMountpoint]:
        """Every decided mountpoint by its id in the backup."""
        columns = "mountpoint, source, path, owner, target, address, reason, restored, refused"
        rows = self._rows("mountpoints", columns, stream)
        return {
            mountpoint: MappedMountpoint(
                _path(source),
                _path(path),
                owner,
                _path(target),
                _path(address),
                reason,
                bool(restored),
                refused,
            )
            for mountpoint, source, path, owner, target, address, reason, restored, refused in rows
        }

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
        rows = self._rows("filters", "script, before, after, changed, left_alone, active", stream)
        return {
            script: MappedFilter(before, after, _changes(changed), _left(left), bool(active))
            for script, before, after, changed, left, active in rows
        }

    def translated(self, stream: str) -> dict[str, TranslatedFilter]:
        """Every script that was translated, by its name."""
        rows = self._rows("translated", "script, before, after, kept", stream)
        return {
            script: TranslatedFilter(before, after, _left(kept))
            for script, before, after, kept in rows
        }

    def relocating(self, stream: str) -> list[Relocation]:
        """The relocations whose outcome is not known."""
        rows = self._rows("relocating", "mountpoint, source, owner, target, items", stream)
        return [
            Relocation(mountpoint, _path(source), owner, _path(target), _ids(items))
            for mountpoint, source, owner, target, items in rows
        ]

    def moved(self, stream: str) -> list[Moved]:
        """What has moved, by mountpoint and folder."""
        rows = self._rows("moved", "mountpoint, source, target, items, gone", stream)
        return [
            Moved(mountpoint, _path(source), _path(target), items, gone)
            for mountpoint, source, target, items, gone in rows
        ]

    def _rows(self, table: str, columns: str, stream: str) -> list[Any]:
        """The columns of a stream's rows, in the order of the first one."""
        with self._connections.lease() as connection:
            return connection.execute(
                f"SELECT {columns} FROM {table} WHERE stream ="  # noqa: S608 - names are constants
                " (SELECT id FROM streams WHERE name = ?) ORDER BY 1",
                (stream,),
            ).fetchall()
