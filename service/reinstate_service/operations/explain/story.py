"""An explanation: sentences, each with the event that it rests on."""

from __future__ import annotations

import msgspec

from reinstate_service.model import Frozen


class Sentence(Frozen, frozen=True, omit_defaults=False):
    """One thing that happened. `position` is the event's, None for what the backup says; `at` is
    when it was recorded, or since when the backup says so (milliseconds)."""

    text: str
    position: int | None = None
    at: int | None = None


class Explanation(Frozen, frozen=True, omit_defaults=False):
    """The history of one thing, the backup's part first, then the journal's in its order.
    `headers` are a message's subject, sender and date, where they were asked for."""

    restore: str
    account: str
    address: str
    subject: str
    sentences: tuple[Sentence, ...]
    headers: dict[str, str] = msgspec.field(default_factory=dict[str, str])
