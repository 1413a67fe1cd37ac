"""What a destination offers besides that names messages itself, as IMAP does: fences.

A *fence* is where a mailbox ended at a moment: its UIDVALIDITY and UIDNEXT. UIDs only grow
(RFC 3501 §2.3.1.1), so what a delivery has put there since stands at or above it. An
*arrival* is a message there, whoever put it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from reinstate_journal.errors import DestinationError
from reinstate_service.destination.contract import Delivered, Delivery, Mailbox
from reinstate_service.destination.uids import UidSet
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


class Placed(Frozen, frozen=True):
    """Where the messages of a batch stand in one mailbox."""

    uidvalidity: int
    uids: UidSet


class Answered(Frozen, frozen=True):
    """What became of a batch, one answer per delivery, in order. `placed` tells of its mailboxes
    where everything of it stands that was stored there. A mailbox of which that cannot be told
    is missing."""

    delivered: Sequence[Delivered]
    placed: Mapping[Path, Placed]


@runtime_checkable
class FencedMailbox(Mailbox, Protocol):
    """A mailbox in which deliveries are recognised by a fence, not by their names: `deliver`
    never answers that something was found.

    `send` and `answers` are the two halves of `deliver`: several batches may be under way, and
    are stored in any order; but messages of one content that go to one folder in theirs. So many
    as `ahead` are worth it while the next one is decided.

    `quiet`: if nothing has arrived of what a dead session had sent for so many seconds, it is
    stored or never will be."""

    quiet: float

    @property
    def ahead(self) -> int:
        """See above."""

    def fence(self, path: Path) -> Fence:
        """Where the folder ends, or ended before what is under way: above everything whose place
        was told. It is made if it is missing. Raises Refused."""

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Sends a batch. Raises ConnectionLost, after which the outcome of all that are under way
        is not known and none is under way."""

    def answers(self) -> Answered:
        """What became of the oldest batch under way. Raises ConnectionLost, as `send` does."""

    def arrivals(self, fence: Fence) -> Arrivals:
        """What stands above the fence; nothing if the folder is gone."""

    def relocation_fence(self, owner: str, target: Path) -> Fence:
        """Where a folder of another account ends, into which messages are about to move. Raises
        Missing."""

    def relocate(
        self,
        path: Path,
        owner: str,
        target: Path,
        names: Sequence[str],
        above: Fence | None = None,
    ) -> Sequence[bool]:
        """See `Mailbox`. What earlier calls have moved stands above the fence, if there is one."""

    def message(self, path: Path, uid: int) -> Iterator[bytes]:
        """A message's bytes in pieces of bounded size; nothing if it is gone."""
