"""The folders of one account that hold no mail: calendars and address books as a stock Radicale
serves them, and folders of files.

Radicale finds `radicale/collection-root/<address>`, a link to the account's collections/.
It takes a directory there for a collection, its `.Radicale.props` for what it is, and skips
every other name that begins with a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import Missing
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.folders import mailbox_directory, mailboxes
from reinstate_service.destination.maildir.layout import (
    Kind,
    collection_path,
    files_path,
    folder_directories,
)
from reinstate_service.destination.maildir.looking import descended, directories, exists
from reinstate_service.mapping.colours import web_colour
from reinstate_service.model import Folder, ItemType, Path

#: What Radicale is given as its `filesystem_folder`, below the destination's directory.
SERVED = "radicale"
ROOT = "collection-root"
PROPERTIES = ".Radicale.props"
_DESCRIPTION = ".folder.json"
_TAGS = {Kind.CALENDAR: "VCALENDAR", Kind.CONTACTS: "VADDRESSBOOK"}
_COLOURS = {
    Kind.CALENDAR: "ICAL:calendar-color",
    Kind.CONTACTS: "{http://inf-it.com/ns/ab/}addressbook-color",
}
_COMPONENTS = {ItemType.APPOINTMENT: "VEVENT", ItemType.TASK: "VTODO"}
#: What a path can hold and XML (1.0 §2.2), in which Radicale answers, cannot.
_NOT_IN_XML = re.compile("[\ufffe\uffff]")


class Description(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a folder of files, in its `.folder.json`."""

    path: Path
    name: str = ""
    colour: str = ""


def make_served(disk: Disk, root: int) -> None:
    """Makes the directory that Radicale serves."""
    if disk.make_directory(root, SERVED):
        reach(At.SERVED_FOLDER_MADE)
        disk.flush(root)
    with descended(root, SERVED) as served:
        if disk.make_directory(served, ROOT):
            disk.flush(served)


def serve(disk: Disk, root: int, domain: str, local: str) -> None:
    """Lets Radicale find the account's collections. Whatever has that name already stays."""
    address = f"{local}@{domain}"
    with descended(root, SERVED, ROOT) as served:
        if not exists(served, address):
            disk.new_link(served, address, f"../../{domain}/{local}/collections")
            reach(At.COLLECTIONS_LINKED)
        disk.flush(served)


def make_collection(
    disk: Disk, home: int, path: Path, kind: Kind, described: Folder | None
) -> bool:
    """Makes the collection or folder of files, the latter with what is missing above it;
    False if it was there. `described` is what the backup says of it, if that is known."""
    made = False
    names = folder_directories(path, kind)
    for depth in range(1, len(names)):
        with descended(home, *names[:depth]) as parent:
            made = disk.make_directory(parent, names[depth])
            if made:
                reach(At.COLLECTION_DIRECTORY_MADE)
                disk.flush(parent)
    written = description(path, kind, described)
    if written is not None:
        file_name, content = written
        with descended(home, *names) as directory:
            if made or not exists(directory, file_name):
                reach(At.COLLECTION_NOT_DESCRIBED)
                disk.replace_file(directory, file_name, content)
    return made


def description(path: Path, kind: Kind, described: Folder | None) -> tuple[str, bytes] | None:
    """The file in which a folder says what it is, and its content; None if there is nothing
    to say. A collection's display name is its path."""
    if kind is Kind.FILES:
        if described is None:
            return None
        told = Description(path, described.name, described.colour)
        return _DESCRIPTION, msgspec.json.encode(told) + b"\n"
    properties = {"D:displayname": _NOT_IN_XML.sub("\ufffd", "/".join(path)), "tag": _TAGS[kind]}
    if described is not None:
        if colour := web_colour(described.colour):
            properties[_COLOURS[kind]] = colour
        if components := _COMPONENTS.get(described.view):
            properties["C:supported-calendar-component-set"] = components
    return PROPERTIES, msgspec.json.encode(properties, order="sorted")


def collections(home: int) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every collection and folder of files, with the directories from the home."""
    within = Kind.CALENDAR.within
    with descended(home, within) as directory:
        names = directories(directory)
    for name in names:
        found = collection_path(name)
        if found is not None:
            yield found[0], (within, name)
    yield from _files(home, ())


def _files(home: int, above: tuple[str, ...]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    within = Kind.FILES.within
    with descended(home, within, *above) as directory:
        names = directories(directory)
    for name in names:
        below = (*above, name)
        yield files_path(below), (within, *below)
        yield from _files(home, below)


def collection_directory(home: int, path: Path) -> tuple[str, ...] | None:
    """The directories that lead to a collection or folder of files, None if there is none."""
    for kind in (Kind.CALENDAR, Kind.CONTACTS, Kind.FILES):
        names = folder_directories(path, kind)
        try:
            with descended(home, *names):
                return names
        except FileNotFoundError:
            continue
    return None


def all_folders(home: int) -> list[Path]:
    """Mailboxes and whatever else there is, each path once."""
    found = dict.fromkeys(mailboxes(home))
    found.update(dict.fromkeys(path for path, _ in collections(home)))
    return list(found)


def existing(home: int, path: Path) -> tuple[str, ...]:
    """The directories that lead to an existing folder, a mailbox before others. Raises Missing."""
    found = mailbox_directory(home, path) or collection_directory(home, path)
    if found is None:
        raise Missing(what=f"folder {'/'.join(path)}")
    return found
