"""The eventsourcing library at the journal's work. Run by a Python that has it:

    python eventsourcing_peer.py FILE EVENTS BATCH

Prints the seconds in which it wrote the events and its processor seconds, then both of reading
them back.
"""

from __future__ import annotations

import sys
import time
from uuid import UUID

from eventsourcing.application import Application  # type: ignore[import-not-found]
from eventsourcing.domain import Aggregate, datetime_now_with_tzinfo  # type: ignore[import-not-found]

ACCOUNT = UUID("11111111-0000-4000-8000-00000000000a")


class ItemRestored(Aggregate.Event):  # type: ignore[misc]
    """What reinstate's event of this name holds."""

    item: str
    folder: str
    digest: str
    size: int


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Wall and processor seconds."""
    return time.monotonic() - began[0], time.process_time() - began[1]


def main() -> None:
    """Fails when an event is not there."""
    path, number, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}
    application = Application(env=environment)
    store = application.events
    events = [
        ItemRestored(
            originator_id=ACCOUNT,
            originator_version=place,
            timestamp=datetime_now_with_tzinfo(),
            item=str(1000 + place),
            folder="2",
            digest=f"{place:043}=",
            size=1000 + place % 5000,
        )
        for place in range(1, number + 1)
    ]
    began = time.monotonic(), time.process_time()
    for start in range(0, number, batch):
        store.put(events[start : start + batch])
    written = since(began)
    began = time.monotonic(), time.process_time()
    found = sum(1 for _ in store.get(ACCOUNT))
    read = since(began)
    application.close()
    if found != number:
        sys.exit(f"{found} of {number} events are there")
    print(*written, *read)  # noqa: T201 - what its caller reads


if __name__ == "__main__":
    main()
