"""Appointments and tasks out of metadata and digest: the meaning of a calendar stays."""

from __future__ import annotations

import base64
import datetime
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from archives.calendars import Component, File, Stored, components, items_of, stored
from archives.meaning import meaning
from reinstate_service.model import ItemType
from reinstate_service.source.archives.calendar import icalendar
from reinstate_service.source.archives.contentlines import folded
from reinstate_service.source.archives.invites import invite_bodies
from reinstate_service.source.archives.timezones import TimeZones
from reinstate_service.source.contract import RecordMalformed

CALENDARS = Path("/work/shared/data/calendars")
TYPES = {"VEVENT": ItemType.APPOINTMENT, "VTODO": ItemType.TASK}
STAMP = 1_700_000_000_000
KEYS = (
    "st", "et", "duration", "rid", "recurrence", "n", "l", "desc", "descH", "dinM", "tzm", "org",
    "at0", "at1", "numAt", "al0", "numAl", "x0", "numX", "status", "cl", "fb", "tr", "prio",
    "seq", "dts", "lastMod", "completed", "geo", "url", "cat0", "numCat", "mid", "af", "t", "r0",
    "add", "nr", "recur", "rexd", "v0", "numV", "tzid", "dt", "a", "cn", "ac", "tt", "ta",
)  # fmt: skip


def converted(item: Stored) -> bytes:
    return icalendar(
        item.metadata, item.body, type_=TYPES[item.kind], uid="no-uid", stamp=STAMP
    ).content


def one_item(text: str, **options: object) -> tuple[Component, Stored]:
    """The only item of a calendar written here, and how Zimbra has it."""
    (calendar,) = components(f"BEGIN:VCALENDAR\n{text}\nEND:VCALENDAR\n".encode())
    zones = [inner for inner in calendar.inside if inner.name == "VTIMEZONE"]
    (item,) = items_of(calendar)
    return calendar, stored(item, zones, **options)  # type: ignore[arg-type]


def offsets(calendar: bytes) -> dict[tuple[str, str, str], datetime.timedelta | None]:
    """How far from UTC each date with a zone is, by the zones that stand in the file."""
    found = {}
    for component in Calendar.from_ical(calendar).walk():
        for name in ("DTSTART", "DTEND", "DUE", "RECURRENCE-ID"):
            one = component.get(name)
            value = getattr(one, "dt", None)
            if isinstance(value, datetime.datetime) and "TZID" in one.params:
                zone = next(
                    zone.to_tz()
                    for zone in Calendar.from_ical(calendar).walk("VTIMEZONE")
                    if zone["TZID"] == one.params["TZID"]
                )
                key = (str(component.get("UID")), name, one.to_ical().decode())
                found[key] = value.replace(tzinfo=zone).utcoffset()
    return found


def calendars() -> list[str]:
    return sorted(path.name for path in CALENDARS.glob("*.ics"))


@pytest.mark.parametrize("name", sorted(set(calendars()) - {"broken_ical.ics"}))
def test_a_calendar_goes_through_zimbras_format_unchanged_in_meaning(name: str) -> None:
    data = (CALENDARS / name).read_bytes()
    compared = 0
    for calendar in components(data):
        zones = [inner for inner in calendar.inside if inner.name == "VTIMEZONE"]
        for item in items_of(calendar):
            if name == "issue_526_calendar_with_events.ics" and item[0].get("DTSTART").params:
                continue  # in a zone that nothing defines: see below
            content = converted(stored(item, zones))
            (written,) = components(content)
            events = [inner for inner in written.inside if inner.name != "VTIMEZONE"]
            assert Counter(map(meaning, events)) == Counter(map(meaning, item))
            if zones:
                before = offsets(data)
                assert all(
                    before.get(key, value) == value for key, value in offsets(content).items()
                )
            compared += len(item)
    skipped = {"issue_526_calendar_with_events.ics", "calendar_with_unicode.ics"}  # has no item
    assert compared or name in skipped


