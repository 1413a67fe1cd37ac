"""Where the mailboxes of an account end, as far as it is known."""

from __future__ import annotations

from reinstate_service.destination.fence import Fence, Placed
from reinstate_service.model import Path


class Ends:
    """What is sent next stands above them, and what was told of lies below: UIDs only grow."""

    def __init__(self) -> None:
        self._known: dict[Path, Fence] = {}
        self._unsure: set[Path] = set()

    def of(self, path: Path) -> Fence | None:
        """Where the folder ends; None if something may stand above it that was not told of."""
        return None if path in self._unsure else self._known.get(path)

    def asked(self, fence: Fence) -> Fence:
        """Takes in what the server says, behind everything that has an answer; answers where the
        folder ends."""
        self._unsure.discard(fence.path)
        return self._raise(fence)

    def stored(self, path: Path, placed: Placed | None) -> None:
        """Messages were put into the folder; None if it is not known where."""
        if placed is None:
            self._unsure.add(path)
        else:
            self._raise(Fence(path, placed.uidvalidity, placed.uids.end))

    def forget(self) -> None:
        """Others may have written, or what was sent may have been stored unanswered."""
        self._known.clear()
        self._unsure.clear()

    def _raise(self, fence: Fence) -> Fence:
        known = self._known.get(fence.path)
        if known and known.uidvalidity == fence.uidvalidity and known.uidnext > fence.uidnext:
            return known
        self._known[fence.path] = fence
        return fence
