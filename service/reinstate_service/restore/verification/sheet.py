"""The items that were restored into an account beside those that lie there, in a scratch file of
SQLite's that nobody else sees and that goes with it: an account may be larger than memory.

Items have numbers, those restored in the order of their restore, those found in the order in
which they were found. What belongs together is decided in `matching`.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from reinstate_service.destination.contract import StoredItem
from reinstate_service.destination.names import is_keyword
from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.model import Flag, Item, ItemType, Path
from reinstate_service.restore.verification.expected import SHA_256, Expected, without

_TABLES = (
    "CREATE TABLE restored (number INTEGER PRIMARY KEY, name TEXT, moment INTEGER, item TEXT,"
    " path INTEGER, digest TEXT, size INTEGER, lost TEXT, asked INTEGER DEFAULT 1)",
    "CREATE TABLE told (number INTEGER PRIMARY KEY, name TEXT, moment INTEGER,"
    " date INTEGER, second INTEGER, flags INTEGER, keywords TEXT)",
    "CREATE TABLE found (number INTEGER PRIMARY KEY, name TEXT, type TEXT, path INTEGER,"
    " digest TEXT, size INTEGER, date INTEGER, second INTEGER, flags INTEGER, keywords TEXT)",
    "CREATE TABLE strangers (number INTEGER PRIMARY KEY, path INTEGER, digest TEXT, size INTEGER,"
    " second INTEGER, flags INTEGER, keywords TEXT)",
    "CREATE TABLE paired (restored INTEGER, found INTEGER)",
)
#: With all that `_PAIRS` asks for, which reads these from their beginnings to their ends.
_BY_NAME = (
    "CREATE INDEX restored_name ON restored (name, moment, path, digest, size, lost, asked)",
    "CREATE INDEX told_name ON told (name, moment, second, flags, keywords)",
    "CREATE INDEX found_name ON found (name, path, digest, size, second, flags, keywords)",
)
_STRANGERS_BY_CONTENT = (
    "CREATE INDEX stranger_digest ON strangers (digest, path, size, second)",
    "CREATE INDEX stranger_size ON strangers (size, second, path)",
)
_RESTORED_BY_CONTENT = (
    "CREATE INDEX restored_digest ON restored (digest)",
    "CREATE INDEX restored_size ON restored (size)",
)
_RESTORED = "INSERT INTO restored VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 1)"
_TOLD = "INSERT INTO told VALUES (NULL, ?, ?, ?, ?, ?, ?)"
_FOUND = "INSERT INTO found VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#: Whether anything was added twice under a name, and what then leaves the last of these.
_LAST = (
    (
        "SELECT 1 FROM restored GROUP BY name HAVING count(*) > 1 LIMIT 1",
        "DELETE FROM restored WHERE number NOT IN (SELECT max(number) FROM restored GROUP BY name)",
    ),
    (
        "SELECT 1 FROM told GROUP BY name, moment HAVING count(*) > 1 LIMIT 1",
        "DELETE FROM told WHERE number NOT IN (SELECT max(number) FROM told GROUP BY name, moment)",
    ),
)
_PAIRS = """
    SELECT r.number, f.number,
        f.path = r.path AND r.lost IS NULL
        AND CASE WHEN f.digest = '' OR length(r.digest) <> :whole
            THEN f.size = r.size ELSE f.digest = r.digest END
        AND (t.name IS NULL
            OR f.second = t.second AND f.flags = t.flags AND f.keywords = t.keywords)
    FROM restored r INDEXED BY restored_name
        LEFT JOIN told t ON t.name = r.name AND t.moment IS r.moment
        JOIN found f ON f.name = r.name
    WHERE r.asked ORDER BY r.name
"""
_WANTED = """
    SELECT r.item, r.path, r.digest, r.size, r.lost, t.date, t.flags, t.keywords
    FROM restored r LEFT JOIN told t ON t.name = r.name AND t.moment IS r.moment
    WHERE r.number = ?
"""
_STORED = "SELECT path, name, type, digest, size, date, flags, keywords FROM found WHERE number = ?"
_STRANGERS = """
    INSERT INTO strangers
    SELECT number, path, digest, size, second, flags, keywords FROM found f
    WHERE NOT EXISTS (SELECT 1 FROM restored r WHERE r.name = f.name)