def test_a_zone_that_nothing_defines_is_a_clear_error() -> None:
    _, item = one_item(SERIES.replace("Europe/Berlin", "Western/Central Europe"))
    with pytest.raises(RecordMalformed, match="nothing says what the time zone"):
        converted(item)


SERIES = """BEGIN:VEVENT
UID:series@example.test
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20260105T090000
DTEND;TZID=Europe/Berlin:20260105T100000
RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260601T080000Z
EXDATE;TZID=Europe/Berlin:20260112T090000
SUMMARY:Weekly
DESCRIPTION:The series' own text\\, which is long
END:VEVENT
BEGIN:VEVENT
UID:series@example.test
DTSTAMP:20260102T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20260119T090000
DTSTART;TZID=Europe/Berlin:20260119T140000
DTEND;TZID=Europe/Berlin:20260119T150000
SUMMARY:Weekly\\, moved
DESCRIPTION:The moved one's own text
END:VEVENT"""


def by_occurrence(content: bytes) -> dict[str, Component]:
    (calendar,) = components(content)
    return {
        inner.value("RECURRENCE-ID"): inner
        for inner in calendar.inside
        if inner.name in {"VEVENT", "VTODO"}
    }


def test_an_override_keeps_its_own_body_and_files() -> None:
    minutes = File("text/plain", "minutes ä.txt", b"all agreed\n")
    plan = File("application/pdf", "plan.pdf", bytes(range(256)) * 40)
    _, item = one_item(SERIES, inline=5, files={0: [plan], 1: [minutes]}, html={1: "<b>moved</b>"})
    assert item.body is not None
    found = by_occurrence(converted(item))
    series, moved = found[""], found["20260119T090000"]
    assert series.get("DESCRIPTION").unescaped() == "The series' own text, which is long\r\n"
    assert moved.get("DESCRIPTION").unescaped() == "The moved one's own text\r\n"
    assert moved.get("X-ALT-DESC").unescaped().strip() == "<b>moved</b>"
    assert moved.get("X-ALT-DESC").params == {"FMTTYPE": "text/html"}
    for component, file in ((series, plan), (moved, minutes)):
        (attached,) = component.all("ATTACH")
        assert base64.b64decode(attached.value) == file.content
        assert attached.params == {
            "FMTTYPE": file.kind, "ENCODING": "BASE64", "VALUE": "BINARY", "FILENAME": file.name
        }  # fmt: skip


@pytest.mark.parametrize(
    "header",
    [
        b'filename="=?utf-8?Q?minutes_=C3=A4.txt?="',
        b"filename*=utf-8''minutes%20%C3%A4.txt",
        'filename="minutes ä.txt"'.encode(),
    ],
)
def test_a_file_keeps_its_name_however_mail_programs_write_it(header: bytes) -> None:
    part = b"Content-Type: text/plain\nContent-Disposition: attachment; " + header + b"\n\nx"
    (body,) = invite_bodies(part).values()
    assert [file.name for file in body.attachments] == ["minutes ä.txt"]


def test_a_body_that_is_missing_is_said_and_the_beginning_of_its_text_kept() -> None:
    _, item = one_item(SERIES, inline=5)
    item.metadata["inv0"]["frag"] = "The series' own"
    said = icalendar(item.metadata, None, type_=ItemType.APPOINTMENT, uid="", stamp=STAMP)
    assert b"DESCRIPTION:The series' own\r\n" in said.content
    assert said.notes == ("the text of inv0 is not in the archive",)


def test_an_occurrence_that_its_user_deleted_is_excluded() -> None:
    _, item = one_item(SERIES)
    item.metadata["inv1"] |= {"mthd": "CANCEL", "status": "CANC"}
    (series,) = by_occurrence(converted(item)).values()
    assert [line.value for line in series.all("EXDATE")] == ["20260112T090000", "20260119T090000"]
    assert series.get("X-ZIMBRA-CANCELLED").unescaped() == "The moved one's own text"


