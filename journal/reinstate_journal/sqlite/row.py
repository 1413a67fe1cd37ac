"""An event as projections are given it."""

from __future__ import annotations

from typing import NamedTuple

from reinstate_journal.catalogue import Event


class Row(NamedTuple):
    """`stream` is the name and `stream_id` the number that tables may refer to."""

    position: int
    stream_id: int
    stream: str
    recorded_at: int
    event: Event


def restore_of(stream: str) -> tuple[str, str] | None:
    """The restore and the account (empty for the restore itself) that a stream is about."""
    kind, _, rest = stream.partition("/")
    if kind != "restore":
        return None
    restore, _, account = rest.partition("/")
    return restore, account
