"""How much may go wrong with items before a restore is suspended for a person to look at it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.errors import Interrupted
from reinstate_journal.events import ItemFailed, ItemReopened, ItemSkipped
from reinstate_journal.progress import Tally
from reinstate_service.restore.options import Options
from reinstate_service.restore.selection import TOO_LARGE

#: The kinds of events that can change the counts.
_COUNTED = frozenset((ItemFailed, ItemReopened, ItemSkipped))


class Suspended(Interrupted):
    """More items failed, or were too large, than the restore was told to bear."""

    message = "Suspended: {count} items {what}, more than the {limit} that are allowed"
    hint = (
        "What they are: reinstate report. Accept them with reinstate approve, then: reinstate"
        " resume. Or mend the cause, then: reinstate retry"
    )
    exit_code = 3


class Limits:
    """Counts over all accounts of a restore; used by several threads."""

    def __init__(self, options: Options, tallies: Iterable[Tally] = ()) -> None:
        """`tallies` are what earlier runs came to."""
        self._bad_limit = options.bad_item_limit
        self._large_limit = options.large_item_limit
        self._lock = threading.Lock()
        self._bad = self._large = 0
        for tally in tallies:
            self._bad += tally.count if tally.outcome is Outcome.FAILED else 0
            self._large += tally.count if tally.reason == TOO_LARGE else 0

    def count(self, events: Collection[Event]) -> None:
        """Adds what a batch came to. Raises Suspended if that is too much."""
        if _COUNTED.isdisjoint(map(type, events)):
            return
        bad = large = 0
        for event in events:
            match event:
                case ItemFailed():
                    bad += 1
                case ItemReopened(was=Outcome.FAILED):
                    bad -= 1
                case ItemSkipped():
                    large += event.reason == TOO_LARGE
                case ItemReopened():
                    large -= event.reason == TOO_LARGE
        with self._lock:
            self._bad += bad
            self._large += large
        if bad > 0 or large > 0:
            self.check()

    def check(self) -> None:
        """Raises Suspended if there is too much already."""
        for count, limit, what in (
            (self._bad, self._bad_limit, "could not be restored"),
            (self._large, self._large_limit, "are too large"),
        ):
            if limit is not None and count > limit:
                raise Suspended(count=count, what=what, limit=limit)