"""
#: Restored items that were not found by name, and strangers that are as these should be, the
#: first of each sort with the first; digests count where they are known.
_PAIRED = """
    INSERT INTO paired SELECT r.number, s.number FROM
        (SELECT r.number, CASE WHEN :read THEN r.digest ELSE '' END AS digest, r.path, r.size,
            t.second, t.flags, t.keywords, row_number() OVER (PARTITION BY
            CASE WHEN :read THEN r.digest END, r.path, r.size, t.second, t.flags, t.keywords
            ORDER BY r.number) AS nth
        FROM restored r JOIN told t ON t.name = r.name AND t.moment IS r.moment
        WHERE r.asked AND r.lost IS NULL
            AND NOT EXISTS (SELECT 1 FROM found f WHERE f.name = r.name)) r
    JOIN
        (SELECT *, row_number() OVER (PARTITION BY digest, path, size, second, flags, keywords
            ORDER BY number) AS nth
        FROM strangers WHERE (digest <> '') = :read) s
    USING (digest, path, size, second, flags, keywords, nth)
"""
_LIKE_STRANGERS = """
    SELECT s.number, coalesce(
        (SELECT r.number FROM restored r WHERE s.digest <> '' AND r.digest = s.digest LIMIT 1),
        (SELECT r.number FROM restored r INDEXED BY restored_size
            JOIN told t ON t.name = r.name AND t.moment IS r.moment
            WHERE s.digest = '' AND r.size = s.size AND t.second = s.second LIMIT 1))
    FROM strangers s ORDER BY s.number
