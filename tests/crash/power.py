"""A disk in front of which the power is cut.

It promises no more than POSIX does where a journaling file system (ext4, xfs, btrfs) keeps
it, and is as unkind as they may be:

- `fsync` of a file keeps its bytes, its size and its time; not its name, also if it is new.
- `fsync` of a folder keeps the names in it; not the folder's own name.
- `syncfs` keeps everything of one file system. Tree and journal are on two.
- What was not flushed is there, or is not, or is torn: any part of the writes to a file, any
  part of each write, zeros where a later write made the file longer; names of different
  folders in any order, and names of one folder up to some moment or in any order.
- A rename is one step: a new name is never there with nothing behind it, and a name that
  was replaced shows the old file or the new one. Of a file that moves between two folders a
  cut may leave both names, never none.
- What was flushed stays as it was flushed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from crash.recording import (
    Cut,
    Flushed,
    FlushedAll,
    Linked,
    Made,
    Moved,
    Operation,
    Removed,
    Stamped,
    Wrote,
)

_PAGES = (512, 4096)


class Loss(NamedTuple):
    """What is left of that which was not flushed: of the bytes of files and of names. "none",
    "all", "first" (up to some moment) or "some" (any of it)."""

    content: str
    names: str


LOSSES = tuple(
    Loss(content, names)
    for content in ("none", "all", "first", "some")
    for names in ("none", "all", "first", "some")
)


@dataclass(eq=False)
class Node:
    """A file, folder or symlink: what is kept of it, and what has been done to it since."""

    kind: str
    mode: int = 0
    target: str = ""
    content: bytes = b""
    modified: int | None = None
    unflushed: list[Wrote | Cut | Stamped] = field(default_factory=list)
    #: The names in a folder, as every process sees them, and as they are kept.
    names: dict[str, Node] = field(default_factory=dict)
    kept: dict[str, Node] = field(default_factory=dict)

    def flush(self) -> None:
        """Keeps what has been done to the file."""
        self.content, self.modified = self.after(self.unflushed)
        self.unflushed = []

    def after(self, changes: Iterable[Wrote | Cut | Stamped]) -> tuple[bytes, int | None]:
        """Content and modification time if these changes come to what is kept."""
        content, modified = bytearray(self.content), self.modified
        for change in changes:
            if isinstance(change, Stamped):
                modified = change.modified
                continue
            size = change.offset if isinstance(change, Wrote) else change.size
            content.extend(bytes(max(0, size - len(content))))
            if isinstance(change, Wrote):
                content[size : size + len(change.data)] = change.data
            else:
                del content[size:]
        return bytes(content), modified


#: A name in a folder that leads to another node than before, or to none.
_Name = tuple[Node, str, Node | None]


class PowerCutDisk:
    """A file system that is mounted at `root`, an empty folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._top = Node("directory", 0o700)
        #: Changes of names that are not flushed, in their order; each is one step.
        self._unflushed: list[tuple[_Name, ...]] = []

    def holds(self, path: str) -> bool:
        """Whether a path is on this disk."""
        return f"{path}/".startswith(f"{self.root}/")

    def node(self, path: str) -> Node | None:
        """What a path leads to now."""
        node: Node | None = self._top
        for name in Path(path).relative_to(self.root).parts:
            node = node.names.get(name) if node else None
        return node

    def apply(self, operation: Operation) -> None:
        """Does what a process did."""
        match operation:
            case Made(path, kind, mode, target):
                if self.node(path) is None:
                    self._rename((path, Node(kind, mode, target)))
            case Moved(path, new):
                self._rename((path, None), (new, self._there(path)))
            case Linked(path, new):
                self._rename((new, self._there(path)))
            case Removed(path):
                self._rename((path, None))
            case Flushed(path):
                self._flush(self._there(path))
            case FlushedAll():
                self._flush_all()
            case Wrote(path) | Cut(path) | Stamped(path):
                self._there(path).unflushed.append(operation)

    def _there(self, path: str) -> Node:
        node = self.node(path)
        assert node is not None, path
        return node

    def _rename(self, *changes: tuple[str, Node | None]) -> None:
        step = tuple(
            (self._there(str(Path(path).parent)), Path(path).name, node) for path, node in changes
        )
        for folder, name, node in step:
            _set(folder.names, name, node)
        self._unflushed.append(step)

    def _flush(self, node: Node) -> None:
        if node.kind == "directory":
            self._keep({(id(folder), name) for folder, name in self._changed() if folder is node})
        else:
            node.flush()

    def _changed(self) -> Iterator[tuple[Node, str]]:
        for step in self._unflushed:
            for folder, name, _ in step:
                yield folder, name

    def _keep(self, wanted: set[tuple[int, str]]) -> None:
        """Keeps the steps that change these names; what came before one of them with the same
        name was there first, and is kept as well."""
        kept, left = [], []
        for step in reversed(self._unflushed):
            names = {(id(folder), name) for folder, name, _ in step}
            if names & wanted:
                wanted |= names
                kept.append(step)
            else:
                left.append(step)
        self._unflushed = left[::-1]
        for step in reversed(kept):
            for folder, name, node in step:
                _set(folder.kept, name, node)

    def _flush_all(self) -> None:
        self._keep({(id(folder), name) for folder, name in self._changed()})
        for _, node in _walk(self._top, lambda folder: folder.names):
            node.flush()

    def leave(
        self, folder: Path, loss: Loss, random: Random, torn: Mapping[str, int] | None = None
    ) -> None:
        """Cuts the power, and puts what is left of the disk into a new folder.

        Of the writes to the files in `torn` so many bytes are left, from the first on.
        """
        names = self._names_left(loss.names, random)
        changes = {
            id(node): _first_bytes(node.unflushed, left)
            for path, left in (torn or {}).items()
            if self.holds(path) and (node := self.node(path)) is not None
        }
        places: dict[int, Path] = {id(self._top): folder}
        folder.mkdir(mode=0o700, parents=True)
        for path, node in _walk(self._top, lambda folder: names.get(id(folder), folder.kept)):
            place = folder / path
            if path.endswith("-shm"):  # nobody flushes it, and anything may be in it
                if random.random() < 0.5:
                    place.write_bytes(random.randbytes(32768))
            elif id(node) in places and node.kind == "file":
                place.hardlink_to(places[id(node)])
            else:
                if id(node) not in changes:
                    changes[id(node)] = list(_left(node.unflushed, loss.content, random))
                _make(place, node, changes[id(node)])
                places[id(node)] = place

    def _names_left(self, how: str, random: Random) -> dict[int, dict[str, Node]]:
        """The names in each folder, by the folder's id, where they are not those that are kept."""
        left: dict[int, dict[str, Node]] = {}
        closed: set[int] = set()
        for step in self._unflushed if how != "none" else ():
            folders = {id(folder) for folder, _, _ in step}
            whole = how == "all" or random.random() < (0.9 if how == "first" else 0.5)
            if how == "first" and (not whole or folders & closed):
                closed |= folders
                continue
            both = how == "some" and len(folders) > 1 and random.random() < 0.5
            for folder, name, node in step:
                if whole or (both and node is not None and node.kind == "file"):
                    _set(left.setdefault(id(folder), dict(folder.kept)), name, node)
        return left


