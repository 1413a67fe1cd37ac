"""A look at the last events, and at the streams, before more are put behind them.

The whole chain takes time in proportion to the journal (`check`), and a restore of a million
items has to go on at once. What a disk that lies about flushes loses or tears is what was
written last; so that much is looked at whenever somebody is about to write.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reinstate_journal.chain import GENESIS, link
from reinstate_journal.errors import JournalDamaged

#: So many events; some milliseconds.
TAIL = 1_000

_LAST = (
    "SELECT events.position, streams.name, events.version, shapes.type, shapes.schema,"
    " events.recorded_at, events.data, events.chain FROM events"
    " LEFT JOIN streams ON streams.id = events.stream"
    " LEFT JOIN shapes ON shapes.id = events.shape"
    " WHERE events.position >= ? ORDER BY events.position"
)
_TYPES = (int, str, int, str, int, int, str, bytes)

_OF_OTHER_LENGTH = (
    "SELECT name FROM streams WHERE version IS NOT"
    " (SELECT max(version) FROM events WHERE events.stream = streams.id) LIMIT 1"
)


def require_sound_tail(connection: sqlite3.Connection, path: Path, head: int) -> None:
    """See to it that the last events up to `head` follow from each other.

    Raises JournalDamaged.
    """
    # The first of these has nothing before it to follow from, unless it is the first of all.
    first = max(head - TAIL, 0)
    expected, chain = first, GENESIS
    for row in connection.execute(_LAST, (first,)):
        position, stream, version, kind, schema, at, data, found = row
        expected = expected or 1
        if position != expected or any(
            type(value) is not known for value, known in zip(row, _TYPES, strict=True)
        ):
            raise _damaged(path, expected)
        if position != first:
            chain = link(
                chain, position, stream.encode(), version, kind.encode(), schema, at, data.encode()
            )
            if chain != found:
                raise _damaged(path, position)
        expected, chain = position + 1, found


def require_sound_streams(connection: sqlite3.Connection, path: Path) -> None:
    """See to it that each stream is found by its name and is as long as its events say; takes
    time in proportion to the number of streams. One that is not found would begin anew.

    Raises JournalDamaged.
    """
    told = [row[0] for row in connection.execute("PRAGMA integrity_check(streams)")]
    told += [f"stream {row[0]} has another length" for row in connection.execute(_OF_OTHER_LENGTH)]
    if told != ["ok"]:
        wrong = next(one for one in told if one != "ok")
        raise JournalDamaged(path=path, detail=f"its streams are not what the events say: {wrong}")


def _damaged(path: Path, position: int) -> JournalDamaged:
    return JournalDamaged(
        path=path,
        detail=f"event {position} does not follow from the event before it;"
        " reinstate journal check says what else is wrong",
    )
