"""Failures that no record stands for any more.

A part of an archive that was mended, a record that was damaged and then taken away: nothing
remains to be done of it, and nothing else would ever end its step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reinstate_journal.catalogue import Outcome
from reinstate_journal.events import ItemFailed, ItemReopened
from reinstate_service.restore.context import Context
from reinstate_service.source.contract import ItemRecord


class Failures:
    """The failures that stand in an account's `stream` when a pass over its items begins; none
    if it is None."""

    def __init__(self, context: Context, stream: str | None) -> None:
        self._by_item: dict[str, list[ItemFailed]] = {}
        if stream is None:
            return
        for recorded in context.journal.progress.failures_of(stream):
            if isinstance(recorded.event, ItemFailed):
                self._by_item.setdefault(recorded.event.item, []).append(recorded.event)

    def without(self, records: Iterable[ItemRecord]) -> Iterator[ItemRecord]:
        """The records; the failures of those that come by are the pass's own matter."""
        for record in records:
            self._by_item.pop(record.id, None)
            yield record

    def vanished(self) -> list[ItemReopened]:
        """What takes back the failures whose records did not come by."""
        return [
            ItemReopened(
                item=failed.item,
                was=Outcome.FAILED,
                reason=failed.failure,
                digest=failed.digest,
                size=failed.size,
            )
            for several in self._by_item.values()
            for failed in several
        ]
