"""A real Radicale shows what was restored: every event, task and contact, whole."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import pytest

from archives import directory
from archives.calendars import Stored, components, items_of, stored
from archives.meaning import meaning
from archives.writer import SYSTEM, Mailbox, write
from reinstate_service.model import Item, ItemType
from reinstate_service.source.archives import bencode
from reinstate_service.source.archives.calendar import icalendar
from reinstate_service.source.contract import RecordMalformed
from reinstate_service.source.open import open_source
from running import run
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from system.radicale import Client, Radicale, Served

pytestmark = needs_dovecot

CALENDARS = Path(__file__).parents[3] / "shared" / "data" / "calendars"
ADDRESS, ALIAS, PASSWORD = "o'brien@example.com", "also@example.com", "s3cret: ü"
TYPES = {"VEVENT": ItemType.APPOINTMENT, "VTODO": ItemType.TASK}
CONTACTS, CALENDAR, TASKS, BRIEFCASE, TEAM, REAL, EMPTY = 7, 10, 15, 16, 90, 91, 92
#: Zimbra's number, parent and name of each folder, its view and its colour.
FOLDERS = (
    (CONTACTS, 1, "Contacts", 6, 7),
    (CALENDAR, 1, "Calendar", 11, 1),
    (TASKS, 1, "Tasks", 15, 0),
    (BRIEFCASE, 1, "Briefcase", 8, 2),
    (TEAM, CALENDAR, "Büro, 会議 'a' v1.2~", 11, 0x01FF8800),
    (REAL, 1, "Real", 11, 0),
    (EMPTY, 1, "Empty", 6, 0x0133AA77),
)
#: What a client is shown of them: kind, display name, colour, components.
SHOWN = {
    CONTACTS: ("address book", "Contacts", "#fe98d3", set()),
    CALENDAR: ("calendar", "Calendar", "#5b9bf2", {"VEVENT"}),
    TASKS: ("calendar", "Tasks", "", {"VTODO"}),
    TEAM: ("calendar", "Calendar/Büro, 会議 'a' v1.2~", "#ff8800", {"VEVENT"}),
    REAL: ("calendar", "Real", "", {"VEVENT"}),
    EMPTY: ("address book", "Empty", "#33aa77", set()),
}
#: What Radicale's library cannot read, by calendar, and the reason in its log; it is left out.
UNREAD = {
    "issue_156_RDATE_with_PERIOD_TZID_khal.ics": "PERIOD not supported",
    "multiple_timezones.ics": "object has no attribute 'year'",  # RDATE of times without dates
    "rfc_7529.ics": "unknown parameter 'RSCALE'",
}
NO_START = "missing DTSTART"

OWN = """BEGIN:VEVENT
UID:series@example.test
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20260105T090000
DTEND;TZID=Europe/Berlin:20260105T100000
RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260601T080000Z
EXDATE;TZID=Europe/Berlin:20260112T090000
SUMMARY:Weekly
DESCRIPTION:The series' own text\\, which is long\\; and has\\ntwo lines
LOCATION:Room 1\\, first floor
ORGANIZER;CN="Boss, the":mailto:boss@example.test
ATTENDEE;CN=Ada;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:ada@example.test
ATTENDEE;CN=Room;CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:room@example.test
CATEGORIES:One,Two\\, three
CLASS:PRIVATE
TRANSP:TRANSPARENT
PRIORITY:1
GEO:48.2;16.37
URL:https://example.test/?a=b;c,d
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Soon
TRIGGER:-PT15M
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:series@example.test
DTSTAMP:20260102T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20260119T090000
DTSTART;TZID=Europe/Berlin:20260119T140000
DTEND;TZID=Europe/Berlin:20260119T150000
SUMMARY:Weekly\\, moved
DESCRIPTION:The moved one's own text
END:VEVENT
BEGIN:VEVENT
UID:day@example.test
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Holidays 🎄
END:VEVENT
BEGIN:VTODO
UID:task@example.test
DTSTAMP:20260101T000000Z
DUE:20260301T120000Z
SUMMARY:Write it down
STATUS:IN-PROCESS
PERCENT-COMPLETE:40
PRIORITY:5
END:VTODO
"""
#: Two of one UID in one collection, which a client could not store.
SAME_UID = """BEGIN:VEVENT
UID:day@example.test
DTSTAMP:20260103T000000Z
DTSTART;VALUE=DATE:20271224
SUMMARY:The same UID once more
END:VEVENT
"""
ADA = {
    "firstName": "Ada", "lastName": "Love; lace", "fullName": "Ada Lovelace, countess",
    "nickname": "ada,a", "company": "Acme; Inc", "department": "R&D", "email": "ada@example.test",
    "workEmail1": "w@example.test", "homePhone": "+43 1", "workFax": "+43 4", "carPhone": "+43 5",
    "homeStreet": "Ring 1\nTop 2", "homeCity": "Wien", "homeCountry": "Österreich",
    "homeURL": "https://example.test/a,b;c", "imAddress1": "xmpp:ada@example.test",
    "birthday": "--12-10", "anniversary": "1835-07-08", "notes": "two\nlines, and; more\\",
    "custom field": "own, too", "userCertificate": base64.b64encode(b"der").decode(),
    "vcardXProps": json.dumps({"X-A": "one, two"}),
}  # fmt: skip


class Restored(NamedTuple):
    """A tree, the command that has restored it, an account's home in it, and the contents of
    each of its folders in the backup, with the real calendars that they come from."""

    command: tuple[str | Path, ...]
    tree: Path
    home: Path
    contents: dict[int, dict[bytes, str]]


def readable(item: Stored) -> bool:
    """Whether it is in no zone that nothing defines."""
    try:
        icalendar(item.metadata, item.body, type_=TYPES[item.kind], uid="x", stamp=0)
    except RecordMalformed:
        return False
    return True


def calendar_items(text: bytes) -> Iterator[Stored]:
    for calendar in components(text):
        zones = [inner for inner in calendar.inside if inner.name == "VTIMEZONE"]
        yield from filter(readable, (stored(item, zones) for item in items_of(calendar)))


def filled(box: Mailbox) -> dict[int, str]:
    """Puts everything into the mailbox; the items that come from real calendars."""
    own = f"BEGIN:VCALENDAR\n{OWN}END:VCALENDAR\nBEGIN:VCALENDAR\n{SAME_UID}END:VCALENDAR\n"
    for item in calendar_items(own.encode()):
        task = item.kind == "VTODO"
        box.calendar_item(TASKS if task else CALENDAR, item.metadata, item.body, task=task)
        box.calendar_item(TEAM, item.metadata, item.body, task=task)
    photo = EmailMessage()
    photo.add_attachment(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40, "image", "jpeg")
    attached = [{"part": "1", "ctype": "image/jpeg", "field": "image"}]
    whole = bencode.encode({"fld": ADA, "att": attached, "v": 10})  # type: ignore[dict-item]
    ada = box.contact(CONTACTS, {}, photo.as_bytes(), metadata=whole)
    inline = {"t": "I", "v": '"Mr, X" <x@example.test>'}
    members = bencode.encode({"m": [{"t": "C", "v": str(ada)}, inline]})  # type: ignore[dict-item]
    box.contact(CONTACTS, {"lastName": "All", "type": "group", "groupMember": members})
    box.document(BRIEFCASE, "notes.txt", b"a document")
    return {
        box.calendar_item(REAL, item.metadata, item.body, task=item.kind == "VTODO"): path.name
        for path in sorted(CALENDARS.glob("*.ics"))
        if path.name != "broken_ical.ics"
        for item in calendar_items(path.read_bytes())
    }


def archives(folder: Path) -> dict[int, str]:
    """Archive and directory of one account; the items that come from real calendars."""
    folder.mkdir()
    local = ADDRESS.partition("@")[0]
    salted = hashlib.sha1(PASSWORD.encode() + b"salt").digest() + b"salt"
    account = directory.person(
        local,
        directory.ANNA,
        userPassword=["{SSHA}" + base64.b64encode(salted).decode()],
        zimbraMailAlias=[ALIAS],
    )
    domain = next(entry for entry in directory.example() if entry.dn == "dc=example,dc=com")
    (folder / "directory.ldif").write_bytes(directory.zmslapcat([domain, account]))
    box = Mailbox.with_folders(SYSTEM[:1])
    for number, parent, name, view, colour in FOLDERS:
        box.container(1, name, parent, number=number, vt=view, c=colour)
    real = filled(box)
    write(folder, f"{ADDRESS}.tgz", box.entries())
    return real


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    """One account, restored with the command from its archive."""
    with reachable_folder() as folder:
        real = archives(folder / "archives")
        contents: dict[int, dict[bytes, str]] = {number: {} for number, *_ in FOLDERS}
        source = open_source(f"archives:{folder / 'archives'}")
        for item in source.items(directory.ANNA):
            assert isinstance(item, Item), item
            content = b"".join(source.content(item))
            contents[int(item.folder)][content] = real.get(int(item.id), "")
        owner, tree = tree_owner(), folder / "mail"
        command = (
            *("restore", f"archives:{folder / 'archives'}", f"maildir:{tree}"),
            *("--journal", folder / "reinstate.db"),
            *(["--owner", f"{owner[0]}:{owner[1]}"] if owner else []),
        )
        run(*command)
        local, _, domain = ADDRESS.partition("@")
        yield Restored(command, tree, tree / domain / local, contents)


@pytest.fixture(scope="module")
def server(restored: Restored) -> Iterator[Radicale]:
    with Dovecot(restored.tree) as dovecot, Radicale(restored.tree, dovecot) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Radicale) -> Client:
    return server.client(ADDRESS, PASSWORD)


def by_folder(client: Client) -> dict[int, Served]:
    """The collections of the backup's folders."""
    found = client.collections()
    return {number: found[name] for number, (_, name, *_) in SHOWN.items()}


