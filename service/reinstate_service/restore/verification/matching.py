"""Which of the items that lie on a destination are those that were restored: pure.

An item is recognised by the name it was delivered under, and where a server or a user's
client has given it another one, by its content: its digest where both are known, else its
size and its date to the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reinstate_service.destination.contract import StoredItem
from reinstate_service.restore.verification.expected import (
    SHA_256,
    Expected,
    same_bytes,
    untouched,
)


@dataclass
class Matches:
    """`settled` are the names of the items that lie where they were put, as they were put there;
    `others` the other ones that were found. `doubled` are further ones, each with the name of
    what it doubles, and `rest` are those that nobody restored."""

    settled: set[str] = field(default_factory=set)
    others: dict[str, StoredItem] = field(default_factory=dict)
    doubled: list[tuple[StoredItem, str]] = field(default_factory=list)
    rest: list[StoredItem] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether the item was found."""
        return name in self.settled or name in self.others


def match(
    expected: Mapping[str, Expected], known: Collection[str], found: Iterable[StoredItem]
) -> Matches:
    """Finds the expected items. `known` are the names of all restored ones, of which `expected`
    may be a sample. Of an item that is untouched nothing but its name is kept."""
    matches, strangers = Matches(), []
    for stored in found:
        wanted = expected.get(stored.name)
        if wanted is not None:
            _by_name(matches, wanted, stored)
        elif stored.name not in known:
            strangers.append(stored)
    strangers = _match_contents(expected, matches, strangers)
    if strangers:
        contents = {key: name for name, one in expected.items() for key in _keys_of(one)}
        for stored in strangers:
            doubles = contents.get(_key(stored))
            if doubles is None:
                matches.rest.append(stored)
            else:
                matches.doubled.append((stored, doubles))
    return matches


def _by_name(matches: Matches, wanted: Expected, stored: StoredItem) -> None:
    name = stored.name
    if name in matches.settled:
        matches.doubled.append((stored, name))
        return
    other = matches.others.pop(name, None)
    if untouched(wanted, stored):
        matches.settled.add(name)
        if other is not None:
            matches.doubled.append((other, name))
    elif other is None:
        matches.others[name] = stored
    else:
        nearer, further = sorted(
            (other, stored), key=lambda one: (not same_bytes(wanted, one), one.path != wanted.path)
        )
        matches.others[name] = nearer
        matches.doubled.append((further, name))


def _match_contents(
    expected: Mapping[str, Expected], matches: Matches, strangers: list[StoredItem]
) -> list[StoredItem]:
    """Adds to `matches` what lies there under another name, first what is in its own folder;
    answers the strangers that are left."""
    missing = [name for name in expected if not matches.has(name)]
    for keys_of, key_of in ((_spots_of, _spot), (_keys_of, _key), (_place_of, _place)):
        if not missing:
            break
        lying: dict[object, list[StoredItem]] = defaultdict(list)
        for stored in strangers:
            lying[key_of(stored)].append(stored)
        for name in missing:
            found = next((key for key in keys_of(expected[name]) if lying.get(key)), None)
            if found is not None:
                matches.others[name] = lying[found].pop(0)
        missing = [name for name in missing if not matches.has(name)]
        strangers = [stored for left in lying.values() for stored in left]
    return strangers


def _spot(stored: StoredItem) -> object:
    return stored.path, _key(stored)


def _spots_of(wanted: Expected) -> Iterator[object]:
    return ((wanted.path, key) for key in _keys_of(wanted))


def _key(stored: StoredItem) -> object:
    return stored.digest or (stored.size, stored.date // 1000)


def _keys_of(wanted: Expected) -> Iterator[object]:
    if len(wanted.digest) == SHA_256:
        yield wanted.digest
    if wanted.date is not None:
        yield (wanted.size, wanted.date // 1000)


def _place(stored: StoredItem) -> object:
    return stored.path, stored.size, stored.date // 1000


def _place_of(wanted: Expected) -> Iterator[object]:
    if wanted.date is not None:
        yield wanted.path, wanted.size, wanted.date // 1000
