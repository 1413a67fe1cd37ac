"""Trees of folders, what stands on a destination before them, and what destinations are like.

Names and shapes are awkward on purpose: in both normal forms, close to each other, with
every separator, too long, empty; deep, wide, below nothing, below each other.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from math import prod
from typing import Any, NamedTuple, TypeVar, overload

from hypothesis import strategies as st
from msgspec.structs import replace

from reinstate_service.destination.maildir.layout import NAMESPACE as MAILDIR
from reinstate_service.destination.memory.state import NAMESPACE as MEMORY
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import source_paths
from reinstate_service.model import Folder, Path, Role

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

FIRST_ID = 257
_MISSING = "99999"


class Awkward(StrEnum):
    """What is awkward about a tree of folders."""

    DEEP = "four levels or more"
    WIDE = "five or more in one folder"
    ORPHAN = "a parent that is not there"
    CIRCLE = "folders inside each other"
    TWICE = "one name twice in one folder"
    OTHER_CASE = "names that differ in case only"
    OTHER_FORM = "names that differ in normal form only"
    PREFIX = "a name that another one in its folder begins with"
    INBOX = "INBOX in another case, or with folders below it"
    NON_ASCII = "not ASCII"
    SEPARATOR = "a separator in a name"
    SPECIAL = "another character that means something somewhere"
    CONTROL = "a control character"
    LONG = "a name of 255 bytes or more"
    EMPTY = "an empty or blank name"
    RESERVED = "a name that is reserved, or belongs to a system folder"
    ROLE = "a role"


class Existing(NamedTuple):
    """What stands on the destination already: folders that the user has made, folders that a
    filter has made, and where filters file to (also where no folder is yet)."""

    by_users: tuple[Path, ...] = ()
    by_filters: tuple[Path, ...] = ()
    filed: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All that stands there, each once, with the folders above it."""
        made = (*self.by_users, *self.by_filters)
        return tuple(
            dict.fromkeys(path[:depth] for path in made for depth in range(1, len(path) + 1))
        )


def folder_names() -> st.SearchStrategy[str]:
    """Names as users and products give them, most of them awkward."""
    return st.sampled_from(AWKWARD_NAMES) | st.text(max_size=6)


