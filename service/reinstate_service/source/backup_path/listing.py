"""Which records an account has, without reading them."""

from __future__ import annotations

import hashlib
import heapq
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

from reinstate_service.model import Frozen
from reinstate_service.source.backup_path.decode import read_item_states
from reinstate_service.source.backup_path.layout import (
    ITEMS,
    Tree,
    account_folder,
    entries,
    is_item_id,
    item_folder,
)
from reinstate_service.source.backup_path.records import AccountIndex, ItemState, RecordState
from reinstate_service.source.contract import ItemError, UnsafeName
from reinstate_service.source.names import shown

#: Ids have 18 digits at most.
_END = 10**18


class Misplaced(Frozen, frozen=True):
    """Something in an account's items/ that is no record; `name` is relative to items/."""

    name: str
    reason: str


class Listing:
    """The records of an account: numbers, ascending, and what does not belong there."""

    def __init__(self, tree: Tree, account: str) -> None:
        """Raises OSError, UnsafeName; an account without items/ has no records."""
        self._items = f"{account_folder(account)}/{ITEMS}"
        self._root = tree.root
        # Eight bytes each: a million records are 8 MB.
        self._numbers: dict[str, array[int]] = {}
        self.misplaced: list[Misplaced] = []
        try:
            path = tree.check_folder(self._items)
        except FileNotFoundError:
            return
        for folder in entries(path):
            if folder.is_symlink():
                self._misplace(folder.name, "it is a symbolic link")
            elif not (len(folder.name) == 2 and folder.name.isascii() and folder.name.isdigit()):
                self._misplace(folder.name, "only folders of two digits belong here")
            elif not folder.is_dir(follow_symlinks=False):
                self._misplace(folder.name, "it is not a folder")
            else:
                self._list_folder(path, folder.name)

    def _list_folder(self, items: str, folder: str) -> None:
        held = list(entries(f"{items}/{folder}"))
        # All at once: where all is well, nothing is asked of any single name.
        files = [entry.name for entry in held if entry.is_file(follow_symlinks=False)]
        numbers = _numbers(files, int(folder))
        if numbers is None or len(files) < len(held):
            numbers = list(self._sorted_out(held, folder))
        if numbers:
            numbers.sort()
            self._numbers[folder] = array("Q", numbers)

    def _sorted_out(self, held: Iterable[os.DirEntry[str]], folder: str) -> Iterator[int]:
        for entry in held:
            if entry.is_file(follow_symlinks=False):
                if is_item_id(entry.name) and item_folder(entry.name) == folder:
                    yield int(entry.name)
                else:
                    self._misplace(f"{folder}/{entry.name}", "its name is no number of this folder")
            elif entry.is_symlink():
                self._misplace(f"{folder}/{entry.name}", "it is a symbolic link")
            else:
                self._misplace(f"{folder}/{entry.name}", "it is not a regular file")

    def _misplace(self, name: str, reason: str) -> None:
        told = shown(name)
        self.misplaced.append(Misplaced(told, str(UnsafeName(detail=f"items/{told}: {reason}"))))

    def __len__(self) -> int:
        return sum(map(len, self._numbers.values()))

    def __iter__(self) -> Iterator[str]:
        """Every id, ascending by number."""
        return self._behind(-1)

    def _behind(self, last: int) -> Iterator[str]:
        parts = (numbers[bisect_right(numbers, last) :] for numbers in self._numbers.values())
        return map(str, heapq.merge(*parts))

    @property
    def last(self) -> int:
        """The highest number, 0 if there is none."""
        return max((numbers[-1] for numbers in self._numbers.values()), default=0)

    def path(self, item: str) -> str:
        """The full path of a listed record."""
        return f"{self._root}/{self._items}/{item_folder(item)}/{item}"

    def records(self, after: str = "") -> Iterator[tuple[str, list[RecordState] | ItemError]]:
        """Every id (behind that one) with its states, or with why they cannot be read;
        ascending."""
        for item in self._behind(int(after)) if after else self:
            try:
                yield item, read_item_states(self.path(item))
            except ItemError as error:
                yield item, error

    def index(self, believed: AccountIndex | None = None) -> AccountIndex:
        """`believed` if it fits what is there; otherwise found out by reading every record."""
        if believed is not None and believed.files == len(self):
            return believed
        return AccountIndex(len(self), self.last, tuple(filter(self.is_container, self)))

    def is_container(self, item: str) -> bool:
        """Whether the record can be read and is one of a folder, mountpoint, search or tag."""
        try:
            return not isinstance(read_item_states(self.path(item))[0], ItemState)
        except ItemError:
            return False


def _numbers(names: list[str], folder: int) -> list[int] | None:
    """The ids that all of these names are; None if one is no id of the folder."""
    try:
        numbers = list(map(int, names))
    except ValueError:
        return None
    if list(map(str, numbers)) != names:
        return None
    if any(not 0 <= number < _END or number % 100 != folder for number in numbers):
        return None
    return numbers


def stamp(tree: Tree, account: str) -> str:
    """Changes when a record of the account is added, removed, or put in another's place.

    Made of the modification times of the folders, hence as fine as the file system's
    clock: a few milliseconds. Raises OSError, UnsafeName.
    """
    digest = hashlib.sha256()
    items = f"{account_folder(account)}/{ITEMS}"
    try:
        path = tree.check_folder(items)
    except FileNotFoundError:
        return digest.hexdigest()[:16]
    names = sorted(
        entry.name for entry in tree.entries(items) if entry.is_dir(follow_symlinks=False)
    )
    for name in chain((".",), names):
        status = os.lstat(f"{path}/{name}")
        digest.update(b"%s %d\n" % (os.fsencode(name), status.st_mtime_ns))
    return digest.hexdigest()[:16]
