"""Sets of UIDs as the server tells them: few ranges, however many messages (RFC 3501 §9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reinstate_service.model import Frozen


class UidSet(Frozen, frozen=True):
    """The ranges, first and last UID of each, ascending; between two of them something is
    missing."""

    ranges: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        """As a sequence-set: `1001:1500,1700`; nothing if it is empty."""
        return ",".join(f"{low}:{high}" if low < high else f"{low}" for low, high in self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __contains__(self, uid: int) -> bool:
        return any(low <= uid <= high for low, high in self.ranges)

    def __or__(self, other: UidSet) -> UidSet:
        return joined((*self.ranges, *other.ranges))

    @property
    def end(self) -> int:
        """The first UID above all of them."""
        return self.ranges[-1][1] + 1 if self.ranges else 1

    def above(self, fence: int) -> tuple[int, UidSet]:
        """The fence raised above those that stand at it, and those that stand above it then."""
        left = []
        for low, high in self.ranges:
            if low <= fence <= high:
                fence = high + 1
            elif low > fence:
                left.append((low, high))
        return fence, UidSet(tuple(left))


def joined(ranges: Iterable[tuple[int, int]]) -> UidSet:
    """The set of all UIDs of the ranges, in whatever order those are."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return UidSet(tuple(found))


def uids_in(told: str) -> UidSet:
    """The set that is written as a sequence-set. Raises ValueError."""
    return joined(_ranges(told))


def _ranges(told: str) -> Iterator[tuple[int, int]]:
    for part in told.split(",") if told else ():
        first, _, last = part.partition(":")
        low, high = sorted((int(first), int(last or first)))
        yield low, high