@st.composite
def folder_trees(
    draw: st.DrawFn,
    max_size: int = 8,
    names: Sequence[str] = (),
    *,
    roles: bool = True,
    broken: bool = True,
) -> tuple[Folder, ...]:
    """Folders with ids from 257 on, called by `names` (awkward ones, if there are none). With
    `roles` some are system folders; with `broken` some lie below what is not there, or
    inside each other."""
    nodes = draw(st.lists(_nodes, max_size=max_size))
    theme, shape = draw(_trees)
    table = names or theme or (*AWKWARD_NAMES, draw(_texts))
    count = len(nodes)
    folders = []
    for place, (name, parent, role) in enumerate(nodes):
        above = _parent(place, parent, shape, count if broken else place)
        if above == _MISSING and not broken:
            above = ""
        called = table[name * len(table) // _NAMES]
        folders.append(Folder(str(FIRST_ID + place), above, called, role=role if roles else None))
    return tuple(folders)


@st.composite
def existing_folders(draw: st.DrawFn, folders: Sequence[Folder] = ()) -> Existing:
    """Folders of users and of filters, most of them where the backup's folders belong, in
    another case or normal form."""
    wanted = sorted(path for path in source_paths(folders).values() if _can_stand(path))
    paths = [*wanted, ("Work",), ("Sent",), ("INBOX", "x"), ("é", "x")]
    made = draw(st.lists(choices(paths, _SPELLINGS, _MAKERS), max_size=4))
    spelt = [(spelling(path), maker) for path, spelling, maker in made]
    return Existing(
        tuple(path for path, maker in spelt if maker == "user"),
        tuple(path for path, maker in spelt if maker == "filter"),
        tuple(path for path, maker in spelt if maker != "user"),
    )


@overload
def choices(one: Sequence[A], other: Sequence[B], /) -> st.SearchStrategy[tuple[A, B]]: ...
@overload
def choices(
    one: Sequence[A], other: Sequence[B], third: Sequence[C], /
) -> st.SearchStrategy[tuple[A, B, C]]: ...
@overload
def choices(*tables: Sequence[object]) -> st.SearchStrategy[tuple[Any, ...]]: ...
def choices(*tables: Sequence[object]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One of each table, by one draw: draws cost more than all else that a law does."""

    def chosen(number: int) -> tuple[object, ...]:
        found = []
        for table in tables:
            number, place = divmod(number, len(table))
            found.append(table[place])
        return tuple(found)

    return st.integers(0, prod(map(len, tables)) - 1).map(chosen)


def namespaces() -> st.SearchStrategy[Namespace]:
    """Maildir's, and others: without case, with a dot, narrow, with mountpoints in place."""
    return st.sampled_from(NAMESPACES)


_DOTTED = Namespace(
    separator=".", forbidden="/", forbidden_first="~", storage_encoding="utf-7", segment_bytes=200
)
_CASELESS = replace(MAILDIR, case_sensitive=False)
_NARROW = Namespace(segment_bytes=24, path_bytes=60, forbidden='*%"\\', reserved=("shared", "."))
NAMESPACES: tuple[Namespace, ...] = tuple(
    replace(namespace, mounts_in_place=in_place)
    for namespace in (MAILDIR, MEMORY, _DOTTED, _CASELESS, _NARROW)
    for in_place in (False, True)
)

#: Names that every destination can hold as they are, some of them close to each other.
PLAIN_NAMES = ("Work", "Workshop", "Team", "Teams", "Sub", "Büro", "日本語", "R&D")
#: Names that some destination cannot hold, or takes for others.
AWKWARD_NAMES = (
    *("Work", "Work", "Workshop", "work", "Sub", "Sub", "Sent", "shared", "Entwürfe", "日本語"),
    *("é", "e\u0301", "Bu\u0308ro", "B\u00fcro", "Bu\u0308/ro", "B\u00fc/ro", "ﬁ", "\U0001f4e7"),
    *("INBOX", "Inbox", "inbox", "", " ", "   ", ".", "..", "a/b", "/", "/lead", "trail/", "v1.2"),
    *("~x", "R&D", "&-", "&AOk-", "%*", "*", "a\\b", 'say "hi"', "{domain}", " lead", "trail "),
    *("x\ty", "\x00", "\x7f", "a\r\nb", "\u0085", "n" * 255, "n" * 256, "ü" * 128, "語" * 140),
)
#: Names that are close to each other; trees of such a few meet what other trees hardly do.
_THEMES = (
    ("Work", "Workshop", "work", "WORK", "Work/Sub", "Work "),
    ("é", "e\u0301", "É", "E\u0301", "Bu\u0308/ro", "B\u00fc/ro"),
    ("INBOX", "Inbox", "inbox", "Sub", "INBOX/Sub"),
    ("", " ", "/", "_", ".", "~"),
    ("n" * 255, "n" * 256, "n" * 100, "ü" * 128, "x"),
)
_NAMES = 240
_SYSTEM = (None,) * 12 + tuple(Role)
_texts = st.text(max_size=6)


class _Shape(StrEnum):
    MIXED = "mixed"
    CHAIN = "chain"
    FAN = "fan"


_SHAPES = (_Shape.MIXED, _Shape.MIXED, _Shape.CHAIN, _Shape.FAN)
_nodes = choices(range(_NAMES), range(32), _SYSTEM)
_trees = choices(((),) * 5 + _THEMES, _SHAPES)


def _parent(place: int, drawn: int, shape: _Shape, count: int) -> str:
    """The parent's id: a quarter at the root, a few below nothing, the others by the shape."""
    if drawn == 31:
        return _MISSING
    if shape is _Shape.CHAIN and drawn < 28:
        return str(FIRST_ID + place - 1) if place else ""
    if shape is _Shape.FAN and drawn < 28:
        return str(FIRST_ID) if place else ""
    if drawn < 8 or not count:
        return ""
    return str(FIRST_ID + drawn % count)


_MAKERS = ("user", "filter", "nobody")


def _as_it_is(path: Path) -> Path:
    return path


def _swapped(path: Path) -> Path:
    return tuple(segment.swapcase() for segment in path)


def _decomposed(path: Path) -> Path:
    return tuple(unicodedata.normalize("NFD", segment) for segment in path)


def _composed(path: Path) -> Path:
    return tuple(unicodedata.normalize("NFC", segment) for segment in path)


_SPELLINGS = (_as_it_is, _as_it_is, _swapped, _decomposed, _composed)


def _can_stand(path: Path) -> bool:
    """Whether some mail system could have a folder there."""
    return all(
        segment.strip(" ") and segment not in {".", ".."} and not _has(segment, "/", "Cc", "Cs")
        for segment in path
    )


def _has(text: str, characters: str, *categories: str) -> bool:
    return any(
        character in characters or unicodedata.category(character) in categories
        for character in text
    )


def awkward_folders(folders: Sequence[Folder]) -> set[Awkward]:
    """What is awkward about a tree of folders."""
    by_id = {folder.id: folder for folder in folders}
    names = [folder.name for folder in folders]
    sources = source_paths(folders)
    together = Counter(folder.parent for folder in folders)
    spelt = Counter((folder.parent, folder.name) for folder in folders)
    folded = Counter((parent, _nfc(name).casefold()) for parent, name in spelt)
    composed = Counter((parent, _nfc(name)) for parent, name in spelt)
    inside = [folder for folder in folders if folder.parent in by_id]
    found = {
        Awkward.DEEP: any(len(path) >= 4 for path in sources.values()),
        Awkward.WIDE: any(count >= 5 for count in together.values()),
        Awkward.ORPHAN: any(folder.parent and folder.parent not in by_id for folder in folders),
        Awkward.CIRCLE: any(len(sources[folder.id]) == 1 for folder in inside),
        Awkward.TWICE: any(count > 1 for count in spelt.values()),
        Awkward.OTHER_FORM: any(count > 1 for count in composed.values()),
        Awkward.OTHER_CASE: sum(folded.values()) - len(folded) > len(spelt) - len(composed),
        Awkward.PREFIX: any(
            one != other and other[1].startswith(one[1]) and one[0] == other[0] and one[1]
            for one in spelt
            for other in spelt
        ),
        Awkward.INBOX: any(
            path[0].casefold() == "inbox" and (path[0] != "INBOX" or len(path) > 1)
            for path in sources.values()
        ),
        Awkward.NON_ASCII: not all(name.isascii() for name in names),
        Awkward.SEPARATOR: any(_has(name, "/.") for name in names),
        Awkward.SPECIAL: any(_has(name, '~&%*\\"{') for name in names),
        Awkward.CONTROL: any(_has(name, "", "Cc") for name in names),
        Awkward.LONG: any(len(name.encode("utf-8", "replace")) >= 255 for name in names),
        Awkward.EMPTY: any(not name.strip() for name in names),
        Awkward.RESERVED: any(name in {".", "..", "shared", "Sent"} for name in names),
        Awkward.ROLE: any(folder.role for folder in folders),
    }
    return {kind for kind, is_there in found.items() if is_there}


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