def whole(content: bytes) -> tuple[object, ...]:
    """Every property of every component."""
    (component,) = components(content)
    return meaning(component)


def test_a_client_sees_every_collection_with_its_name_colour_and_kind(client: Client) -> None:
    served = client.collections().values()
    shown = [(one.kind, one.name, one.colour, set(one.components)) for one in served]
    assert sorted(shown, key=str) == sorted(SHOWN.values(), key=str)


@pytest.mark.parametrize("folder", [CONTACTS, CALENDAR, TASKS, TEAM, EMPTY])
def test_every_item_read_back_is_equal_in_every_property(
    restored: Restored, client: Client, folder: int
) -> None:
    found = client.items(by_folder(client)[folder])
    wanted = restored.contents[folder]
    assert Counter(map(whole, found.values())) == Counter(map(whole, wanted))


@pytest.mark.skipif(not CALENDARS.is_dir(), reason=f"the real calendars are not here: {CALENDARS}")
def test_real_calendars_go_through_unchanged_in_meaning(
    restored: Restored, client: Client, server: Radicale
) -> None:
    found = client.items(by_folder(client)[REAL])
    files = (restored.home / "collections" / "Real.ics").glob("[!.]*")
    stored_files = {path.name: path.read_bytes() for path in files}
    calendars = restored.contents[REAL]
    assert set(stored_files.values()) == set(calendars)
    for name, content in stored_files.items():
        reason = UNREAD.get(calendars[content]) or reason_not_to_read(content)
        if reason:
            assert name not in found
            assert reason in server.log()
        else:
            assert whole(found[name]) == whole(content), calendars[content]
    assert len(found) > 15


