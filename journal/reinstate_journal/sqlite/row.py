"""An event as projections are given it, and rows as what they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

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


def typed(rows: Sequence[Any], kind: Any) -> list[Any]:
    """Rows of SQLite, whose columns may hold values of any type, each as a tuple of type `kind`.

    Raises msgspec.ValidationError.
    """
    return msgspec.convert(rows, list[kind])


def columns(kind: type[msgspec.Struct], **other: type) -> Any:
    """The type of a row that has the fields of `kind` in their order, some of `other` types."""
    fields = msgspec.structs.fields(kind)
    return tuple[tuple(other.get(field.name, field.type) for field in fields)]  # type: ignore[misc]