def test_an_occurrence_that_was_called_off_stays_to_be_seen() -> None:
    _, item = one_item(SERIES.replace("SUMMARY:Weekly\\,", "STATUS:CANCELLED\nSUMMARY:Weekly\\,"))
    assert by_occurrence(converted(item))["20260119T090000"].value("STATUS") == "CANCELLED"


def test_an_override_without_its_series_goes_alone() -> None:
    _, item = one_item(SERIES)
    item.metadata |= {"nc": 1, "inv0": item.metadata["inv1"]}
    assert list(by_occurrence(converted(item))) == ["20260119T090000"]


TASK = """BEGIN:VTODO
UID:task@example.test
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260201
DUE;VALUE=DATE:20260210
COMPLETED:20260209T101112Z
PERCENT-COMPLETE:100
PRIORITY:1
STATUS:COMPLETED
CLASS:PRIVATE
GEO:48.2;16.37
URL:https://example.test/a,b;c
CATEGORIES:Errand,two\\, words
CONTACT:Ada
COMMENT:one
COMMENT:two
ORGANIZER;CN="Eve; the boss";SENT-BY="mailto:x@example.test":mailto:eve@example.test
ATTENDEE;CUTYPE=ROOM;ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE;RSVP=TRUE;X-NUM=1:mailto:r@example.test
X-OWN;X-P=q:any\\, text
BEGIN:VALARM
ACTION:EMAIL
TRIGGER;VALUE=DATE-TIME:20260208T070000Z
SUMMARY:Soon
DESCRIPTION:It is due
ATTENDEE:mailto:eve@example.test
END:VALARM
BEGIN:VALARM
ACTION:AUDIO
TRIGGER;RELATED=END:-PT15M
REPEAT:3
DURATION:PT5M
ATTACH;FMTTYPE=audio/basic:https://example.test/bell.au
END:VALARM
END:VTODO"""


def test_a_task_keeps_all_it_has() -> None:
    calendar, item = one_item(TASK)
    (written,) = by_occurrence(converted(item)).values()
    assert meaning(written) == meaning(calendar.inside[0])


def test_tags_are_categories_beside_those_it_has() -> None:
    _, item = one_item(TASK)
    tagged = icalendar(
        item.metadata, None, type_=ItemType.TASK, uid="", stamp=STAMP, tags=("Errand", "ä;b")
    )
    assert "CATEGORIES:Errand,two\\, words,ä\\;b".encode() in tagged.content


def test_an_alarm_by_mail_to_nobody_is_shown_instead() -> None:
    _, item = one_item(TASK.replace("ATTENDEE:mailto:eve@example.test\nEND", "END"))
    (written,) = by_occurrence(converted(item)).values()
    assert written.inside[0].value("ACTION") == "DISPLAY"
    assert written.inside[0].value("X-ZIMBRA-ACTION") == "EMAIL"


def test_all_day_events_have_days_however_they_are_stored() -> None:
    _, item = one_item(SERIES)
    item.metadata["inv0"] |= {"af": 6, "st": "TZID=Europe/Berlin:20260105T000000"}
    assert b"DTSTART;VALUE=DATE:20260105\r\n" in converted(item)


def test_answers_to_one_occurrence_are_kept() -> None:
    _, item = one_item(SERIES)
    reply = {"at": {"a": "bob@example.test", "ptst": "DE"}, "s": 2, "d": 1_767_225_600_000}
    reply["r"] = {"dt": "20260119T080000Z", "r": 1}
    item.metadata["rl"] = {"n": 1, "i0": reply}
    line = by_occurrence(converted(item))[""].get("X-ZIMBRA-REPLY")
    assert line.value == "mailto:bob@example.test"
    assert line.params == {
        "PARTSTAT": "DECLINED", "X-SEQUENCE": "2", "X-DTSTAMP": "20260101T000000Z",
        "X-RECURRENCE-ID": "20260119T080000Z",
    }  # fmt: skip