def _walk(top: Node, names: Callable[[Node], dict[str, Node]]) -> Iterator[tuple[str, Node]]:
    """Everything below a folder, with its path from there, folders first."""
    waiting = [("", top)]
    while waiting:
        path, folder = waiting.pop()
        for name, node in names(folder).items():
            yield f"{path}{name}", node
            if node.kind == "directory":
                waiting.append((f"{path}{name}/", node))


def _set(names: dict[str, Node], name: str, node: Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _left(
    changes: Sequence[Wrote | Cut | Stamped], how: str, random: Random
) -> Iterator[Wrote | Cut | Stamped]:
    """What is left of the changes to one file."""
    if how == "all":
        yield from changes
    elif how == "first":
        total = sum(len(change.data) for change in changes if isinstance(change, Wrote))
        yield from _first_bytes(changes, random.randint(0, total))
    elif how == "some":
        for change in changes:
            if isinstance(change, Wrote):
                yield from (page for page in _pages(change, random) if random.random() < 0.5)
            elif random.random() < 0.5:
                yield change


def _first_bytes(
    changes: Iterable[Wrote | Cut | Stamped], left: int
) -> list[Wrote | Cut | Stamped]:
    """The changes up to the one that writes the last of so many bytes, which is cut there."""
    first: list[Wrote | Cut | Stamped] = []
    for change in changes:
        if isinstance(change, Wrote):
            if left <= len(change.data):
                return [*first, change._replace(data=change.data[:left])]
            left -= len(change.data)
        first.append(change)
    return first


def _pages(write: Wrote, random: Random) -> Iterator[Wrote]:
    """The write in parts that end where a page of the file ends."""
    page = random.choice(_PAGES)
    begin = 0
    while begin < len(write.data):
        end = begin + page - (write.offset + begin) % page
        yield Wrote(write.path, write.offset + begin, write.data[begin:end])
        begin = end


def _make(place: Path, node: Node, changes: Iterable[Wrote | Cut | Stamped]) -> None:
    if node.kind == "directory":
        place.mkdir(mode=node.mode)
    elif node.kind == "link":
        place.symlink_to(node.target)
    else:
        content, modified = node.after(changes)
        place.write_bytes(content)
        place.chmod(node.mode)
        if modified is not None:
            os.utime(place, ns=(modified, modified))
