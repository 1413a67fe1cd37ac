"""From what the user calls a destination to the destination."""

from __future__ import annotations

from reinstate_journal.errors import UsageError
from reinstate_service.destination.contract import Destination
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.maildir.destination import holds_destination
from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.destination.memory import MemoryDestination


def open_destination(
    location: str, owner: tuple[int, int] | None = None, create: bool = True
) -> Destination:
    """The destination at `location`: `maildir:DIR`, or `memory:` for tests.

    `owner` (uid, gid) is who a new directory is made for, when root makes it.
    Raises UsageError for anything else, DestinationError if it cannot be opened, or
    is not there and `create` is false.
    """
    kind, _, rest = location.partition(":")
    if kind == "maildir" and rest:
        return MaildirDestination(rest, owner=owner, create=create)
    if location == "memory:":
        return MemoryDestination()
    raise UsageError(detail=f"{location!r} is no destination; name it as maildir:DIR")


def destination_as_it_is(location: str) -> Destination:
    """The destination for looking only: nothing is made, and one that is not there yet is
    empty. Raises UsageError, DestinationError."""
    kind, _, rest = location.partition(":")
    if kind == "maildir" and rest and not holds_destination(rest):
        return MemoryDestination(namespace=NAMESPACE)
    return open_destination(location, create=False)
