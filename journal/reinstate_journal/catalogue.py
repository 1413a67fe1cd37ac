"""How an event becomes a row and a row becomes an event.

An event is a frozen msgspec Struct. In the journal it is a type name, the
version of its shape (`schema`) and UTF-8 JSON. A row whose schema is older than
the code is *upcast* when it is read, one version at a time; rows are never
rewritten. A row that is newer than the code is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import msgspec

#: Milliseconds since 1970-01-01 UTC, up to the last year that has four digits.
Moment = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000)]

#: Turns the JSON object of one schema version into that of the next.
Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class Outcome(StrEnum):
    """What became of a step. `DONE` never changes; the others may be reopened."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    DOUBT = "doubt"


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened, past tense, never changed.

    An event that ends a step says which (`step`, the same text in every run
    over the same backup) and how (`ends`).
    """

    schema: ClassVar[int] = 1
    ends: ClassVar[Outcome | None] = None

    def step(self) -> str | None:
        """The step that this event ends, or None."""
        return None


class UnknownShape(ValueError):
    """A row's type or schema is not known to this version of the code."""


class Catalogue:
    """The event types that one journal may hold, and how old shapes are read.

    `upcasts` maps (type name, schema) to the function that turns that schema's
    JSON object into the next one's.
    """

    def __init__(
        self,
        events: Iterable[type[Event]],
        upcasts: Mapping[tuple[str, int], Upcast] | None = None,
    ) -> None:
        self._types = {event.__name__: event for event in events}
        self._upcasts = dict(upcasts or {})
        self._encoder = msgspec.json.Encoder()
        self._decoders = {name: msgspec.json.Decoder(event) for name, event in self._types.items()}
        for name, event in self._types.items():
            for schema in range(1, event.schema):
                if (name, schema) not in self._upcasts:
                    raise ValueError(f"{name} has no upcast from schema {schema}")

    @property
    def types(self) -> Mapping[str, type[Event]]:
        """Every event type by its name."""
        return self._types

    def encoder(self, kind: type[Event]) -> Callable[[Event], bytes]:
        """What gives the JSON of an event of that type. Raises UnknownShape."""
        if self._types.get(kind.__name__) is not kind:
            raise UnknownShape(f"{kind.__name__} is not in the catalogue")
        return self._encoder.encode

    def decoder(self, type_name: str, schema: int) -> Callable[[str | bytes], Event]:
        """What gives the event of a row of that shape, from text or from UTF-8. Raises
        UnknownShape for a newer one.

        It raises msgspec.DecodeError or msgspec.ValidationError for JSON that is not of its shape.
        """
        known = self._types.get(type_name)
        if known is None or schema > known.schema:
            raise UnknownShape(f"{type_name} of schema {schema}")
        if schema == known.schema:
            return self._decoders[type_name].decode

        def upcast(data: str | bytes) -> Event:
            value = msgspec.json.decode(data, type=dict[str, Any])
            for version in range(schema, known.schema):
                value = self._upcasts[type_name, version](value)
            return msgspec.convert(value, known)

        return upcast
