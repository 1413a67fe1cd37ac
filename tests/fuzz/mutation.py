"""Ways in which what is read from outside can be wrong, as values that Hypothesis draws.

Every damage is a small type with `apply`; places are drawn as fractions, so that they mean
something whatever the damage before them has left.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from hypothesis import strategies as st

#: Where the outside lies, seen from any place in a tree; `aim` puts the true path in.
OUTSIDE = "@outside@"
_RAW = "@raw@"
_fractions = st.integers(0, 999).map(lambda number: number / 1000)


class Bytes(NamedTuple):
    """Bytes are flipped, cut out, put in, doubled, or all that follows is cut off."""

    kind: str
    where: float
    length: int
    data: bytes

    def on(self, content: bytes) -> bytes:
        """The content, damaged."""
        at = int(self.where * len(content))
        before, here, after = (
            content[:at],
            content[at : at + self.length],
            content[at + self.length :],
        )
        match self.kind:
            case "flip":
                mask = self.data[0] if self.data else 1
                return before + bytes(one ^ mask for one in here) + after
            case "cut":
                return before + after
            case "insert":
                return before + self.data + here + after
            case "double":
                return before + here * 3 + after
            case _:
                return before


byte_damages = st.builds(
    Bytes,
    st.sampled_from(["flip", "cut", "insert", "double", "end"]),
    _fractions,
    st.integers(1, 64),
    st.one_of(
        st.binary(max_size=16),
        st.sampled_from([b"\0", b"\xff", b"[" * 50_000, b"}", b'"', b"\xed\xa0\x80", b"\n"]),
    ),
)

hostile_names = st.sampled_from(
    [
        "",
        ".",
        "..",
        "../" * 12 + OUTSIDE,
        OUTSIDE,
        f"/{OUTSIDE}/secret",
        "..@example.com",
        "a@..",
        "a@../../..",
        f"{OUTSIDE}@example.com",
        "a\0b",
        "a\nb",
        "a\r\nAUTH",
        "\ud800",
        "\udfff@example.com",
        "a/b",
        "a\\b",
        "~",
        "shared",
        "INBOX",
        "inbox",
        "dovecot-acl",
        "{0}{detail}",
        "%s%n",
        "é" * 300,
        "x" * 100_000,
        "\u202egnp.exe",
        "\ufeff",
        "1",
        "2",
        "300",
        "anna@example.com",
        "4a217bb3-6861-4c9f-80f8-f345ae2897b5",
        'require "fileinto"; fileinto "../../etc";',
        "if " * 20_000,
        "[" * 50_000,
    ]
)


class Raw(NamedTuple):
    """A piece of JSON that no Python value stands for."""

    text: str


hostile_values = st.one_of(
    hostile_names,
    st.none(),
    st.booleans(),
    st.sampled_from(
        [-1, 0, 1, 25, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5]
    ),
    st.sampled_from([-62_135_596_800_000, 253_402_300_799_999, 1e308]),
    st.sampled_from(
        [
            Raw("9" * 5000),
            Raw("-" + "9" * 5000),
            Raw("1e999"),
            Raw("NaN"),
            Raw("-0"),
            Raw("[" * 20_000 + "]" * 20_000),
            Raw('{"a":' * 20_000 + "1" + "}" * 20_000),
            Raw('{"type":"folder","type":"message"}'),
            Raw('"\\ud800"'),
            Raw('"\\u0000"'),
        ]
    ),
    st.recursive(
        st.one_of(hostile_names, st.integers()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(hostile_names, inner, max_size=3)
        ),
        max_leaves=4,
    ),
)


class Value(NamedTuple):
    """Something in the JSON is replaced, removed, given another key, or said twice."""

    kind: str
    where: float
    value: object
    name: str

    def on(self, content: bytes) -> bytes:
        """The content, damaged; as it was where it is no JSON."""
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            return content
        places = list(_places(document))
        if not places:
            return self._dumped(self.value)
        holder, key = places[int(self.where * len(places))]
        match self.kind:
            case "replace":
                holder[key] = self.value
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[self.name] = holder.pop(key)
            case "add" if isinstance(holder, dict):
                holder[self.name] = self.value
            case "double" if isinstance(holder, dict):
                # The same key again, later, with another value.
                holder[f"{_RAW}{key}"] = self.value
            case _ if isinstance(holder, list):
                holder.append(self.value)
        return self._dumped(document)

    @staticmethod
    def _dumped(document: object) -> bytes:
        raws: list[str] = []

        def plain(value: object) -> object:
            if isinstance(value, Raw):
                raws.append(value.text)
                return f"{_RAW}{len(raws) - 1}{_RAW}"
            if isinstance(value, dict):
                return {key: plain(below) for key, below in value.items()}
            if isinstance(value, list):
                return [plain(below) for below in value]
            return value

        text = json.dumps(plain(document))
        for number, raw in enumerate(raws):
            text = text.replace(f'"{_RAW}{number}{_RAW}"', raw)
        return text.replace(f'"{_RAW}', '"').encode()


def _places(document: object) -> Iterator[tuple[dict[str, object] | list[object], object]]:
    """Every place in the document, as its holder and its key there."""
    if isinstance(document, dict):
        for key, below in document.items():
            yield document, key
            yield from _places(below)
    elif isinstance(document, list):
        for index, below in enumerate(document):
            yield document, index
            yield from _places(below)


value_damages = st.builds(
    Value,
    st.sampled_from(["replace", "replace", "replace", "remove", "rename", "add", "double"]),
    _fractions,
    hostile_values,
    st.one_of(
        hostile_names,
        st.sampled_from(["type", "start", "end", "deleted", "parent", "id", "digest", "size"]),
    ),
)


class Damage(Protocol):
    """Something that is done to a tree."""

    def apply(self, tree: Path, outside: Path) -> None:
        """Does it."""


class InFile(NamedTuple):
    """Damage in one file; `outside` takes the place of its marker."""

    which: float
    change: Bytes | Value

    def apply(self, tree: Path, outside: Path) -> None:
        """See `Damage`."""
        files = [path for path in below(tree) if path.is_file() and not path.is_symlink()]
        if files:
            path = files[int(self.which * len(files))]
            content = self.change.on(path.read_bytes())
            path.write_bytes(content.replace(OUTSIDE.encode(), os.fsencode(outside)[1:]))


class Swap(NamedTuple):
    """Two files, or folders, change places."""

    which: float
    other: float

    def apply(self, tree: Path, outside: Path) -> None:  # noqa: ARG002 - it stays inside
        """See `Damage`."""
        found = below(tree)
        one, two = (found[int(place * len(found))] for place in self)
        if one in two.parents or two in one.parents or one == two:
            return
        aside = tree / ".aside"
        one.rename(aside)
        two.rename(one)
        aside.rename(two)


class Becomes(NamedTuple):
    """A file or folder becomes something else."""

    which: float
    kind: str

    def apply(self, tree: Path, outside: Path) -> None:
        """See `Damage`."""
        found = below(tree)
        path = found[int(self.which * len(found))]
        kept = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        match self.kind:
            case "link to a file":
                path.symlink_to(outside / "secret")
            case "link to a folder":
                path.symlink_to(outside)
            case "link to what is not there":
                path.symlink_to(outside / "new")
            case "link to itself":
                path.symlink_to(path)
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "empty":
                path.touch()
            case "huge":
                path.write_bytes(kept)
                os.truncate(path, 40 << 20)


class Renamed(NamedTuple):
    """A file or folder gets another name, or a second one."""

    which: float
    name: bytes
    copied: bool

    def apply(self, tree: Path, outside: Path) -> None:  # noqa: ARG002 - it stays inside
        """See `Damage`."""
        found = below(tree)
        path = found[int(self.which * len(found))]
        new = path.with_name(os.fsdecode(self.name))
        if os.path.lexists(new):
            return
        if self.copied and path.is_file() and not path.is_symlink():
            shutil.copy(path, new)
        else:
            path.rename(new)


def below(tree: Path) -> list[Path]:
    """Every file and folder in the tree, in order; links are not followed."""
    found = [
        Path(folder) / name for folder, folders, files in os.walk(tree) for name in folders + files
    ]
    return sorted(path for path in found if path != tree)


KINDS = (
    "link to a file",
    "link to a folder",
    "link to what is not there",
    "link to itself",
    "folder",
    "pipe",
    "empty",
    "huge",
)
in_files = st.builds(InFile, _fractions, st.one_of(byte_damages, value_damages, value_damages))
tree_damages: st.SearchStrategy[Damage] = st.one_of(
    in_files,
    in_files,
    st.builds(Swap, _fractions, _fractions),
    st.builds(Becomes, _fractions, st.sampled_from(KINDS)),
    st.builds(
        Renamed,
        _fractions,
        st.sampled_from(
            [b"\xff", b"a\nb", b"...", b"-rf", b"00", b"999999999999999999", b"x" * 255, b"\x1b[2J"]
        ),
        st.booleans(),
    ),
)
