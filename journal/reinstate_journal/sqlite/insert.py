"""Many rows by few statements.

A statement of a hundred rows takes half the time of a hundred statements of one: sqlite3 and
SQLite's own machine begin and end only once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain

# Of rows with up to 9 values: SQLite takes at least 999 parameters, however it was built.
_MANY = (100, 10)


class Insert:
    """An INSERT of any number of rows, each given as `row` (such as "(?, 0, ?)")."""

    def __init__(self, into: str, row: str, conflict: str = "") -> None:
        self._one, *many = (
            f"INSERT INTO {into} VALUES {', '.join([row] * size)} {conflict}"  # noqa: S608 - names are constants
            for size in (1, *_MANY)
        )
        self._many = list(zip(_MANY, many, strict=True))

    def __call__(self, connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert the rows, in their order."""
        start = 0
        for size, statement in self._many:
            while len(rows) - start >= size:
                values = tuple(chain.from_iterable(rows[start : start + size]))
                connection.execute(statement, values)
                start += size
        if start < len(rows):
            connection.executemany(self._one, rows[start:])
