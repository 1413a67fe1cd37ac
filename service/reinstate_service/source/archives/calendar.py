"""An appointment's or a task's metadata and body into an iCalendar object (RFC 5545).

docs/calendars-and-contacts.md has the table of what becomes of what.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from icalendar import Calendar

from reinstate_service.model import ItemType
from reinstate_service.source.archives.alarms import alarm_lines
from reinstate_service.source.archives.contentlines import escaped, extra_lines, folded, line, text
from reinstate_service.source.archives.embedded import embedded_calendar
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.invites import InviteBody, invite_bodies
from reinstate_service.source.archives.people import (
    attendee_line,
    organizer_line,
    range_of,
    reply_lines,
)
from reinstate_service.source.archives.recurrence import recurrence_lines
from reinstate_service.source.archives.standing import standing_lines
from reinstate_service.source.archives.timezones import TimeZones
from reinstate_service.source.archives.values import Stamp, duration_of, stamp_of, utc_of
from reinstate_service.source.contract import RecordMalformed

_HEAD = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//reinstate//archives//EN")
#: What Outlook puts between a summary of its own making and the text that the user wrote.
_HEADER_END = "*~*~*~*~*~*~*~*~*~*"
_ALL_DAY = 0x4
_COMPONENTS = {ItemType.APPOINTMENT: "VEVENT", ItemType.TASK: "VTODO"}


@dataclass(frozen=True)
class Converted:
    """An iCalendar object, and what has to be said of how it came about."""

    content: bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Component:
    """One VEVENT or VTODO; `files` are the properties that may be megabytes long."""

    properties: list[str]
    files: list[str]
    alarms: list[str]

    def lines(self, kind: str, *, whole: bool) -> list[str]:
        files = self.files if whole else []
        return [f"BEGIN:{kind}", *self.properties, *files, *self.alarms, f"END:{kind}"]


@dataclass
class _Item:
    """What the invites of an item share while they are converted."""

    kind: str
    uid: str
    stamp: int
    tags: Sequence[str]
    bodies: dict[int, InviteBody]
    zones: TimeZones = field(default_factory=TimeZones)
    notes: list[str] = field(default_factory=list)
    attached: list[InviteBody] = field(default_factory=list)

    def moment(self, name: str, stamp: Stamp, more: Mapping[str, str] | None = None) -> str:
        """A property that is a date or a time, in a zone that is told."""
        if stamp.zone:
            self.zones.use(stamp.zone)
        return line(name, stamp.value, stamp.params() | dict(more or {}))

    def body_of(self, invite: Fields) -> InviteBody | None:
        """The message of this invite and of no other."""
        return self.bodies.get(invite.number("mid")) or self.bodies.get(0)


def icalendar(
    metadata: Mapping[str, object],
    body: bytes | None,
    *,
    type_: ItemType,
    uid: str,
    stamp: int,
    tags: Sequence[str] = (),
) -> Converted:
    """The item as one iCalendar object; the same input gives the same bytes.

    `metadata` is decoded, `body` the MIME digest if the archive has one; `uid` and `stamp`
    (milliseconds) stand in where the metadata has no UID or no DTSTAMP. Where the metadata
    cannot be converted and the body holds the calendar's own text, that serves.

    Raises RecordMalformed for what neither tells.
    """
    kind = _COMPONENTS[type_]
    bodies = invite_bodies(body) if body else {}
    try:
        return _converted(Fields(metadata), _Item(kind, uid, stamp, tags, bodies))
    except RecordMalformed as error:
        content = embedded_calendar(bodies.values(), kind)
        if content is None:
            raise
        return Converted(content, (f"its metadata was not understood, its text served: {error}",))


def _converted(metadata: Fields, item: _Item) -> Converted:
    invites = metadata.numbered("inv", "nc")
    if not invites:
        raise RecordMalformed(detail="it has no invite")
    item.uid = metadata.text("u") or invites[0].text("u") or item.uid
    for known in (metadata, *invites):
        item.zones.learn(known.inner("tzm"))
    series = next((invite for invite in invites if "recurrence" in invite), None)
    away = [invite for invite in invites if series is not None and _takes_away(invite)]
    main = series or next((one for one in invites if "rid" not in one), invites[0])
    components = []
    for invite in invites:
        if invite not in away:
            component = _component(invite, item)
            if invite is main:
                for gone in away:
                    component.properties.extend(_exclusion(gone, item))
                component.properties.extend(reply_lines(metadata.inner("rl")))
            components.append(component)
    head = [*_HEAD, *item.zones.lines()]
    _check(head, [component.lines(item.kind, whole=False) for component in components])
    lines = [one for part in components for one in part.lines(item.kind, whole=True)]
    return Converted(folded([*head, *lines, "END:VCALENDAR"]), tuple(item.notes))


def _takes_away(invite: Fields) -> bool:
    """Whether the user has deleted this occurrence. One that is only called off by its
    organizer, with status CANCELLED, stays to be seen."""
    return "rid" in invite and invite.text("mthd").upper() == "CANCEL"


def _exclusion(invite: Fields, item: _Item) -> list[str]:
    """An occurrence that the user has deleted, with the message if one was sent."""
    stamp = _occurrence(invite)
    lines = [item.moment("EXDATE", stamp)]
    said = _description(invite, item)[0]
    if said:
        lines.append(text("X-ZIMBRA-CANCELLED", said, {"X-RECURRENCE-ID": stamp.value}))
    return lines


def _component(invite: Fields, item: _Item) -> _Component:
    lines = [text("UID", item.uid)]
    stamp = invite.number("dts") or invite.number("lastMod") or item.stamp
    lines.append(line("DTSTAMP", utc_of(stamp)))
    if "rid" in invite:
        occurrence = invite.inner("rid")
        more = range_of(occurrence) if occurrence is not None else {}
        lines.append(item.moment("RECURRENCE-ID", _occurrence(invite), more))
    lines += _times(invite, item)
    if (recurrence := invite.inner("recurrence")) is not None:
        lines += recurrence_lines(recurrence, item.zones)
    lines += _words(invite, item)
    lines += standing_lines(invite, event=item.kind == "VEVENT")
    if (organizer := invite.inner("org")) is not None:
        lines.append(organizer_line(organizer))
    lines += [attendee_line(person) for person in invite.numbered("at", "numAt")]
    lines += extra_lines(invite)
    alarms = []
    for alarm in invite.numbered("al", "numAl"):
        alarms += alarm_lines(alarm, invite.text("n"))
    return _Component(lines, _files(invite, item), alarms)


def _occurrence(invite: Fields) -> Stamp:
    rid = invite.inner("rid")
    stamp = stamp_of(rid.text("dt") if rid is not None else "")
    return stamp.date() if invite.number("af") & _ALL_DAY else stamp


def _times(invite: Fields, item: _Item) -> list[str]:
    """Start, end and length; an all-day event has days, whatever is stored."""
    all_day = invite.number("af") & _ALL_DAY
    lines = []
    for key, name in (("st", "DTSTART"), ("et", "DTEND" if item.kind == "VEVENT" else "DUE")):
        if key in invite:
            stamp = stamp_of(invite.text(key))
            lines.append(item.moment(name, stamp.date() if all_day else stamp))
    if "duration" in invite:
        # RFC 5545 §3.6.1: there may be an end or a length, not both.
        name = "X-ZIMBRA-DURATION" if "et" in invite else "DURATION"
        lines.append(line(name, duration_of(invite.text("duration"))))
    if item.kind == "VEVENT" and "st" not in invite:
        item.notes.append("it has no start: clients may not show it")
    return lines


def _words(invite: Fields, item: _Item) -> list[str]:
    plain, html = _description(invite, item)
    lines = []
    for name, value in (("SUMMARY", invite.text("n")), ("DESCRIPTION", plain)):
        if value:
            lines.append(text(name, value))
    if html:
        lines.append(text("X-ALT-DESC", html, {"FMTTYPE": "text/html"}))
    if invite.text("xDescH"):
        lines.append(text("X-ZIMBRA-DESCRIPTION-HTML", invite.text("xDescH")))
    if invite.text("l"):
        lines.append(text("LOCATION", invite.text("l")))
    for key, count, name in (("cmt", "numCmt", "COMMENT"), ("contact", "numContacts", "CONTACT")):
        lines += [text(name, value) for value in invite.numbered_texts(key, count)]
    categories = dict.fromkeys([*invite.numbered_texts("cat", "numCat"), *item.tags])
    if categories:
        lines.append(line("CATEGORIES", ",".join(map(escaped, categories))))
    if (geo := invite.inner("geo")) is not None:
        lines.append(line("GEO", f"{geo.text('lat', '0')};{geo.text('lon', '0')}"))
    if invite.text("url"):
        lines.append(line("URL", invite.text("url")))
    return lines


def _description(invite: Fields, item: _Item) -> tuple[str, str]:
    """The plain and the HTML text: short ones are in the metadata, long ones in the body."""
    if invite.truth("dinM"):
        plain, html = invite.text("desc"), invite.text("descH")
    elif (body := item.body_of(invite)) is not None:
        plain, html = body.plain, body.html
    else:
        if invite.text("frag"):
            item.notes.append(f"the text of {invite.name} is not in the archive")
        plain, html = invite.text("frag"), ""
    _, found, written = plain.partition(_HEADER_END)
    if found:
        plain = written.lstrip("\r\n")
    return plain, html


def _files(invite: Fields, item: _Item) -> list[str]:
    """The files of the invite's own message; two invites of one message have them once."""
    body = item.body_of(invite)
    if body is None or any(body is done for done in item.attached):
        return []
    item.attached.append(body)
    lines = []
    for attachment in body.attachments:
        params = {"FMTTYPE": attachment.kind, "ENCODING": "BASE64", "VALUE": "BINARY"}
        if attachment.name:
            params["FILENAME"] = attachment.name
        lines.append(line("ATTACH", base64.b64encode(attachment.content).decode(), params))
    return lines


def _check(head: list[str], components: list[list[str]]) -> None:
    """Reads the object back, as a client would. Raises RecordMalformed for what it is not."""
    lines = [*head, *(one for component in components for one in component), "END:VCALENDAR"]
    try:
        calendar = Calendar.from_ical(folded(lines))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise RecordMalformed(detail=f"it makes no valid calendar: {error}") from error
    for component in calendar.walk():
        for name, reason in component.errors:
            raise RecordMalformed(detail=f"{name} makes no valid calendar: {reason}")