def test_text_that_xml_cannot_carry_is_replaced_where_it_shows() -> None:
    _, item = one_item(SERIES)
    item.metadata["inv0"]["n"] = "a\x00b\ud800c\tdéf"
    (summary, *_) = by_occurrence(converted(item))[""].all("SUMMARY")
    assert summary.value == "a\ufffdb\ufffdc\tdéf"


def test_the_calendars_own_text_serves_where_the_metadata_is_not_understood() -> None:
    calendar, item = one_item(SERIES, inline=5)
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n{SERIES}\r\nEND:VCALENDAR\r\n"
    body = b"Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n" + text.encode()
    item.metadata["inv0"]["status"] = "????"
    served = icalendar(item.metadata, body, type_=ItemType.APPOINTMENT, uid="", stamp=STAMP)
    assert b"METHOD" not in served.content
    assert Counter(map(meaning, by_occurrence(served.content).values())) == Counter(
        map(meaning, calendar.inside)
    )
    (note,) = served.notes
    assert "is no status" in note
    with pytest.raises(RecordMalformed, match="is no status"):
        icalendar(item.metadata, item.body, type_=ItemType.APPOINTMENT, uid="", stamp=STAMP)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"st": "20260230T000000Z"}, "is no date"),
        ({"recurrence": {"t": 9}}, "no kind of recurrence"),
        ({"recurrence": {"t": 2, "recur": "WEEKLY"}}, "no recurrence rule"),
        ({"duration": "1h"}, "no duration"),
        ({"numAt": "1", "at0": {"a": ""}}, "an address, is empty"),
        ({"numAl": 1, "al0": {"ac": "d", "tr": "soon"}}, "no duration"),
        ({"dts": "soon"}, "inv0.dts is no number"),
        ({"n": {"a": 1}}, "inv0.n is no text"),
        ({"numX": 3, "x0": {"n": "A B", "v": ""}, "x1": {}, "x2": {}}, "cannot be the name"),
        ({"numX": 10**18}, "promises more than there is"),
    ],
)
def test_a_value_that_cannot_be_converted_is_a_clear_error(
    change: dict[str, object], detail: str
) -> None:
    _, item = one_item(SERIES)
    item.metadata["inv0"] |= change
    with pytest.raises(RecordMalformed, match=detail):
        converted(item)


def test_zones_change_when_the_iana_database_says_so() -> None:
    """Also where a change is told as the 24th hour, or before the day begins."""
    for name in ("Africa/Cairo", "America/Nuuk", "Asia/Gaza", "Europe/Dublin", "Asia/Kolkata",
                 "America/New_York", "Australia/Lord_Howe"):  # fmt: skip
        zones = TimeZones()
        zones.use(name)
        text = folded(["BEGIN:VCALENDAR", *zones.lines(), "END:VCALENDAR"])
        (component,) = Calendar.from_ical(text).walk("VTIMEZONE")
        ours, theirs = component.to_tz(), ZoneInfo(name)
        for day in range(0, 365 * 2, 3):
            moment = datetime.datetime.fromisoformat("2026-06-01T12:00") + datetime.timedelta(
                days=day
            )
            assert ours.utcoffset(moment) == theirs.utcoffset(moment), (name, moment)


VALUES = st.recursive(
    st.integers(-(2**63), 2**63) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8)
    ),
    max_leaves=30,
)


@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), body=st.binary())
def test_whatever_the_metadata_the_end_is_a_calendar_or_a_clear_error(
    changes: dict[str, object], body: bytes
) -> None:
    _, item = one_item(TASK)
    item.metadata["inv0"] |= changes
    options = {"type_": ItemType.TASK, "uid": "u", "stamp": STAMP}
    try:
        first = icalendar(item.metadata, body, **options)
    except RecordMalformed:
        return
    assert first == icalendar(item.metadata, body, **options)
    assert all(len(line) <= 75 for line in first.content.split(b"\r\n"))
