"""What a destination offers besides that names messages itself, as IMAP does: fences.

A *fence* is where a mailbox ended at a moment: its UIDVALIDITY and UIDNEXT. UIDs only grow
(RFC 3501 §2.3.1.1), so what a delivery has put there since stands at or above it. An
*arrival* is a message there, whoever put it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from reinstate_journal.errors import DestinationError
from reinstate_service.destination.contract import Mailbox
from reinstate_service.model import Frozen, Path


class ConnectionLost(DestinationError):
    """The connection broke while the server was at work: what it has done is not known."""

    message = "The connection to {destination} was lost: {detail}"
    hint = "Go on when the server can be reached again: reinstate resume"


class Fence(Frozen, frozen=True):
    """Where the mailbox at `path` ended."""

    path: Path
    uidvalidity: int
    uidnext: int


class Arrival(Frozen, frozen=True):
    """A message above a fence; `size` is RFC822.SIZE, with CRLF line ends."""

    uid: int
    size: int


class Arrivals(Frozen, frozen=True):
    """What stands above a fence. `holds` is False if the mailbox has another UIDVALIDITY now, or
    seems to have been renamed, to `path`: then these are all its messages, and nothing tells
    which of them are older than the fence."""

    path: Path
    messages: tuple[Arrival, ...] = ()
    holds: bool = True


@runtime_checkable
class FencedMailbox(Mailbox, Protocol):
    """A mailbox in which deliveries are recognised by a fence, not by their names: `deliver`
    never answers that something was found.

    `quiet`: after so many seconds without a session that has died, what it had sent is stored
    or never will be."""

    quiet: float

    def fence(self, path: Path) -> Fence:
        """Where the folder ends; it is made if it is missing. Raises Refused."""

    def arrivals(self, fence: Fence) -> Arrivals:
        """What stands above the fence; nothing if the folder is gone."""

    def message(self, path: Path, uid: int) -> Iterator[bytes]:
        """A message's bytes in pieces of bounded size; nothing if it is gone."""
