"""The projection `container_map`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar

import msgspec

from reinstate_journal import events
from reinstate_journal.catalogue import Event
from reinstate_journal.sqlite.row import Stretch

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
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    owner TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    restored INTEGER NOT NULL,
    refused TEXT NOT NULL,
    PRIMARY KEY (stream, mountpoint)
) WITHOUT ROWID"""

_FILTERS = """CREATE TABLE filters (
    stream INTEGER NOT NULL,
    script TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    changed TEXT NOT NULL,
    left_alone TEXT NOT NULL,
    active INTEGER NOT NULL,
    PRIMARY KEY (stream, script)
) WITHOUT ROWID"""

_TRANSLATED = """CREATE TABLE translated (
    stream INTEGER NOT NULL,
    script TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    kept TEXT NOT NULL,
    PRIMARY KEY (stream, script)
) WITHOUT ROWID"""

_RELOCATING = """CREATE TABLE relocating (
    stream INTEGER NOT NULL,
    mountpoint TEXT NOT NULL,
    source TEXT NOT NULL,
    owner TEXT NOT NULL,
    target TEXT NOT NULL,
    items TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    PRIMARY KEY (stream, mountpoint, source)
) WITHOUT ROWID"""

_MOVED = """CREATE TABLE moved (
    stream INTEGER NOT NULL,
    mountpoint TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    items INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (stream, mountpoint, source)
) WITHOUT ROWID"""

_LEFT_OUT = """CREATE TABLE left_out (
    stream INTEGER NOT NULL,
    folder TEXT NOT NULL,
    keyword TEXT NOT NULL,
    PRIMARY KEY (stream, folder, keyword)
) WITHOUT ROWID"""


def encoded(value: object) -> str:
    """JSON as the tables hold it."""
    return msgspec.json.encode(value).decode()


class ContainerMapProjection:
    """Where each backup folder, mountpoint and filter went, and the keywords without a place there;
    paths are JSON lists of segments."""

    name: ClassVar[str] = "container_map"
    version: ClassVar[int] = 7
    tables: ClassVar[Mapping[str, Sequence[str]]] = {
        "folders": (_FOLDERS,),
        "merged": (_MERGED,),
        "mountpoints": (_MOUNTPOINTS,),
        "filters": (_FILTERS,),
        "translated": (_TRANSLATED,),
        "relocating": (_RELOCATING,),
        "moved": (_MOVED,),
        "left_out": (_LEFT_OUT,),
    }

    def apply(self, connection: sqlite3.Connection, stretches: Sequence[Stretch]) -> None:
        """Fold the events; a later event about the same thing replaces an earlier one."""
        for stretch in stretches:
            if (change := CHANGES.get(stretch.kind)) is not None:
                for statement, values in chain.from_iterable(map(change, stretch.events)):
                    connection.execute(statement, (stretch.stream_id, *values))


Statements = Iterator[tuple[str, tuple[object, ...]]]


def _folder_mapped(event: events.FolderMapped) -> Statements:
    yield (
        "INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?, ?)",
        (event.folder, encoded(event.source), encoded(event.path), event.reason),
    )


def _folders_merged(event: events.FoldersMerged) -> Statements:
    yield (
        "INSERT OR REPLACE INTO merged VALUES (?, ?, ?)",
        (encoded(event.path), encoded(event.folders)),
    )


def _mountpoint_mapped(event: events.MountpointMapped) -> Statements:
    yield (
        "INSERT OR REPLACE INTO mountpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
        (
            event.mountpoint,
            encoded(event.source),
            encoded(event.path),
            event.owner,
            encoded(event.target),
            encoded(event.address),
            event.reason,
        ),
    )


def _mountpoint_restored(event: events.MountpointRestored) -> Statements:
    yield (
        "UPDATE mountpoints SET restored = 1, refused = '' WHERE stream = ? AND mountpoint = ?",
        (event.mountpoint,),
    )


def _mountpoint_refused(event: events.MountpointRefused) -> Statements:
    yield (
        "INSERT INTO mountpoints VALUES (?, ?, ?, '[]', '', '[]', '[]', '', 0, ?)"
        " ON CONFLICT DO UPDATE SET restored = 0, refused = excluded.refused",
        (event.mountpoint, encoded(event.path), event.reason),
    )


def _filter_redirected(event: events.FilterRedirected) -> Statements:
    yield (
        "INSERT OR REPLACE INTO filters VALUES (?, ?, ?, ?, ?, ?, 0)",
        (event.script, event.before, event.after, encoded(event.changed), encoded(event.left)),
    )


def _filter_translated(event: events.FilterTranslated) -> Statements:
    yield (
        "INSERT OR REPLACE INTO translated VALUES (?, ?, ?, ?, ?)",
        (event.script, event.before, event.after, encoded(event.kept)),
    )


def _filter_activated(event: events.FilterActivated) -> Statements:
    yield (
        "UPDATE filters SET active = 1 WHERE stream = ? AND script = ? AND after = ?",
        (event.script, event.revision),
    )


def _relocation_started(event: events.RelocationStarted) -> Statements:
    yield (
        "INSERT OR REPLACE INTO relocating VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.mountpoint,
            encoded(event.source),
            event.owner,
            encoded(event.target),
            encoded(event.items),
            event.uidvalidity,
            event.uidnext,
        ),
    )


def _stray_folder_emptied(event: events.StrayFolderEmptied) -> Statements:
    yield (
        "INSERT OR REPLACE INTO relocating VALUES (?, ?, ?, ?, ?, '[]', 0, 0)",
        (event.mountpoint, encoded(event.path), event.owner, encoded(event.target)),
    )


def _stray_folder_removed(event: events.StrayFolderRemoved) -> Statements:
    yield (
        "DELETE FROM relocating WHERE stream = ? AND mountpoint = ? AND source = ?",
        (event.mountpoint, encoded(event.path)),
    )


def _items_relocated(event: events.ItemsRelocated) -> Statements:
    yield (
        "DELETE FROM relocating WHERE stream = ? AND mountpoint = ? AND source = ?",
        (event.mountpoint, encoded(event.source)),
    )
    yield (
        "INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (stream, mountpoint, source) DO UPDATE"
        " SET items = items + excluded.items, gone = gone + excluded.gone",
        (
            event.mountpoint,
            encoded(event.source),
            encoded(event.target),
            len(event.items),
            len(event.gone),
        ),
    )


def _keywords_left_out(event: events.KeywordsLeftOut) -> Statements:
    for keyword in event.keywords:
        yield ("INSERT OR IGNORE INTO left_out VALUES (?, ?, ?)", (event.folder, keyword))


#: The events that change the map, and how.
CHANGES: Mapping[type[Event], Callable[[Any], Statements]] = {
    events.FolderMapped: _folder_mapped,
    events.FoldersMerged: _folders_merged,
    events.MountpointMapped: _mountpoint_mapped,
    events.MountpointRestored: _mountpoint_restored,
    events.MountpointRefused: _mountpoint_refused,
    events.FilterTranslated: _filter_translated,
    events.FilterRedirected: _filter_redirected,
    events.FilterActivated: _filter_activated,
    events.RelocationStarted: _relocation_started,
    events.ItemsRelocated: _items_relocated,
    events.StrayFolderEmptied: _stray_folder_emptied,
    events.StrayFolderRemoved: _stray_folder_removed,
    events.KeywordsLeftOut: _keywords_left_out,
}
