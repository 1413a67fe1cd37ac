"""A folder of archives with one of everything, and what it holds, item by item."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from archives import directory
from archives.calendars import components, items_of, stored
from archives.writer import (
    FIRST_DATE,
    Mailbox,
    digest_of,
    message,
    only,
    without,
    write,
)
from reinstate_service.model import Flag, GranteeType, Item, ItemType
from reinstate_service.source.archives.acl import Grant, metadata_of
from reinstate_service.source.archives.calendar import icalendar
from reinstate_service.source.archives.contacts import contact_uid, vcard

#: When the older archives were made, and the newer ones; seconds.
EXPORTED, EXPORTED_LATER = FIRST_DATE + 86_400, FIRST_DATE + 2 * 86_400
EVENT = b"""BEGIN:VCALENDAR
BEGIN:VEVENT
UID:weekly@example.com
DTSTART:20260105T090000Z
DTEND:20260105T100000Z
RRULE:FREQ=WEEKLY
SUMMARY:Weekly
DESCRIPTION:The series
END:VEVENT
BEGIN:VEVENT
UID:weekly@example.com
RECURRENCE-ID:20260112T090000Z
DTSTART:20260112T110000Z
DTEND:20260112T120000Z
SUMMARY:Weekly\\, later
DESCRIPTION:Only this one
END:VEVENT
END:VCALENDAR
"""
JUNK, INBOX, DRAFTS, CONTACTS, CALENDAR, CHATS, BRIEFCASE = 4, 2, 6, 7, 10, 14, 16


@dataclass
class Example:
    """The folder, and the items that it holds by account id; `content` by digest."""

    path: Path
    items: dict[str, list[Item]] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)

    def expect(self, account: str, item: Item, content: bytes) -> None:
        """The account holds this item."""
        self.items.setdefault(account, []).append(item)
        self.content[item.digest] = content


def build(path: Path, many: int = 0) -> Example:
    """anna has a whole export without Junk, and her Junk in an archive of its own; her Team, which
    bruno may read and write, has so `many` messages. bruno has an export of a search, which has
    no folder records, and his mountpoint in another; room has none."""
    path.mkdir(parents=True)
    example = Example(path)
    (path / "directory.ldif").write_bytes(directory.zmslapcat(directory.example()))
    _anna(example, many)
    _bruno(example)
    for file in path.iterdir():
        os.utime(file, (EXPORTED, EXPORTED))
    return example


def _anna(example: Example, many: int) -> None:
    box = Mailbox.with_folders()
    grants = metadata_of([Grant(directory.BRUNO, GranteeType.USER, "rwidx")])
    team = box.container(1, "Team", vt=5, c=5, **grants)
    below = box.container(1, "Pläne 🗓", team, flags="i", vt=5)
    box.container(2, "Unread", q="is:unread", t="message", s="dateDesc")
    box.container(3, "blue: 🐟", c=1)
    box.container(3, "tag\\two")
    expected = _Expecting(example, directory.ANNA, box)
    expected.message(INBOX, "", Flag.SEEN, tags=("blue: 🐟",))
    expected.message(INBOX, "urf", Flag.ANSWERED | Flag.FLAGGED)
    expected.message(below, "w", Flag.SEEN | Flag.FORWARDED, tags=("tag\\two", "blue: 🐟"))
    expected.message(DRAFTS, "d", Flag.SEEN | Flag.DRAFT)
    expected.message(CHATS, "", Flag.SEEN, type_=16)
    expected.message(JUNK, "u", Flag(0))
    expected.contact({"lastName": "Doe/../Roe", "firstName": "John", "email": "john@example.com"})
    expected.contact({"lastName": "doe/../roe", "firstName": "john"})
    expected.event(EVENT)
    for _ in range(many):
        expected.message(team, "f", Flag.SEEN | Flag.FLAGGED)
    expected.documents("plan.odt", b"first", b"second", b"third")
    write(example.path, "anna@example.com.tgz", box.entries(without(JUNK)))
    write(example.path, "Anna@Example.com-junk.zip", box.entries(only(JUNK)))


def _bruno(example: Example) -> None:
    box = Mailbox.with_folders()
    deep = box.container(1, "Deep")
    deeper = box.container(1, "Deeper", deep)
    box.container(13, "Anna's team", aid=directory.ANNA, id=257, vt=5)
    expected = _Expecting(example, directory.BRUNO, box)
    for _ in range(3):
        expected.message(INBOX, "", Flag.SEEN)
    expected.message(deeper, "u", Flag(0))
    write(example.path, "bru@example.com.tar", box.entries(only(INBOX, deeper)))
    mounted = box.entries(lambda stored: stored.meta["type"] == 13)
    write(example.path, "bruno@example.com mountpoints.zip", mounted)


class _Expecting:
    """Puts items into a mailbox, and says what is to come out."""

    def __init__(self, example: Example, account: str, box: Mailbox) -> None:
        self._example = example
        self._account = account
        self._box = box

    def _expect(
        self, number: int, type_: ItemType, folder: int, content: bytes, **more: object
    ) -> None:
        seen = {"flags": Flag.SEEN} | more
        date = (FIRST_DATE + (number & 0xFFFFFFFF)) * 1000
        size, digest = len(content), digest_of(content)
        item = Item(str(number), type_, str(folder), date, size, digest, **seen)  # type: ignore[arg-type]
        self._example.expect(self._account, item, content)

    def message(
        self,
        folder: int,
        characters: str,
        flags: Flag,
        *,
        tags: tuple[str, ...] = (),
        type_: int = 5,
    ) -> None:
        content = message(len(self._example.content))
        number = self._box.message(folder, content, flags=characters, tags=tags, type_=type_)
        kind = ItemType.CHAT if type_ == 16 else ItemType.MESSAGE
        self._expect(number, kind, folder, content, flags=flags, tags=tags, imap_uid=number)

    def contact(self, fields: dict[str, str]) -> None:
        number = self._box.contact(CONTACTS, fields)  # type: ignore[arg-type]
        uid = contact_uid({"fld": fields}, self._account, str(number))
        content = vcard({"fld": fields}, uid=uid, revised=(FIRST_DATE + number) * 1000)
        self._expect(number, ItemType.CONTACT, CONTACTS, content)

    def event(self, calendar: bytes) -> None:
        (parsed,) = components(calendar)
        (item,) = items_of(parsed)
        made = stored(item, [], inline=5)
        number = self._box.calendar_item(CALENDAR, made.metadata, made.body)
        stamp = (FIRST_DATE + number) * 1000
        content = icalendar(
            made.metadata, made.body, type_=ItemType.APPOINTMENT, uid="", stamp=stamp
        ).content
        assert b"Only this one" in content
        self._expect(number, ItemType.APPOINTMENT, CALENDAR, content)

    def documents(self, name: str, *versions: bytes) -> None:
        number = self._box.document(BRIEFCASE, name, *versions)
        stem, _, suffix = name.rpartition(".")
        for version, content in enumerate(versions, 1):
            former = version < len(versions)
            named = f"{stem} (version {version}).{suffix}" if former else name
            identifier = number + (version + 1 << 32 if former else 0)
            self._expect(identifier, ItemType.DOCUMENT, BRIEFCASE, content, name=named)
