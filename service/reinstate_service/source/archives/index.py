"""An account's index: an SQLite file of what its archives hold, and of contents made from it.

    records     one row for each item in each archive that has it
    containers  the same of folders, mountpoints, searches and tags
    places      the path of every folder that an item lies in
    bodies      where in the account's scratch file the body with a digest begins
    contents    vCards and iCalendar objects by digest
    contacts    the UID of each contact, for the groups it is a member of
    troubles    parts of archives that are no record
    notes       what has to be said of an item that was converted
    raw         while it is made: what contents are made of

An index is written once, under a temporary name, and only read after that.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from reinstate_service import durable
from reinstate_service.model import Frozen
from reinstate_service.source.archives.errors import IndexLost
from reinstate_service.source.archives.rows import (
    ContainerRow,
    ItemRow,
    decode_container,
    decode_item,
    encode,
)

#: Changes whenever what is read from the same archives does.
VERSION = 1

_SCHEMA = """
CREATE TABLE records (
    id INTEGER, archive INTEGER, entry INTEGER, changed INTEGER, sequence INTEGER, record BLOB,
    PRIMARY KEY (id, archive, entry)
) WITHOUT ROWID;
CREATE TABLE containers (
    id INTEGER, archive INTEGER, entry INTEGER, changed INTEGER, sequence INTEGER, record BLOB,
    PRIMARY KEY (id, archive, entry)
) WITHOUT ROWID;
CREATE TABLE places (folder INTEGER PRIMARY KEY, path TEXT);
CREATE TABLE bodies (digest TEXT PRIMARY KEY, start INTEGER, size INTEGER) WITHOUT ROWID;
CREATE TABLE contents (digest TEXT PRIMARY KEY, content BLOB);
CREATE TABLE contacts (id INTEGER PRIMARY KEY, uid TEXT);
CREATE TABLE troubles (
    archive INTEGER, entry INTEGER, failure TEXT, reason TEXT, PRIMARY KEY (archive, entry)
) WITHOUT ROWID;
CREATE TABLE notes (id INTEGER, note TEXT);
CREATE TABLE raw (
    id INTEGER, archive INTEGER, entry INTEGER, record BLOB, PRIMARY KEY (id, archive, entry)
);
"""
_PAGE = 1000

Key = tuple[int, int, int]


class Found(Frozen, frozen=True):
    """A record in one archive. Of several the one with the highest `age` is the newest."""

    id: int
    archive: int
    entry: int
    changed: int
    sequence: int

    @property
    def age(self) -> tuple[int, int, int, int]:
        """By the mailbox's own count of changes, then its clock, then the archive's."""
        return self.sequence, self.changed, self.archive, self.entry


class Building:
    """An index that is being written, by one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.executescript(_SCHEMA)
        self._base.execute("BEGIN")

    def put_record(self, found: Found, row: ItemRow) -> None:
        """One archive's state of an item."""
        self._put("records", found, encode(row))

    def put_container(self, found: Found, row: ContainerRow) -> None:
        """One archive's state of a container."""
        self._put("containers", found, encode(row))

    def _put(self, table: str, found: Found, record: bytes) -> None:
        values = (found.id, found.archive, found.entry, found.changed, found.sequence, record)
        self._base.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608

    def put(self, table: str, *values: object) -> None:
        """A row of one of the other tables; one that is there already stays."""
        marks = ", ".join("?" * len(values))
        self._base.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)  # noqa: S608

    def raw(self) -> Iterator[tuple[Key, bytes]]:
        """Everything that contents are to be made of, by item."""
        for key in self._base.execute("SELECT id, archive, entry FROM raw ORDER BY 1").fetchall():
            sql = "SELECT record FROM raw WHERE id = ? AND archive = ? AND entry = ?"
            yield key, self._base.execute(sql, key).fetchone()[0]

    def item(self, key: Key) -> ItemRow:
        """The record of the key."""
        sql = "SELECT record FROM records WHERE id = ? AND archive = ? AND entry = ?"
        return decode_item(self._base.execute(sql, key).fetchone()[0])

    def change(self, key: Key, row: ItemRow, new: int | None = None) -> None:
        """Another state of the record, under a `new` id if one is given."""
        self._base.execute(
            "UPDATE records SET record = ?, id = ? WHERE id = ? AND archive = ? AND entry = ?",
            (encode(row), key[0] if new is None else new, *key),
        )

    def several(self) -> list[Key]:
        """The keys of all records whose id an archive has more than once."""
        sql = (
            "SELECT id, archive, entry FROM records WHERE id IN"
            " (SELECT id FROM records GROUP BY id HAVING count(*) > 1) ORDER BY 1, 2, 3"
        )
        return self._base.execute(sql).fetchall()

    def tag_names(self) -> dict[str, str]:
        """The names of the tags by their ids."""
        rows = self._base.execute("SELECT id, record FROM containers ORDER BY sequence, changed")
        found = ((str(number), decode_container(record)) for number, record in rows)
        return {number: row.name for number, row in found if row.kind == 3}

    def contacts(self) -> dict[str, str]:
        """The UIDs of the contacts by their ids."""
        return {str(key): uid for key, uid in self._base.execute("SELECT * FROM contacts")}

    def finish(self, place: Path) -> None:
        """Makes it durable, and puts it in its place."""
        self._base.execute("DROP TABLE raw")
        self._base.execute(f"PRAGMA user_version = {VERSION}")
        self._base.execute("COMMIT")
        self._base.close()
        durable.flush(self.path)
        self.path.rename(place)

    def abandon(self) -> None:
        """Takes it away."""
        self._base.close()
        self.path.unlink(missing_ok=True)


