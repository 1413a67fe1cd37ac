"""A real Radicale shows what was restored: every event, task and contact, whole."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import pytest

from archives.calendars import Stored, components, items_of, stored
from archives.meaning import meaning
from reinstate_service.mapping.colours import web_colour
from reinstate_service.model import Account, Domain, Folder, ItemType
from reinstate_service.source.archives import bencode
from reinstate_service.source.archives.calendar import icalendar
from reinstate_service.source.archives.contacts import vcard
from reinstate_service.source.backup_path import BackupWriter
from reinstate_service.source.contract import RecordMalformed
from running import run
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from system.radicale import Client, Radicale, Served

pytestmark = needs_dovecot

CALENDARS = Path(__file__).parents[3] / "shared" / "data" / "calendars"
ADDRESS, PASSWORD = "o'brien+cal@example.test", "s3cret: ü"
TYPES = {"VEVENT": ItemType.APPOINTMENT, "VTODO": ItemType.TASK}
DATE = 1_767_225_600_000
FOLDERS = (
    Folder("7", "", "Contacts", ItemType.CONTACT, colour="7"),
    Folder("10", "", "Calendar", ItemType.APPOINTMENT, colour="1"),
    Folder("15", "", "Tasks", ItemType.TASK),
    Folder("257", "10", "Büro, 会議 * 'a' v1.2~", ItemType.APPOINTMENT, colour="#FF8800"),
    Folder("258", "", "Real", ItemType.APPOINTMENT, colour=str(0x0133AA77)),
    Folder("259", "", "Documents", ItemType.DOCUMENT),
    Folder("260", "", "Empty", ItemType.CONTACT),
)
COMPONENTS = {ItemType.APPOINTMENT: {"VEVENT"}, ItemType.TASK: {"VTODO"}}
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
    contents: dict[str, dict[bytes, str]]


def converted(item: Stored) -> bytes:
    return icalendar(
        item.metadata, item.body, type_=TYPES[item.kind], uid="no-uid", stamp=DATE
    ).content


def calendar_items(text: bytes) -> Iterator[tuple[ItemType, bytes]]:
    for calendar in components(text):
        zones = [inner for inner in calendar.inside if inner.name == "VTIMEZONE"]
        for item in items_of(calendar):
            kept = stored(item, zones)
            try:
                yield TYPES[kept.kind], converted(kept)
            except RecordMalformed:
                continue  # in a zone that nothing defines


def cards() -> Iterator[bytes]:
    photo = EmailMessage()
    photo.add_attachment(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40, "image", "jpeg")
    body = photo.as_bytes()
    attached = {"fld": ADA, "att": [{"part": "1", "ctype": "image/jpeg", "field": "image"}]}
    yield vcard(attached, body, uid="urn:x:1,2", revised=DATE, tags=("Friends", "a,b"))
    members = bencode.encode(
        {"m": [{"t": "C", "v": "1"}, {"t": "I", "v": '"Mr, X" <x@example.test>'}]}
    )
    group = {"fileAs": "8:All of us", "type": "group", "groupMember": members}
    yield vcard({"fld": group}, uid="group-1", revised=DATE, resolve=lambda _: "urn:x:1,2")


def contents() -> Iterator[tuple[str, ItemType, bytes, str]]:
    """Folder, type, content and the real calendar that it comes from."""
    own = f"BEGIN:VCALENDAR\n{OWN}END:VCALENDAR\nBEGIN:VCALENDAR\n{SAME_UID}END:VCALENDAR\n"
    for type_, content in calendar_items(own.encode()):
        yield "15" if type_ is ItemType.TASK else "10", type_, content, ""
        yield "257", type_, content, ""
    for card in cards():
        yield "7", ItemType.CONTACT, card, ""
    yield "259", ItemType.DOCUMENT, b"a document", ""
    for path in sorted(CALENDARS.glob("*.ics")):
        if path.name == "broken_ical.ics":
            continue
        for type_, content in calendar_items(path.read_bytes()):
            yield "258", type_, content, path.name


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    """One account, restored with the command from a Backup Path."""
    salted = hashlib.sha1(PASSWORD.encode() + b"salt").digest() + b"salt"
    account = Account(
        str(uuid.uuid5(uuid.NAMESPACE_URL, ADDRESS)),
        ADDRESS,
        password="{SSHA}" + base64.b64encode(salted).decode(),
        aliases=("also@example.test",),
    )
    written: dict[str, dict[bytes, str]] = {folder.id: {} for folder in FOLDERS}
    with reachable_folder() as folder:
        with BackupWriter(folder / "backup", durable=False) as writer:
            writer.put_domain(Domain("d1", "example.test"))
            writer.put_account(account)
            for one in FOLDERS:
                writer.put_folder(account.id, one)
            for number, (place, type_, content, calendar) in enumerate(contents(), 1000):
                writer.put_item(
                    account.id,
                    str(number),
                    content=content,
                    folder=place,
                    date=DATE,
                    type=type_,
                    name="notes.txt" if type_ is ItemType.DOCUMENT else "",
                )
                written[place][content] = calendar
            writer.finish_scan()
        owner = tree_owner()
        command = (
            *("restore", folder / "backup", f"maildir:{folder / 'mail'}"),
            *("--journal", folder / "reinstate.db"),
            *(["--owner", f"{owner[0]}:{owner[1]}"] if owner else []),
        )
        run(*command)
        local, _, domain = ADDRESS.partition("@")
        tree = folder / "mail"
        yield Restored(command, tree, tree / domain / local, written)


@pytest.fixture(scope="module")
def server(restored: Restored) -> Iterator[Radicale]:
    with Dovecot(restored.tree) as dovecot, Radicale(restored.tree, dovecot) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Radicale) -> Client:
    return server.client(ADDRESS, PASSWORD)


def by_folder(client: Client) -> dict[str, Served]:
    """The collections of the backup's folders, by the folder's id."""
    found = client.collections()
    names = {folder.id: folder.name for folder in FOLDERS}
    paths = {
        folder.id: f"{names[folder.parent]}/{folder.name}" if folder.parent else folder.name
        for folder in FOLDERS
    }
    served = {identifier: found.pop(path) for identifier, path in paths.items() if path in found}
    assert not found
    return served


def whole(content: bytes) -> tuple[object, ...]:
    """Every property of every component."""
    (component,) = components(content)
    return meaning(component)


def test_a_client_sees_every_collection_with_its_name_colour_and_kind(client: Client) -> None:
    served = by_folder(client)
    assert set(served) == {folder.id for folder in FOLDERS if folder.view != ItemType.DOCUMENT}
    for folder in FOLDERS:
        if (one := served.get(folder.id)) is not None:
            assert one.kind == ("address book" if folder.view == ItemType.CONTACT else "calendar")
            assert one.colour == web_colour(folder.colour)
            assert one.components == COMPONENTS.get(folder.view, set())


@pytest.mark.parametrize("folder", ["7", "10", "15", "257", "260"])
def test_every_item_read_back_is_equal_in_every_property(
    restored: Restored, client: Client, folder: str
) -> None:
    found = client.items(by_folder(client)[folder])
    wanted = restored.contents[folder]
    assert Counter(map(whole, found.values())) == Counter(map(whole, wanted))


@pytest.mark.skipif(not CALENDARS.is_dir(), reason=f"the real calendars are not here: {CALENDARS}")
def test_real_calendars_go_through_unchanged_in_meaning(
    restored: Restored, client: Client, server: Radicale
) -> None:
    found = client.items(by_folder(client)["258"])
    files = (restored.home / "collections" / "Real.ics").glob("[!.]*")
    stored_files = {path.name: path.read_bytes() for path in files}
    calendars = restored.contents["258"]
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
    calendar = by_folder(client)["257"]
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
    assert status("also@example.test", PASSWORD) == 401
    assert status("nobody@example.test", PASSWORD) == 401


def test_nobody_sees_another_ones_collections(client: Client) -> None:
    for path in ("/", "/nobody@example.test/"):
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
