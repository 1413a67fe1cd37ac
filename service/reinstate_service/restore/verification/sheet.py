"""The items that were restored into an account beside those that lie there, in a scratch file of
SQLite's that nobody else sees and that goes with it: an account may be larger than memory.

Items have numbers, those restored in the order of their restore, those found in the order in
which they were found. What belongs together is decided in `matching`.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import Any

import msgspec

from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.contract import StoredItem
from reinstate_service.destination.names import is_keyword
from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.model import Flag, Item, ItemType, Path
from reinstate_service.restore.verification import statements as sql
from reinstate_service.restore.verification.expected import SHA_256, Expected, without

_AT_ONCE = 500


class ScratchUnusable(ReinstateError):
    """The scratch file cannot be written: mostly there is no room for it."""

    message = (
        "The items cannot be laid out in a scratch file (SQLITE_TMPDIR, else /var/tmp): {detail}"
    )
    hint = "Make room there, or set SQLITE_TMPDIR to a folder that has it: 600 bytes for each item."


@contextmanager
def opened_sheet() -> Iterator[Sheet]:
    """An empty sheet, for as long as it is needed. Raises ScratchUnusable, also in its context."""
    try:
        with closing(Sheet()) as sheet:
            yield sheet
    except sqlite3.Error as error:
        raise ScratchUnusable(detail=error) from error


class Sheet:
    """One account's items; used by one thread. First what was restored, told and found is added,
    then it is compared."""

    def __init__(self) -> None:
        # An empty name is a file of its own that is removed at once; nothing of it has to last.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._all(sql.TABLES)
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
        self._db.executemany(sql.TOLD, rows)

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
        self._db.executemany(sql.FOUND, rows)

    def names(self) -> Iterator[str]:
        """The names of the restored items."""
        self._write()
        return (name for (name,) in self._db.execute("SELECT DISTINCT name FROM restored"))

    def ask_for(self, names: Collection[str]) -> bool:
        """Leaves all restored items but these out of the comparison; they are no strangers. Answers
        whether these are all."""
        self._write()
        self._db.executemany("INSERT INTO sample VALUES (?)", ((name,) for name in names))
        self._db.execute("UPDATE restored SET asked = name IN sample")
        return not self._any("SELECT 1 FROM restored WHERE NOT asked LIMIT 1")

    def pairs(self) -> Iterator[tuple[int, int, bool]]:
        """The numbers of each restored item that is asked for and of each found one under its
        name, in the order of the names; and whether the latter is plain to be untouched. To be
        asked first, when all is added."""
        self._write()
        self._all(sql.BY_NAME)
        for twice, last in sql.LAST:
            if self._any(twice):
                self._db.execute(last)
        return self._db.execute(sql.PAIRS, {"whole": SHA_256})

    def asked(self) -> Iterator[int]:
        """The numbers of the restored items."""
        return (one for (one,) in self._db.execute("SELECT number FROM restored WHERE asked"))

    def numbers(self) -> array[int]:
        """A zero for each number of a restored item."""
        (most,) = self._db.execute("SELECT coalesce(max(number), 0) FROM restored").fetchone()
        return array("q", bytes(8 * (most + 1)))

    def wanted(self, number: int) -> Expected:
        """A restored item as it should be."""
        item, path, digest, size, words, date, flags, keywords = self._one(sql.WANTED, number)
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
        path, name, type_, digest, size, date, flags, words = self._one(sql.STORED, number)
        return StoredItem(
            self._paths[path], name, ItemType(type_), digest, size, date, Flag(flags), _words(words)
        )

    def untouched_strangers(self) -> Iterator[int]:
        """The numbers of the restored items that are untouched but for their names. What was
        found under no known name is a stranger from now on, but for these."""
        self._db.execute(sql.STRANGERS)
        # Those that were not read; those that were, with a SHA-256, then with an older digest.
        for read, same in ((False, False), (True, True), (True, False)):
            if self._has_strangers(read=read):
                self._db.execute(sql.PAIRED, {"read": read, "same": same, "whole": SHA_256})
                self._db.execute(sql.NO_STRANGERS)
        self._all(sql.STRANGERS_BY_CONTENT)
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
        self._all(sql.RESTORED_BY_CONTENT)
        return self._db.execute(sql.LIKE_STRANGERS)

    def _one(self, statement: str, number: int) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._db.execute(statement, (number,)).fetchone()
        return row

    def _has_strangers(self, *, read: bool) -> bool:
        statement = "SELECT 1 FROM strangers WHERE (digest <> '') = ? LIMIT 1"
        return self._db.execute(statement, (read,)).fetchone() is not None

    def _any(self, statement: str) -> bool:
        return self._db.execute(statement).fetchone() is not None

    def _all(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._db.execute(statement)

    def _write(self) -> None:
        self._db.executemany(sql.RESTORED, self._waiting)
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
