"""Many rows by few statements.

A statement of a hundred rows takes half the time of a hundred statements of one: sqlite3 and
SQLite's own machine begin and end only once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

# Of rows with up to 9 values: SQLite takes at least 999 parameters, however it was built.
_SIZES = (100, 10, 1)


class Insert:
    """An INSERT of any number of rows, each given as `row` (such as "(?, 0, ?)")."""

    def __init__(self, into: str, row: str, conflict: str = "") -> None:
        self._statements = [
            (
                size * row.count("?"),
                f"INSERT INTO {into} VALUES {', '.join([row] * size)} {conflict}",  # noqa: S608 - names are constants
            )
            for size in _SIZES
        ]

    def __call__(self, connection: sqlite3.Connection, values: Sequence[object]) -> None:
        """Insert the rows in their order, given as the values of one after the other."""
        start = 0
        for width, statement in self._statements:
            while len(values) - start >= width:
                connection.execute(statement, values[start : start + width])
                start += width