class Index:
    """An index that is whole; read from any thread. Every question raises IndexLost."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_whole(self) -> bool:
        """Whether there is one and it can be read; it is only a copy of what archives say."""
        if not self._path.exists():
            return False
        try:
            return bool(self._all("PRAGMA user_version")[0][0] == VERSION)
        except IndexLost:
            return False

    def _all(self, sql: str, values: Iterable[object] = ()) -> list[Any]:
        try:
            base = sqlite3.connect(f"{self._path.as_uri()}?mode=ro&immutable=1", uri=True)
            with contextlib.closing(base):
                return base.execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise IndexLost(path=self._path, detail=error) from error

    def count(self) -> int:
        """How many items there are."""
        count: int = self._all("SELECT count(DISTINCT id) FROM records")[0][0]
        return count

    def records(self, after: int = -1) -> Iterator[tuple[int, list[tuple[Found, ItemRow]]]]:
        """Every item behind that id with its records, by ascending id."""
        sql = "SELECT * FROM records WHERE id > ? AND id <= ? ORDER BY 1, 2, 3"
        for low, high in self._pages(after):
            for number, rows in groupby(self._all(sql, (low, high)), key=lambda row: row[0]):
                yield number, [(Found(*row[:5]), decode_item(row[5])) for row in rows]

    def _pages(self, low: int) -> Iterator[tuple[int, int]]:
        sql = f"SELECT DISTINCT id FROM records WHERE id > ? ORDER BY 1 LIMIT {_PAGE}"  # noqa: S608
        while ids := self._all(sql, (low,)):
            yield low, ids[-1][0]
            low = ids[-1][0]

    def containers(self) -> dict[int, list[tuple[Found, ContainerRow]]]:
        """Every container with its records, by ascending id."""
        found: dict[int, list[tuple[Found, ContainerRow]]] = {}
        for row in self._all("SELECT * FROM containers ORDER BY 1, 2, 3"):
            found.setdefault(row[0], []).append((Found(*row[:5]), decode_container(row[5])))
        return found

    def places(self) -> dict[int, str]:
        """The path of every folder that an item lies in, by the folder's number."""
        return dict(self._all("SELECT folder, path FROM places ORDER BY 1"))

    def troubles(self) -> list[tuple[int, int, str, str]]:
        """Archive, entry, class of the error and its text, of all parts that are no record."""
        return self._all("SELECT * FROM troubles ORDER BY 1, entry = 0, 2")

    def notes(self) -> list[tuple[int, str]]:
        """What has to be said of items that were converted."""
        return self._all("SELECT * FROM notes ORDER BY 1")

    def contacts(self) -> dict[str, str]:
        """The UIDs of the contacts by their ids."""
        return {str(key): uid for key, uid in self._all("SELECT * FROM contacts")}

    def body(self, digest: str) -> tuple[int, int] | None:
        """Where in the scratch file the body begins, and its size."""
        found = self._all("SELECT start, size FROM bodies WHERE digest = ?", (digest,))
        return found[0] if found else None

    def body_bytes(self) -> int:
        """What all bodies take in the scratch file."""
        found: int = self._all("SELECT coalesce(max(start + size), 0) FROM bodies")[0][0]
        return found

    def content(self, digest: str) -> bytes | None:
        """The content that was made and has this digest."""
        found = self._all("SELECT content FROM contents WHERE digest = ?", (digest,))
        return found[0][0] if found else None
