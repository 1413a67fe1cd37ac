"""The projection `container_map`, and the answers from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from reinstate_journal import events
from reinstate_journal.container_map import MappedFolder, MappedMountpoint
from reinstate_journal.sqlite.connections import Connections
from reinstate_journal.sqlite.row import Row

_FOLDERS = """CREATE TABLE folders (
    stream INTEGER NOT NULL,
    folder TEXT NOT NULL,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (stream, folder)
) WITHOUT ROWID"""

_MERGED = """CREATE TABLE merged (
    stream INTEGER NOT NULL,
    path TEXT NOT NULL,
    folders TEXT NOT NULL,
    PRIMARY KEY (stream, path)
) WITHOUT ROWID"""

_MOUNTPOINTS = """CREATE TABLE mountpoints (
    stream INTEGER NOT NULL,
    mountpoint TEXT NOT NULL,
    path TEXT NOT NULL,
    owner TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    refused TEXT NOT NULL,
    PRIMARY KEY (stream, mountpoint)
) WITHOUT ROWID"""

_CONCERNS = {
    events.FolderMapped,
    events.FoldersMerged,
    events.MountpointRestored,
    events.MountpointRefused,
}

_path = msgspec.json.Decoder(events.Path).decode
_ids = msgspec.json.Decoder(tuple[str, ...]).decode


def _json(value: Sequence[str]) -> str:
    return msgspec.json.encode(value).decode()


class ContainerMapProjection:
    """Where each backup folder and mountpoint went; paths are JSON lists of segments."""

    name: ClassVar[str] = "container_map"
    version: ClassVar[int] = 1
    tables: ClassVar[Mapping[str, Sequence[str]]] = {
        "folders": (_FOLDERS,),
        "merged": (_MERGED,),
        "mountpoints": (_MOUNTPOINTS,),
    }

    def apply(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Fold `rows`; a later event about the same thing replaces an earlier one."""
        for row in rows:
            if type(row.event) not in _CONCERNS:
                continue
            match row.event:
                case events.FolderMapped(folder=folder, source=source, path=path, reason=reason):
                    connection.execute(
                        "INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?, ?)",
                        (row.stream_id, folder, _json(source), _json(path), reason),
                    )
                case events.FoldersMerged(path=path, folders=folders):
                    connection.execute(
                        "INSERT OR REPLACE INTO merged VALUES (?, ?, ?)",
                        (row.stream_id, _json(path), _json(folders)),
                    )
                case events.MountpointRestored() as event:
                    self._mountpoint(
                        connection,
                        row.stream_id,
                        event.mountpoint,
                        MappedMountpoint(event.path, event.owner, event.target, event.address, ""),
                    )
                case events.MountpointRefused() as event:
                    self._mountpoint(
                        connection,
                        row.stream_id,
                        event.mountpoint,
                        MappedMountpoint(event.path, "", (), (), event.reason),
                    )
                case _:
                    pass

    def _mountpoint(
        self, connection: sqlite3.Connection, stream: int, mountpoint: str, at: MappedMountpoint
    ) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO mountpoints VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                stream,
                mountpoint,
                _json(at.path),
                at.owner,
                _json(at.target),
                _json(at.address),
                at.refused,
            ),
        )


class SqliteContainers:
    """Containers over the projection's tables."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def folders(self, stream: str) -> dict[str, MappedFolder]:
        """Every mapped folder by its id in the backup."""
        with self._connections.lease() as connection:
            rows = connection.execute(
                "SELECT folder, source, path, reason FROM folders"
                " JOIN streams ON streams.id = folders.stream WHERE streams.name = ?"
                " ORDER BY folder",
                (stream,),
            ).fetchall()
        return {
            folder: MappedFolder(_path(source), _path(path), reason)
            for folder, source, path, reason in rows
        }

    def merged(self, stream: str) -> dict[events.Path, tuple[str, ...]]:
        """The backup folders that share one destination folder, by its path."""
        with self._connections.lease() as connection:
            rows = connection.execute(
                "SELECT path, folders FROM merged"
                " JOIN streams ON streams.id = merged.stream WHERE streams.name = ? ORDER BY path",
                (stream,),
            ).fetchall()
        return {_path(path): _ids(folders) for path, folders in rows}

    def mountpoints(self, stream: str) -> dict[str, MappedMountpoint]:
        """Every decided mountpoint by its id in the backup."""
        with self._connections.lease() as connection:
            rows = connection.execute(
                "SELECT mountpoint, path, owner, target, address, refused FROM mountpoints"
                " JOIN streams ON streams.id = mountpoints.stream WHERE streams.name = ?"
                " ORDER BY mountpoint",
                (stream,),
            ).fetchall()
        return {
            mountpoint: MappedMountpoint(_path(path), owner, _path(target), _path(address), refused)
            for mountpoint, path, owner, target, address, refused in rows
        }
