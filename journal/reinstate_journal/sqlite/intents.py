"""Deliveries that were intended and whose outcome is not recorded: few, and gone with it."""

from __future__ import annotations

import sqlite3
from itertools import zip_longest
from typing import Final

from reinstate_journal import events
from reinstate_journal.catalogue import Event

#: `uidnext` is where the fence of the intent at `position` stands now, `settled` are the UIDs above
#: it that are of what is settled.
INTENTS: Final = """CREATE TABLE intents (
    stream INTEGER NOT NULL,
    position INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    settled TEXT NOT NULL,
    PRIMARY KEY (stream, position)
) WITHOUT ROWID"""

#: The events that are folded here.
OF_INTENTS: Final = frozenset(
    (events.DeliveryIntended, events.DeliveriesSettled, events.OldestDeliveriesSettled)
)


def fold_intents(connection: sqlite3.Connection, stream: int, position: int, event: Event) -> None:
    """What an event at its position does to the open intents of its stream."""
    match event:
        case events.DeliveryIntended():
            values = (stream, position, event.uidnext)
            connection.execute("INSERT INTO intents VALUES (?, ?, ?, '')", values)
        case events.DeliveriesSettled():
            connection.execute("DELETE FROM intents WHERE stream = ?", (stream,))
        case events.OldestDeliveriesSettled():
            rows = connection.execute(
                "SELECT position FROM intents WHERE stream = ? ORDER BY position DESC LIMIT ?",
                (stream, len(event.uidnexts)),
            ).fetchall()
            connection.execute("DELETE FROM intents WHERE stream = ?", (stream,))
            fences = zip_longest(event.uidnexts, event.settled, fillvalue="")
            connection.executemany(
                "INSERT INTO intents VALUES (?, ?, ?, ?)",
                [
                    (stream, open_, *fence)
                    for (open_,), fence in zip(rows, reversed([*fences]), strict=False)
                ],
            )
