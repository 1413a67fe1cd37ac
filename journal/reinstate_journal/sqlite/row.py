"""Events as projections are given them, and rows as what they should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from reinstate_journal.catalogue import Event


class Stretch(NamedTuple):
    """Events of one type and stream in their order, recorded at one moment, each with its position.

    `stream` is the name and `stream_id` the number that tables may refer to.
    """

    stream_id: int
    stream: str
    recorded_at: int
    kind: type[Event]
    positions: Sequence[int]
    events: Sequence[Event]


def alike(
    streams: Sequence[int], shapes: Sequence[int], moments: Sequence[int]
) -> Iterator[tuple[int, int, int, slice]]:
    """Stream, shape and moment of rows that follow each other and have them in common, and where
    these rows are in the columns."""
    start = 0
    for (stream, shape, moment), rows in groupby(zip(streams, shapes, moments, strict=True)):
        end = start + len(list(rows))
        yield stream, shape, moment, slice(start, end)
        start = end


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
