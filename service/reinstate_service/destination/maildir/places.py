"""The folders of one account as deliveries know them: which items lie in them already."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reinstate_service.destination.contract import Delivery, Refused
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.keywords import Keywords, all_keywords
from reinstate_service.destination.maildir.layout import (
    Kind,
    delivery_of_file,
    delivery_of_message,
    folder_directories,
    kind_of,
    own_path,
)
from reinstate_service.destination.maildir.looking import descended, listed, opened
from reinstate_service.destination.names import is_keyword
from reinstate_service.model import Path


@dataclass
class Place:
    """A directory that items go to, by its way from the account's home."""

    directories: tuple[str, ...]
    kind: Kind
    names: set[str] = field(default_factory=set)
    keywords: Keywords = field(default_factory=Keywords)


class Places:
    """Every folder that was asked for. Memory grows only with the names."""

    def __init__(self, disk: Disk, home: int, make: Callable[[Path, Kind], bool]) -> None:
        """`home` is the account's open directory. `make` makes a folder where it is
        missing, and answers whether it did."""
        self._disk = disk
        self._home = home
        self._make = make
        self._places: dict[tuple[Path, Kind], Place] = {}
        #: What lay in folders that are only looked into.
        self._elsewhere: dict[tuple[Path, Kind], frozenset[str]] = {}

    def made(self, path: Path, kind: Kind) -> None:
        """Tells that this folder has just been made, so that nothing can be in it."""
        place = Place(folder_directories(path, kind), kind)
        self._places.setdefault((path, kind), place)

    def forget(self, path: Path) -> None:
        """Tells that this mailbox has changed, so that it is looked at again."""
        self._places.pop((path, Kind.MAIL), None)
        self._elsewhere.pop((path, Kind.MAIL), None)

    def clear(self) -> None:
        """Tells that nothing is known any more, so that it is looked up anew."""
        self._places.clear()

    def get(self, path: Path, kind: Kind) -> Place:
        """The folder, which is made where it is missing. Raises Refused."""
        path = own_path(path)
        known = self._places.get((path, kind))
        if known is not None:
            return known
        place = Place(folder_directories(path, kind), kind)
        if not self._make(path, kind):
            with descended(self._home, *place.directories) as directory:
                place.names = set(_names_in(directory, kind))
        self._places[path, kind] = place
        return place

    def add_keywords(self, deliveries: Sequence[Delivery]) -> None:
        """Gives letters to the batch's keywords: one change per folder, not per message."""
        wanted: dict[Path, dict[str, None]] = defaultdict(dict)
        for delivery in deliveries:
            if kind_of(delivery.item.type) is Kind.MAIL:
                found = all_keywords(delivery.item.flags, delivery.keywords)
                wanted[delivery.path].update(dict.fromkeys(filter(is_keyword, found)))
        for path, keywords in wanted.items():
            if keywords:
                try:
                    place = self.get(path, Kind.MAIL)
                except Refused:
                    continue  # each delivery is told by itself
                with descended(self._home, *place.directories) as folder:
                    place.keywords.add(self._disk, folder, keywords)

    def found_elsewhere(self, delivery: Delivery, kind: Kind) -> Path | None:
        """The first of the delivery's other folders that has it."""
        for path in delivery.elsewhere:
            names = self._elsewhere.get((path, kind))
            if names is None:
                names = self._elsewhere[path, kind] = self._looked_into(path, kind)
            if delivery.name in names:
                return path
        return None

    def _looked_into(self, path: Path, kind: Kind) -> frozenset[str]:
        """What lies in a folder that may not be there or not be whole."""
        known = self._places.get((path, kind))
        if known is not None:
            return frozenset(known.names)
        try:
            with descended(self._home, *folder_directories(own_path(path), kind)) as directory:
                return frozenset(_names_in(directory, kind))
        except (FileNotFoundError, Refused):
            return frozenset()


def _names_in(directory: int, kind: Kind) -> Iterator[str]:
    """The deliveries whose items lie in a folder."""
    if kind is not Kind.MAIL:
        for file_name in listed(directory):
            if not file_name.startswith("."):
                yield delivery_of_file(file_name)[0]
        return
    for part in ("cur", "new"):
        with opened(part, directory) as inside, os.scandir(inside) as entries:
            for entry in entries:
                yield delivery_of_message(entry.name)