"""
_AT_ONCE = 500


class Sheet:
    """One account's items; used by one thread. First what was restored, told and found is added,
    then it is compared."""

    def __init__(self) -> None:
        # An empty name is a file of its own that is removed at once; nothing of it has to last.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._all(_TABLES)
        self._db.execute("BEGIN")
        self._waiting: list[tuple[object, ...]] = []
        self._paths: list[Path] = []
        self._numbers: dict[Path, int] = {}

    def close(self) -> None:
        """Forgets everything."""
        self._db.close()

    def add_restored(
        self, name: str, moment: int | None, wanted: Expected, lost: tuple[str, ...]
    ) -> None:
        """Adds an item by the name that it was delivered under, as it was restored from the backup
        of that moment, without the flags and keywords that were `lost`."""
        path, words = self._number(wanted.path), _text(lost) if lost else None
        row = (name, moment, wanted.item, path, wanted.digest, wanted.size, words)
        self._waiting.append(row)
        if len(self._waiting) == _AT_ONCE:
            self._write()

    def add_told(self, moment: int | None, told: Iterable[tuple[str, Item]]) -> None:
        """Adds what the backup of that moment tells of items, by the same names. Raises what the
        iterator raises."""
        rows = (
            (name, moment, one.date, one.date // 1000, one.flags, _keywords(one.tags))
            for name, one in told
        )
        self._db.executemany(_TOLD, rows)

    def add_found(self, found: Iterable[StoredItem]) -> None:
        """Adds what lies there. Raises what the iterator raises."""
        number = self._number
        rows = (
            (
                *(one.name, one.type, number(one.path), one.digest, one.size),
                *(one.date, one.date // 1000, one.flags, _text(one.keywords)),
            )
            for one in found
        )
        self._db.executemany(_FOUND, rows)

    def names(self) -> Iterator[str]:
        """The names of the restored items."""
        self._write()
        return (name for (name,) in self._db.execute("SELECT DISTINCT name FROM restored"))

    def ask_for(self, names: Collection[str]) -> bool:
        """Leaves all restored items but these out of the comparison; they are no strangers. Answers
        whether these are all."""
        self._write()
        self._db.execute("UPDATE restored SET asked = 0")
        asked = ((name,) for name in names)
        self._db.executemany("UPDATE restored SET asked = 1 WHERE name = ?", asked)
        return not self._any("SELECT 1 FROM restored WHERE NOT asked LIMIT 1")

    def pairs(self) -> Iterator[tuple[int, int, bool]]:
        """The numbers of each restored item that is asked for and of each found one under its
        name, in the order of the names; and whether the latter is plain to be untouched. To be
        asked first, when all is added."""
        self._write()
        self._all(_BY_NAME)
        for twice, last in _LAST:
            if self._any(twice):
                self._db.execute(last)
        return self._db.execute(_PAIRS, {"whole": SHA_256})

    def asked(self) -> Iterator[int]:
        """The numbers of the restored items."""
        return (one for (one,) in self._db.execute("SELECT number FROM restored WHERE asked"))

    def numbers(self) -> array[int]:
        """A zero for each number of a restored item."""
        (most,) = self._db.execute("SELECT coalesce(max(number), 0) FROM restored").fetchone()
        return array("q", bytes(8 * (most + 1)))

    def wanted(self, number: int) -> Expected:
        """A restored item as it should be."""
        item, path, digest, size, words, date, flags, keywords = self._one(_WANTED, number)
        wanted = Expected(item, self._paths[path], digest, size)
        if date is None:
            return wanted
        lost = set(_words(words)) if words else set[str]()
        return msgspec.structs.replace(
            wanted,
            date=date,
            flags=without(Flag(flags), lost),
            keywords=tuple(one for one in _words(keywords) if one not in lost),
        )

    def stored(self, number: int) -> StoredItem:
        """A found item."""
        path, name, type_, digest, size, date, flags, words = self._one(_STORED, number)
        return StoredItem(
            self._paths[path], name, ItemType(type_), digest, size, date, Flag(flags), _words(words)
        )

    def untouched_strangers(self) -> Iterator[int]:
        """The numbers of the restored items that are untouched but for their names. What was
        found under no known name is a stranger from now on, but for these."""
        self._db.execute(_STRANGERS)
        for read in (False, True):
            if self._any(f"SELECT 1 FROM strangers WHERE (digest <> '') = {read:d} LIMIT 1"):  # noqa: S608 a number
                self._db.execute(_PAIRED, {"read": read})
        self._db.execute("DELETE FROM strangers WHERE number IN (SELECT found FROM paired)")
        self._all(_STRANGERS_BY_CONTENT)
        return (one for (one,) in self._db.execute("SELECT restored FROM paired"))

    def has_strangers(self) -> bool:
        """Whether any stranger is left."""
        return self._any("SELECT 1 FROM strangers LIMIT 1")

    def take(self, where: Mapping[str, Any]) -> int | None:
        """Takes out a stranger with these facts; answers its number, None if there is none."""
        facts = dict(where)
        if "path" in facts:
            facts["path"] = self._number(facts["path"])
        condition = " AND ".join(f"{column} = ?" for column in facts)
        statement = f"SELECT number FROM strangers WHERE {condition} LIMIT 1"  # noqa: S608 our names
        row = self._db.execute(statement, tuple(facts.values())).fetchone()
        if row is None:
            return None
        self._db.execute("DELETE FROM strangers WHERE number = ?", row)
        return int(row[0])

    def strangers(self) -> Iterator[tuple[int, int | None]]:
        """The numbers of the strangers that are left, each with that of a restored item that has
        the same content."""
        if not self.has_strangers():
            return iter(())
        self._all(_RESTORED_BY_CONTENT)
        return self._db.execute(_LIKE_STRANGERS)

    def _one(self, statement: str, number: int) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._db.execute(statement, (number,)).fetchone()
        return row

    def _any(self, statement: str) -> bool:
        return self._db.execute(statement).fetchone() is not None

    def _all(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._db.execute(statement)

    def _write(self) -> None:
        self._db.executemany(_RESTORED, self._waiting)
        self._waiting.clear()

    def _number(self, path: Path) -> int:
        """A number for the path, the same each time."""
        number = self._numbers.setdefault(path, len(self._paths))
        if number == len(self._paths):
            self._paths.append(path)
        return number


@lru_cache
def _keywords(tags: tuple[str, ...]) -> str:
    """The keywords for tags, as far as these are any, as a text."""
    return _text(tuple(one for one in map(keyword_of, tags) if is_keyword(one)))


@lru_cache
def _text(words: tuple[str, ...]) -> str:
    """Words in any order as a text."""
    return msgspec.json.encode(sorted(words)).decode()


@lru_cache
def _words(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
