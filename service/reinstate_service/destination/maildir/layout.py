"""How names become file names: Maildir++ with Dovecot's listescape, and other folders alike.

All of it was tried on Dovecot 2.3.19 and Radicale 3.9; docs/destinations.md tells the findings.
"""

from __future__ import annotations

import binascii
import enum
import re
from base64 import b64decode
from functools import lru_cache

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.names import checked_path
from reinstate_service.mapping.namespace import Namespace, modified_utf7
from reinstate_service.model import MAIL_TYPES, Flag, ItemType, Path, Role

#: What Pigeonhole 0.5 allows scripts without any setting.
_SIEVE = (
    *("body", "comparator-i;ascii-numeric", "copy", "date", "duplicate", "encoded-character"),
    *("enotify", "envelope", "environment", "fileinto", "foreverypart", "ihave", "imap4flags"),
    *("include", "index", "mailbox", "mime", "regex", "reject", "relational", "subaddress"),
    *("vacation", "variables"),
)

NAMESPACE = Namespace(
    separator="/",
    storage_escape=".\\~",
    segment_bytes=250,
    path_bytes=251,  # with the suffix of a collection, what a file name can hold
    storage_encoding="utf-7",
    reserved=(".", "..", "shared"),
    roles={
        Role.INBOX: ("INBOX",),
        Role.SENT: ("Sent",),
        Role.DRAFTS: ("Drafts",),
        Role.TRASH: ("Trash",),
        Role.JUNK: ("Junk",),
        Role.ARCHIVE: ("Archive",),
    },
    sieve=_SIEVE,
)

INBOX: Path = ("INBOX",)
_NAME_MAX = 255
_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2})")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_BASE_END = re.compile(r"[,:]")
_NOT_IN_FILE_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\ud800-\udfff]")

#: Maildir's letters, in the order in which they stand in a file name.
FLAG_LETTERS = {
    "D": Flag.DRAFT,
    "F": Flag.FLAGGED,
    "R": Flag.ANSWERED,
    "S": Flag.SEEN,
    "T": Flag.DELETED,
}
FLAG_KEYWORDS = {"$Forwarded": Flag.FORWARDED, "$MDNSent": Flag.MDN_SENT}


class Kind(enum.Enum):
    """What a folder is kept as: the directory of the account's home that it is `within`, and
    the `suffix` of its name there. One path may have a folder of each kind."""

    MAIL = ("Maildir", "")
    CALENDAR = ("collections", ".ics")
    CONTACTS = ("collections", ".vcf")
    FILES = ("files", "")

    def __init__(self, within: str, suffix: str) -> None:
        self.within = within
        self.suffix = suffix


_KINDS = {
    ItemType.CONTACT: Kind.CONTACTS,
    ItemType.APPOINTMENT: Kind.CALENDAR,
    ItemType.TASK: Kind.CALENDAR,
    ItemType.DOCUMENT: Kind.FILES,
}

_SUFFIXES = {
    ItemType.CONTACT: ".vcf",
    ItemType.APPOINTMENT: ".ics",
    ItemType.TASK: ".task.ics",
}


def kind_of(type_: ItemType) -> Kind:
    """The kind of folder that items of this type, or folders for them, are kept as."""
    return Kind.MAIL if type_ in MAIL_TYPES else _KINDS[type_]


@lru_cache(1024)
def own_path(path: Path) -> Path:
    """`path` as one of the account's own folders. Raises Refused."""
    path = checked_path(path)
    if path[0] == NAMESPACE.shared_prefix[0]:
        raise Refused(detail=f"{'/'.join(path)!r} is where other users' folders are shown")
    return path


def storage_segment(segment: str) -> str:
    """A segment as it stands on disk. Dovecot's listescape escapes the storage separator,
    its own escape character, and a tilde that begins a segment."""
    stored = modified_utf7(segment).replace("\\", "\\5c").replace(".", "\\2e")
    return "\\7e" + stored[1:] if stored.startswith("~") else stored


def segment_of(stored: str) -> str:
    """The inverse of storage_segment; what is not valid is taken as it stands."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), stored)

    def unshifted(match: re.Match[str]) -> str:
        if not match[1]:
            return "&"
        encoded = match[1].replace(",", "/")
        try:
            return b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-16-be")
        except (binascii.Error, UnicodeDecodeError):
            return match[0]

    return _SHIFTED.sub(unshifted, plain)


def storage_name(path: Path) -> str:
    """A mailbox's name in Maildir++, without the leading dot: what `subscriptions` holds."""
    return ".".join(storage_segment(segment) for segment in path)


def folder_directory(path: Path) -> str:
    """The mailbox's directory inside Maildir. Raises Refused if the name is too long."""
    if path == INBOX:
        return "."
    name = "." + storage_name(path)
    if len(name) > _NAME_MAX:
        raise Refused(detail=f"the path {'/'.join(path)!r} is too long for Maildir++")
    return name


