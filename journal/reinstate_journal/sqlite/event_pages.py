"""Events by the page, each column by itself, as SQLite gathers them.

A row costs sqlite3 more than all that is looked at in it: a page comes as a single one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

_PAGE = 5000
_INTEGERS = ("position", "stream", "version", "shape", "recorded_at")
# Data that is no text, and what is no chain, is missing from what is gathered.
_SELECT = (
    f"SELECT {', '.join(f'json_group_array({name})' for name in _INTEGERS)},"  # noqa: S608 - names are constants
    " CAST(group_concat(CASE typeof(data) WHEN 'text' THEN data END, char(10)) AS BLOB),"
    " CAST(group_concat(CASE WHEN typeof(chain) = 'blob' AND length(chain) = 32 THEN chain END, '')"
    " AS BLOB)"
    " FROM (SELECT * FROM journal.events WHERE position > ? ORDER BY position LIMIT ?)"
)
_decoder = msgspec.json.Decoder(list[int])


class EventPage(NamedTuple):
    """Rows that follow each other, by their columns. `data` is UTF-8, and JSON if it is sound;
    `chains` are 32 bytes each."""

    positions: Sequence[int]
    streams: Sequence[int]
    versions: Sequence[int]
    shapes: Sequence[int]
    moments: Sequence[int]
    data: Sequence[bytes]
    chains: bytes


def event_pages(connection: sqlite3.Connection) -> Iterator[EventPage]:
    """The events of the `journal` that is attached, in their order.

    It ends early at a page that has a value which is not of its column's type, or JSON of more
    than one line, as no journal of ours has: these can only be told from each other row by row.
    Raises sqlite3.DatabaseError.
    """
    after = 0
    while (page := _page(connection, after)) is not None:
        yield page
        after = page.positions[-1]


def _page(connection: sqlite3.Connection, after: int) -> EventPage | None:
    try:
        *texts, data, chains = connection.execute(_SELECT, (after, _PAGE)).fetchone()
        integers = [_decoder.decode(text) for text in texts]
        (data or b"").decode()
    except (sqlite3.OperationalError, msgspec.MsgspecError, UnicodeError):
        return None  # SQLite makes no JSON of a BLOB
    except sqlite3.DataError:
        return None  # of more than a gigabyte
    every = (data or b"").split(b"\n")
    if len(every) != len(integers[0]) or len(chains or b"") != 32 * len(every):
        return None
    if any("." in text for text in texts):
        return None  # 1.0 passes for an integer
    return EventPage._make((*integers, every, chains))
