"""The numbers by which Zimbra and Carbonio tell kinds of items, and colours, apart."""

from __future__ import annotations

from reinstate_service.model import ItemType

FOLDER, SEARCH, TAG, MOUNTPOINT = 1, 2, 3, 13
CONTAINERS = frozenset({FOLDER, SEARCH, TAG, MOUNTPOINT})
#: Conversations and flags: made anew from the messages.
DERIVED = frozenset({4, 10, 12})
ITEMS = {
    5: ItemType.MESSAGE,
    6: ItemType.CONTACT,
    8: ItemType.DOCUMENT,
    9: ItemType.DOCUMENT,  # a note
    11: ItemType.APPOINTMENT,
    14: ItemType.DOCUMENT,  # a page of a wiki
    15: ItemType.TASK,
    16: ItemType.CHAT,
}
#: Of these the content is made from metadata and body; of all others it is the body.
CONVERTED = frozenset({ItemType.CONTACT, ItemType.APPOINTMENT, ItemType.TASK})

#: What a folder shows by default may be conversations, or nothing in particular.
VIEWS = {**ITEMS, 4: ItemType.MESSAGE}

_COLOURS = ("", "blue", "cyan", "green", "purple", "red", "yellow", "pink", "gray", "orange")
_RGB = 0x01000000


def colour_of(number: int) -> str:
    """The name of a colour, or `#rrggbb`; empty for none."""
    if number & _RGB:
        return f"#{number & 0xFFFFFF:06x}"
    return _COLOURS[number] if 0 <= number < len(_COLOURS) else ""