def folder_path(directory: str) -> Path:
    """The inverse of folder_directory."""
    if directory == ".":
        return INBOX
    return tuple(segment_of(stored) for stored in directory[1:].split("."))


def subscription(path: Path) -> str:
    """A line of `subscriptions`: other users' folders stand behind their plain prefix."""
    depth = len(NAMESPACE.shared_prefix)
    if path[0] != NAMESPACE.shared_prefix[0] or len(path) < depth:
        return storage_name(path)
    prefix = "/".join(path[:depth])
    return f"{prefix}/{storage_name(path[depth:])}" if len(path) > depth else prefix


def folder_directories(path: Path, kind: Kind) -> tuple[str, ...]:
    """The directories from the account's home to a folder, outermost first. Raises Refused if
    a name is too long.

    Radicale serves nothing below a collection, so a collection's whole path is its name. A
    comma in the name of a folder of files is escaped, so that none is taken for a document.
    """
    if kind is Kind.MAIL:
        return (kind.within, folder_directory(path))
    if kind is Kind.FILES:
        names = tuple(storage_segment(segment).replace(",", "\\2c") for segment in path)
    else:
        names = (storage_name(path) + kind.suffix,)
    if any(len(name) > _NAME_MAX for name in names):
        raise Refused(detail=f"the path {'/'.join(path)!r} is too long for a folder")
    return (kind.within, *names)


def collection_path(directory: str) -> tuple[Path, Kind] | None:
    """The inverse for a collection's own directory; None for one that a client has made."""
    for kind in (Kind.CALENDAR, Kind.CONTACTS):
        stored = directory.removesuffix(kind.suffix)
        if stored != directory and all(stored.split(".")):
            return tuple(map(segment_of, stored.split("."))), kind
    return None


def files_path(directories: tuple[str, ...]) -> Path:
    """The inverse for a folder of files, given its directories below files/."""
    return tuple(segment_of(name.replace("\\2c", ",")) for name in directories)


def message_base(date: int, name: str) -> str:
    """The part of a message's file name that never changes; `date` in milliseconds."""
    return f"{date // 1000}.{name}"


def base_name(file_name: str) -> str:
    """The part of a message's file name that stays while its flags change, Dovecot's or ours."""
    return "" if file_name.startswith(".") else _BASE_END.split(file_name, maxsplit=1)[0]


def keyword_letters(file_name: str) -> str:
    """The letters of a message's file name that stand for keywords."""
    return "".join(letter for letter in info_letters(file_name) if "a" <= letter <= "z")


def with_keyword_letters(file_name: str, letters: str) -> str:
    """`file_name` with `letters` in place of its keyword letters."""
    front, mark, info = file_name.partition(":2,")
    kept = "".join(letter for letter in info if not "a" <= letter <= "z")
    return f"{front}{mark}{kept}{letters}" if mark else file_name


def delivery_of_message(file_name: str) -> str:
    """The delivery that a message's file came from: what stands between the seconds and
    the first comma or colon."""
    return _BASE_END.split(file_name, maxsplit=1)[0].partition(".")[2]


@lru_cache(1024)
def flag_letters(flags: Flag) -> str:
    """The letters of those flags that have one, in the order of a file name."""
    return "".join(letter for letter, flag in FLAG_LETTERS.items() if flag in flags)


def info_letters(file_name: str) -> str:
    """Flag and keyword letters of a message's file name."""
    return file_name.partition(":2,")[2]


def collection_file(name: str, type_: ItemType, file_name: str) -> str:
    """The file that an item is kept in that is no message."""
    if type_ is not ItemType.DOCUMENT:
        return name + _SUFFIXES.get(type_, ".eml")
    room = _NAME_MAX - len(name) - 1
    return f"{name},{_fitting(_NOT_IN_FILE_NAMES.sub('_', file_name), room)}"


def delivery_of_file(file_name: str) -> tuple[str, ItemType]:
    """The delivery and the type of a file in a collection or a folder of files."""
    name, comma, _ = file_name.partition(",")
    if not comma:
        for type_ in (ItemType.TASK, ItemType.APPOINTMENT, ItemType.CONTACT):
            if file_name.endswith(_SUFFIXES[type_]):
                return file_name.removesuffix(_SUFFIXES[type_]), type_
    return name, ItemType.DOCUMENT


def _fitting(file_name: str, room: int) -> str:
    """`file_name` cut to `room` bytes of UTF-8, its extension kept where that is possible."""
    if len(file_name.encode()) <= room:
        return file_name
    stem, dot, extension = file_name.rpartition(".")
    ending = dot + extension if stem and len(extension.encode()) < 16 else ""
    kept = (stem if ending else file_name).encode()[: room - len(ending.encode())]
    return kept.decode(errors="ignore") + ending
