"""The answers of `Statistics`: sums that SQLite makes over events and steps."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

from reinstate_journal.events import account_stream
from reinstate_journal.journal import Recorded
from reinstate_journal.sqlite.connections import Connections
from reinstate_journal.sqlite.row import columns
from reinstate_journal.statistics import FolderTally, Rate

_CHUNK = 500
#: Of one restore's accounts; their streams' names lie together, up to the sign behind "/".
_STREAMS = "streams.name >= ? AND streams.name < ?"
_ITEMS = "('ItemRestored', 'ItemSkipped', 'ItemFailed', 'ItemInDoubt')"
_ENDED = (
    " FROM streams JOIN steps ON steps.stream = streams.id"
    " JOIN events ON events.position = steps.position"
    f" JOIN shapes ON shapes.id = events.shape AND shapes.type IN {_ITEMS}"
    f" WHERE {_STREAMS}"
)


class SqliteStatistics:
    """Statistics over an SQLite file; `at` reads the events at some positions."""

    def __init__(
        self, connections: Connections, at: Callable[[Sequence[int]], list[Recorded]]
    ) -> None:
        self._connections = connections
        self._at = at

    def rates(self, restore: str, interval: int) -> list[Rate]:
        """The intervals in which items were restored, in order."""
        rows = self._connections.rows(
            columns(Rate),
            "SELECT events.recorded_at / ?1 * ?1, count(*),"
            " coalesce(sum(json_extract(events.data, '$.size')), 0)"
            " FROM streams JOIN events ON events.stream = streams.id"
            " JOIN shapes ON shapes.id = events.shape AND shapes.type = 'ItemRestored'"
            " WHERE streams.name >= ?2 AND streams.name < ?3 GROUP BY 1 ORDER BY 1",
            (interval, *_bounds(restore)),
        )
        return [Rate(*row) for row in rows]

    def folders(self, restore: str) -> list[FolderTally]:
        """How the items of each folder have ended, by account and folder."""
        rows = self._connections.rows(
            columns(FolderTally),
            "SELECT streams.name, json_extract(events.data, '$.folder'),"
            " sum(steps.outcome = 0), sum(steps.outcome = 1), sum(steps.outcome = 2),"
            " sum(steps.outcome = 3),"
            " coalesce(sum(json_extract(events.data, '$.size'))"
            " FILTER (WHERE steps.outcome = 0), 0)"
            f"{_ENDED} GROUP BY 1, 2 ORDER BY 1, 2",
            _bounds(restore),
        )
        return [FolderTally(name.split("/", 2)[-1], *counts) for name, *counts in rows]

    def outcomes(self, restore: str) -> Iterator[Recorded]:
        """For each item and content, the event that it ended with, in their order."""
        rows = self._connections.rows(
            tuple[int], f"SELECT steps.position{_ENDED} ORDER BY 1", _bounds(restore)
        )
        positions = array("q", (position for (position,) in rows))
        for start in range(0, len(positions), _CHUNK):
            yield from self._at(positions[start : start + _CHUNK])


def _bounds(restore: str) -> tuple[str, str]:
    return account_stream(restore, ""), account_stream(restore, "")[:-1] + "0"
