"""Which of the items that lie on a destination are those that were restored.

An item is recognised by the name it was delivered under, and where a server or a user's
client has given it another one, by its content: its digest where both are known, else its
size and its date to the second.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from reinstate_service.restore.verification.expected import (
    SHA_256,
    Expected,
    same_bytes,
    untouched,
)
from reinstate_service.restore.verification.sheet import Sheet

#: In place of a found item's number: there is one, and it is untouched.
UNTOUCHED = -1


class Matches:
    """What was found of each item that is asked for, by its number: 0 for nothing, `UNTOUCHED`,
    or the number of what was found. `doubled` are the numbers of further ones, each with that of
    what it doubles."""

    def __init__(self, sheet: Sheet) -> None:
        self.doubled: list[tuple[int, int]] = []
        pairs = sheet.pairs()
        self.found: array[int] = sheet.numbers()
        for number, same in groupby(pairs, key=itemgetter(0)):
            (_, found, plain), *others = same
            if plain and not others:
                self.found[number] = UNTOUCHED
            else:
                self._by_name(sheet, number, [found, *(one for _, one, _ in others)])
        for number in sheet.untouched_strangers():
            self.found[number] = UNTOUCHED
        if sheet.has_strangers():
            for keys_of in (_spots_of, _keys_of, _place_of):
                self._by_content(sheet, keys_of)

    def _by_name(self, sheet: Sheet, number: int, found: Sequence[int]) -> None:
        """Takes the one that is nearest to how it was restored."""
        wanted = sheet.wanted(number)

        def distance(one: int) -> tuple[bool, bool, bool]:
            stored = sheet.stored(one)
            return (
                not untouched(wanted, stored),
                not same_bytes(wanted, stored),
                stored.path != wanted.path,
            )

        nearest, *further = sorted(found, key=distance)
        self.found[number] = UNTOUCHED if untouched(wanted, sheet.stored(nearest)) else nearest
        self.doubled += [(one, number) for one in further]

    def _by_content(
        self, sheet: Sheet, keys_of: Callable[[Expected], Iterator[Mapping[str, object]]]
    ) -> None:
        """Takes what lies there under another name and answers to a key of the item."""
        for number in sheet.asked():
            if not self.found[number]:
                taken = map(sheet.take, keys_of(sheet.wanted(number)))
                self.found[number] = next(filter(None, taken), 0)


def _spots_of(wanted: Expected) -> Iterator[Mapping[str, object]]:
    return ({"path": wanted.path, **key} for key in _keys_of(wanted))


def _keys_of(wanted: Expected) -> Iterator[Mapping[str, object]]:
    if len(wanted.digest) == SHA_256:
        yield {"digest": wanted.digest}
    if wanted.date is not None:
        yield {"digest": "", "size": wanted.size, "second": wanted.date // 1000}


def _place_of(wanted: Expected) -> Iterator[Mapping[str, object]]:
    if wanted.date is not None:
        yield {"path": wanted.path, "size": wanted.size, "second": wanted.date // 1000}