def reason_not_to_read(content: bytes) -> str:
    (calendar,) = components(content)
    events = [inner for inner in calendar.inside if inner.name == "VEVENT"]
    return NO_START if any(event.get("DTSTART") is None for event in events) else ""


def test_two_items_of_one_uid_are_both_there_and_can_be_changed(client: Client) -> None:
    calendar = by_folder(client)[TEAM]
    twins = {
        name: content
        for name, content in client.items(calendar).items()
        if b"UID:day@example.test" in content
    }
    assert len(twins) == 2
    for name, content in twins.items():
        assert client.request("PUT", calendar.href + name, content)[0] == 204
    assert client.request("PUT", f"{calendar.href}third.ics", content)[0] == 409


def test_only_the_accounts_own_address_and_password_let_in(server: Radicale) -> None:
    def status(address: str, password: str) -> int:
        return server.client(address, password).request("PROPFIND", "/")[0]

    assert status(ADDRESS, PASSWORD) == 207
    assert status(ADDRESS.upper(), PASSWORD) == 207
    assert status(ADDRESS, PASSWORD + "x") == 401
    assert status(ADDRESS, "") == 401
    assert status(ALIAS, PASSWORD) == 401
    assert status("nobody@example.com", PASSWORD) == 401


def test_nobody_sees_another_ones_collections(client: Client) -> None:
    for path in ("/", "/nobody@example.com/"):
        status, answer = client.request("PROPFIND", path)
        assert status in {207, 403}
        assert b".ics" not in answer


def lying(above: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a folder."""
    return {
        str(path.relative_to(above)): (
            path.lstat().st_ino,
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(above.rglob("*"))
    }


def test_a_second_restore_after_radicale_has_served_writes_nothing(
    restored: Restored, client: Client
) -> None:
    for collection in client.collections().values():
        client.items(collection)
    before = lying(restored.home)
    assert not any(".Radicale.cache" in name for name in before)
    assert run(*restored.command)
    assert lying(restored.home) == before
