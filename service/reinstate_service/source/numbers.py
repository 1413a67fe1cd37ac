"""What the low folder numbers and the flag characters of Zimbra and Carbonio mean."""

from __future__ import annotations

from reinstate_service.model import Flag, ItemType, Product, Role

ROOT = "1"
#: Folders that no user sees: the root, its parent, and those of tags and conversations.
HIDDEN = frozenset({ROOT, "8", "9", "11"})
FIRST_FREE = 257

_ROLES = {
    "2": Role.INBOX,
    "3": Role.TRASH,
    "4": Role.JUNK,
    "5": Role.SENT,
    "6": Role.DRAFTS,
}
#: 20 is the archive in Carbonio and "Files shared with me" in Zimbra.
_ARCHIVE = "20"
_VIEWS = {
    "7": ItemType.CONTACT,
    "10": ItemType.APPOINTMENT,
    "13": ItemType.CONTACT,
    "14": ItemType.CHAT,
    "15": ItemType.TASK,
    "16": ItemType.DOCUMENT,
}

_CHARACTERS = {
    "r": Flag.ANSWERED,
    "f": Flag.FLAGGED,
    "d": Flag.DRAFT,
    "x": Flag.DELETED,
    "w": Flag.FORWARDED,
    "n": Flag.MDN_SENT,
}
#: "u" says unread, so its absence says seen.
_UNREAD = "u"


def role_of(folder: str, product: Product) -> Role | None:
    """What the system folder of this number is for."""
    if folder == _ARCHIVE:
        return None if product is Product.ZIMBRA else Role.ARCHIVE
    return _ROLES.get(folder)


def view_of(folder: str, product: Product) -> ItemType:
    """What a folder of this number holds where its record does not say."""
    if folder == _ARCHIVE and product is Product.ZIMBRA:
        return ItemType.DOCUMENT
    return _VIEWS.get(folder, ItemType.MESSAGE)


_known: dict[str, Flag] = {}


def flags_of(characters: str) -> Flag:
    """The flags that a record's characters stand for; characters without a flag are passed over."""
    flags = _known.get(characters)
    if flags is None:
        flags = Flag(0) if _UNREAD in characters else Flag.SEEN
        for character in characters:
            flags |= _CHARACTERS.get(character, Flag(0))
        if len(_known) < 4096:
            _known[characters] = flags
    return flags


def characters_of(flags: Flag, further: str = "") -> str:
    """The characters of `flags`, with `further` ones that stand for no flag."""
    own = "".join(character for character, flag in _CHARACTERS.items() if flag in flags)
    return ("" if Flag.SEEN in flags else _UNREAD) + own + further
