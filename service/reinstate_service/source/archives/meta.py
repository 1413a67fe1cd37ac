"""The `.meta` entry that goes before each item's body: one JSON object of up to 27 keys."""

from __future__ import annotations

from typing import Annotated

import msgspec

from reinstate_service.model import Flag, Frozen
from reinstate_service.source import numbers
from reinstate_service.source.archives import bencode
from reinstate_service.source.contract import RecordMalformed

#: The highest `Ver` that Zimbra and Carbonio write, or read.
VERSION = 10

Number = Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)]
Sequence = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
Seconds = Annotated[int, msgspec.Meta(ge=-(1 << 40), lt=1 << 40)]

_UNREAD = 0x200
#: The characters of FlagStr by their bit in `flags`, for archives without FlagStr.
_CHARACTERS = {
    0x1: "s",
    0x2: "a",
    0x4: "r",
    0x8: "w",
    0x20: "f",
    0x40: "d",
    0x80: "x",
    0x100: "n",
    _UNREAD: "u",
    0x400: "!",
    0x800: "?",
    0x1000: "/",
    0x80000: "*",
    0x200000: "#",
    0x400000: "i",
}


class Meta(Frozen, frozen=True):
    """What the entry says. Dates are seconds since 1970, ids numbers, -1 is none.

    Keys that say nothing to a reader are passed over: `index_id`, `volume_id` and the
    numeric `tags` are 0 in every archive.
    """

    id: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]
    type: Annotated[int, msgspec.Meta(ge=-1, le=127)]
    folder_id: Number = -1
    parent_id: Number = -1
    uuid: str = ""
    imap_id: Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 32)] = -1
    date: Seconds = 0
    change_date: Seconds = 0
    size: Sequence = 0
    blob_digest: str = ""
    unread: Number = 0
    flags: Number = 0
    subject: str = ""
    name: str = ""
    metadata: str = ""
    mod_metadata: Number = 0
    mod_content: Number = 0
    sender: str = ""
    extra: str = msgspec.field(default="", name="ExtraStr")
    flag_characters: str | None = msgspec.field(default=None, name="FlagStr")
    path: str = msgspec.field(default="", name="Path")
    tag_string: str = msgspec.field(default="", name="TagStr")
    tag_names: str = msgspec.field(default="", name="TagNames")
    version: int = msgspec.field(default=VERSION, name="Ver")

    @property
    def characters(self) -> str:
        """The item's flags as characters, with `u` where it is unread."""
        if self.flag_characters is not None:
            return self.flag_characters
        bits = self.flags | (_UNREAD if self.unread > 0 else 0)
        return "".join(character for bit, character in _CHARACTERS.items() if bits & bit)

    @property
    def item_flags(self) -> Flag:
        """The flags that the model knows."""
        return numbers.flags_of(self.characters)

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the item's tags, or, with `has_tag_ids`, their ids."""
        if self.tag_names:
            return split_tags(self.tag_names)
        if self.has_tag_ids:
            return tuple(filter(None, self.tag_string.split(",")))
        return split_tags(self.tag_string)

    @property
    def has_tag_ids(self) -> bool:
        """Whether `tags` are ids: Zimbra before 6.0.6 wrote no names."""
        return (
            not self.tag_names
            and self.tag_string[:1].isdecimal()
            and set(self.tag_string) <= set("0123456789,")
        )

    def decoded(self) -> dict[str, bencode.Value]:
        """The bencoded part. Raises RecordMalformed."""
        if not self.metadata:
            return {}
        found = bencode.decode(self.metadata)
        if not isinstance(found, dict):
            raise RecordMalformed(detail="metadata is no dictionary")
        return found


_decoder = msgspec.json.Decoder(Meta)


def read_meta(data: bytes) -> Meta:
    """What a `.meta` entry says. Raises RecordMalformed, whatever the bytes are."""
    try:
        meta = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordMalformed(detail=f".meta entry: {error}") from error
    if meta.version > VERSION:
        raise RecordMalformed(detail=f".meta entry is of version {meta.version}, {VERSION} is read")
    return meta


def split_tags(names: str) -> tuple[str, ...]:
    """The names in a tag string: joined by `:`, with `\\` before a `:` or `\\` of a name."""
    found: list[str] = []
    name: list[str] = []
    characters = iter(names)
    for character in characters:
        if character == ":":
            found.append("".join(name))
            name = []
        else:
            name.append(next(characters, "\\") if character == "\\" else character)
    found.append("".join(name))
    return tuple(filter(None, found))


def join_tags(names: tuple[str, ...]) -> str:
    """The tag string of these names; `split_tags` undoes it."""
    return ":".join(name.replace("\\", "\\\\").replace(":", "\\:") for name in names)
