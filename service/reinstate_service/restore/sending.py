"""How a batch gets to a mailbox, and what of it has to be recorded beside its outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from reinstate_journal.catalogue import Event
from reinstate_service.destination.contract import (
    Delivered,
    Delivery,
    Mailbox,
    OverlappingMailbox,
)


class Sender(Protocol):
    """Delivers batches, in order. Up to `ahead` of them may be under way while the next one is
    decided. `in_order`: what became of a batch has to be recorded before the next one is sent."""

    in_order: bool

    @property
    def ahead(self) -> int:
        """See above."""

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Begins to deliver a batch. Raises ConnectionLost."""

    def answers(self) -> Sequence[Sequence[Delivered]]:
        """What became of the oldest batch under way, or of several if only all of them can be
        recorded at once. Raises ConnectionLost."""

    def settled(self) -> Sequence[Event]:
        """What is recorded with the outcomes of what was answered last."""

    def forget(self) -> None:
        """Nothing is under way any more: a connection broke."""


class DirectSender:
    """Delivers to a mailbox where everything is recognised by its name."""

    ahead = 0
    in_order = True

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._answered: Sequence[Delivered] = ()

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See `Sender`."""
        self._answered = self._mailbox.deliver(deliveries) if deliveries else ()

    def answers(self) -> Sequence[Sequence[Delivered]]:
        """See `Sender`."""
        return [self._answered]

    def settled(self) -> Sequence[Event]:
        """See `Sender`."""
        return ()

    def forget(self) -> None:
        """See `Sender`."""


class OverlappingSender:
    """Delivers to a mailbox that takes the next batch in while one becomes durable."""

    ahead = 1
    in_order = False

    def __init__(self, mailbox: OverlappingMailbox) -> None:
        self._mailbox = mailbox
        self._ends: deque[Callable[[], Sequence[Delivered]]] = deque()

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See `Sender`."""
        self._ends.append(self._mailbox.begin(deliveries) if deliveries else tuple)

    def answers(self) -> Sequence[Sequence[Delivered]]:
        """See `Sender`."""
        return [self._ends.popleft()()]

    def settled(self) -> Sequence[Event]:
        """See `Sender`."""
        return ()

    def forget(self) -> None:
        """See `Sender`."""
        self._ends.clear()
