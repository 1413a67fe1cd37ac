"""Encodes iCalendar objects as Zimbra stores them: metadata and a MIME digest.

Written after the format's facts, not after the reader: it works on the lines of the
file. A property that Zimbra's format has no field for is kept among the further
properties (`x0`, `x1`, ...), whole.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart

from icalendar.parser import Contentlines

STATUS = {
    "TENTATIVE": "TENT", "CONFIRMED": "CONF", "CANCELLED": "CANC", "NEEDS-ACTION": "NEED",
    "COMPLETED": "COMP", "IN-PROCESS": "INPR",
}  # fmt: skip
PARTICIPATION = {
    "TENTATIVE": "TE", "NEEDS-ACTION": "NE", "DELEGATED": "DG", "DECLINED": "DE",
    "COMPLETED": "CO", "ACCEPTED": "AC", "IN-PROCESS": "IN",
}  # fmt: skip
ROLES = {
    "NON-PARTICIPANT": "NON",
    "OPT-PARTICIPANT": "OPT",
    "REQ-PARTICIPANT": "REQ",
    "CHAIR": "CHA",
}
USERS = {"INDIVIDUAL": "IND", "GROUP": "GRO", "RESOURCE": "RES", "ROOM": "ROO", "UNKNOWN": "UNK"}
FREE_BUSY = {"FREE": "F", "BUSY": "B", "TENTATIVE": "T", "OOF": "O"}
ACTIONS = {"DISPLAY": "d", "AUDIO": "a", "EMAIL": "e", "PROCEDURE": "p", "NONE": "n"}
RANGES = {"THISANDFUTURE": 2, "THISANDPRIOR": 3}
_UNESCAPED = {"\\n": "\r\n", "\\N": "\r\n"}


@dataclass
class Line:
    """A content line, its parameters as plain texts; several values of one stand joined."""

    name: str
    params: dict[str, str]
    value: str

    def unescaped(self) -> str:
        return re.sub(r"\\(.)", lambda m: _UNESCAPED.get(m[0], m[1]), self.value)


@dataclass
class Component:
    """A component with its lines and what is inside it."""

    name: str
    lines: list[Line] = field(default_factory=list)
    inside: list[Component] = field(default_factory=list)

    def get(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)

    def all(self, name: str) -> list[Line]:
        return [line for line in self.lines if line.name == name]

    def value(self, name: str) -> str:
        line = self.get(name)
        return "" if line is None else line.value


@dataclass
class File:
    """What a test attaches to an invite."""

    kind: str
    name: str
    content: bytes


@dataclass
class Stored:
    """An item as an archive has it."""

    kind: str
    metadata: dict[str, object]
    body: bytes | None


def components(data: bytes) -> list[Component]:
    """The calendars in a file, as trees of lines."""
    root = Component("")
    stack = [root]
    for content in Contentlines.from_ical(data):
        if not content:
            continue
        name, params, value = content.raw_parts()
        match name.upper():
            case "BEGIN":
                stack[-1].inside.append(Component(value.upper()))
                stack.append(stack[-1].inside[-1])
            case "END":
                stack.pop()
            case upper:
                plain = {
                    key.upper(): '","'.join(one) if isinstance(one, list) else one
                    for key, one in params.items()
                }
                stack[-1].lines.append(Line(upper, plain, value))
    return root.inside


def items_of(calendar: Component) -> Iterator[list[Component]]:
    """The events and tasks of a calendar, each with its overrides."""
    by_uid: dict[tuple[str, str], list[Component]] = {}
    for index, component in enumerate(calendar.inside):
        if component.name in {"VEVENT", "VTODO"}:
            uid = component.value("UID") or f"none-{index}"
            by_uid.setdefault((component.name, uid), []).append(component)
    yield from by_uid.values()


def stored(
    item: Iterable[Component],
    zones: Iterable[Component],
    *,
    first_mid: int = 257,
    inline: int = 4096,
    files: Mapping[int, list[File]] | None = None,
    html: Mapping[int, str] | None = None,
) -> Stored:
    """An event or task with its overrides. A description longer than `inline` is kept in the
    body only; `files` and `html` belong to the invite of that index."""
    item, zones = list(item), list(zones)
    metadata: dict[str, object] = {"nc": len(item), "tzm": _zone_map(zones), "v": 10}
    if uid := item[0].value("UID"):
        metadata["u"] = uid
    digest = MIMEMultipart("digest", boundary="----=_Part_1")
    for index, component in enumerate(item):
        mid = first_mid + index
        invite = _invite(component, mid, zones)
        plain = component.get("DESCRIPTION")
        described = plain.unescaped() if plain is not None and not plain.params else ""
        formatted = (html or {}).get(index, "")
        if len(described) <= inline:
            invite["dinM"] = 1
            if described:
                invite["desc"] = described
            if formatted:
                invite["descH"] = formatted
        attached = (files or {}).get(index, [])
        if attached or len(described) > inline:
            digest.attach(_part(mid, described, formatted, attached))
        metadata[f"inv{index}"] = invite
    return Stored(item[0].name, metadata, digest.as_bytes() if digest.get_payload() else None)


def _part(mid: int, plain: str, html: str, files: list[File]) -> MIMEBase:
    message = EmailMessage()
    message["Subject"] = "invitation"
    message.set_content(plain, cte="base64")
    if html:
        message.add_alternative(html, subtype="html", cte="base64")
    for file in files:
        kind, _, subtype = file.kind.partition("/")
        message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    part = MIMEBase("message", "rfc822")
    part["invId"] = str(mid)
    part.attach(message_from_bytes(message.as_bytes()))  # as mail has it, whatever the policy
    return part


def _invite(component: Component, mid: int, zones: list[Component]) -> dict[str, object]:
    taken: set[int] = set()

    def take(name: str) -> Line | None:
        found = component.get(name)
        if found is not None and not set(found.params) - {"VALUE", "TZID", "RANGE", "FMTTYPE"}:
            taken.add(id(found))
            return found
        return None

    event = component.name == "VEVENT"
    invite: dict[str, object] = {
        "it": 11 if event else 15, "mid": mid, "comp": 0, "byme": 1, "mthd": "PUBLISH",
        "af": 2 if event else 1, "tzm": _zone_map(zones), "numAt": "0", "tr": "O",
        "status": "CONF" if event else "NEED", "lfseq": 0,
    }  # fmt: skip
    _plain(invite, take)
    _times(invite, take, event)
    _coded(invite, take, component)
    _place_and_host(invite, take, component, taken)
    _many(component, invite, taken)
    rules = _recurrence(component, taken)
    if rules:
        invite["recurrence"] = rules
    alarms = [inner for inner in component.inside if inner.name == "VALARM"]
    if alarms:
        invite["numAl"] = len(alarms)
        invite |= {f"al{index}": _alarm(alarm) for index, alarm in enumerate(alarms)}
    return invite | _further(line for line in component.lines if id(line) not in taken)


def _plain(invite: dict[str, object], take: Callable[[str], Line | None]) -> None:
    """Texts, numbers and moments."""
    for name, key in (("SUMMARY", "n"), ("LOCATION", "l"), ("URL", "url")):
        if line := take(name):
            invite[key] = line.unescaped()
    take("DESCRIPTION")
    for name, key in (("UID", "u"), ("PRIORITY", "prio"), ("PERCENT-COMPLETE", "pctcompl")):
        if line := take(name):
            invite[key] = line.value
    if line := take("SEQUENCE"):
        invite["seq"] = int(line.value)
    for name, key in (("DTSTAMP", "dts"), ("LAST-MODIFIED", "lastMod"), ("COMPLETED", "completed")):
        if line := take(name):
            invite[key] = _milliseconds(line.value)


def _times(invite: dict[str, object], take: Callable[[str], Line | None], event: bool) -> None:
    """When it is; an event of days has the flag that says so."""
    for name, key in (("DTSTART", "st"), ("DTEND" if event else "DUE", "et")):
        if line := take(name):
            invite[key] = _date(line)
            if "T" not in line.value:
                invite["af"] = int(str(invite["af"])) | 4
    if line := take("DURATION"):
        invite["duration"] = line.value
    if line := take("RECURRENCE-ID"):
        number = RANGES.get(line.params.get("RANGE", ""), 1)
        invite["rid"] = {"dt": _date(line), "r": number}


def _coded(
    invite: dict[str, object], take: Callable[[str], Line | None], component: Component
) -> None:
    """What Zimbra has short codes for."""
    coded: tuple[tuple[str, str, Mapping[str, str]], ...] = (
        ("STATUS", "status", STATUS),
        ("CLASS", "cl", {"PRIVATE": "PRI", "CONFIDENTIAL": "CON", "PUBLIC": "PUB"}),
        ("TRANSP", "tr", {"OPAQUE": "O", "TRANSPARENT": "T"}),
        ("X-MICROSOFT-CDO-INTENDEDSTATUS", "fb", FREE_BUSY),
    )
    for name, key, codes in coded:
        found = component.get(name)
        if found is not None and found.value in codes and take(name):
            invite[key] = codes[found.value]


def _place_and_host(
    invite: dict[str, object],
    take: Callable[[str], Line | None],
    component: Component,
    taken: set[int],
) -> None:
    if line := take("GEO"):
        latitude, _, longitude = line.value.partition(";")
        invite["geo"] = {"lat": latitude, "lon": longitude}
    if line := take("ORGANIZER") or component.get("ORGANIZER"):
        taken.add(id(line))
        invite["org"], invite["isOrg"] = _person(line), 1


def _many(component: Component, invite: dict[str, object], taken: set[int]) -> None:
    people = component.all("ATTENDEE")
    taken.update(map(id, people))
    invite["numAt"] = str(len(people))
    invite |= {f"at{index}": _person(line) for index, line in enumerate(people)}
    for name, key, count in (
        ("COMMENT", "cmt", "numCmt"),
        ("CONTACT", "contact", "numContacts"),
        ("CATEGORIES", "cat", "numCat"),
    ):
        lines = [line for line in component.all(name) if not line.params]
        taken.update(map(id, lines))
        values = [line.unescaped() for line in lines]
        if name == "CATEGORIES":
            split = [re.split(r"(?<!\\),", line.value) for line in lines]
            values = [Line("", {}, one).unescaped() for some in split for one in some]
        if values:
            invite[count] = len(values)
            invite |= {f"{key}{index}": value for index, value in enumerate(values)}


def _person(line: Line) -> dict[str, object]:
    params = dict(line.params)
    person: dict[str, object] = {"a": _address(line.value)}
    for name, key in (("CN", "cn"), ("DIR", "dir"), ("LANGUAGE", "lang")):
        if name in params:
            person[key] = params.pop(name)
    for name, key in (
        ("SENT-BY", "sentby"), ("MEMBER", "member"), ("DELEGATED-TO", "delto"),
        ("DELEGATED-FROM", "delfrom"),
    ):  # fmt: skip
        if name in params:
            person[key] = _address(params.pop(name))
    for name, key, codes in (
        ("PARTSTAT", "ptst", PARTICIPATION), ("ROLE", "r", ROLES), ("CUTYPE", "cut", USERS),
    ):  # fmt: skip
        if params.get(name) in codes:
            person[key] = codes[params.pop(name)]
    if params.pop("RSVP", "").upper() == "TRUE":
        person["v"] = "1"
    further = {f"x{index}": {"n": n, "v": v} for index, (n, v) in enumerate(params.items())}
    return person | further | ({"numX": len(params)} if params else {})


def _address(address: str) -> str:
    return address[7:] if address[:7].lower() == "mailto:" else address


def _recurrence(component: Component, taken: set[int]) -> dict[str, object]:
    rules: dict[str, list[dict[str, object]]] = {"add": [], "sub": []}
    for name, where in (("RRULE", "add"), ("RDATE", "add"), ("EXRULE", "sub"), ("EXDATE", "sub")):
        for line in component.all(name):
            if line.params.get("VALUE") == "TIME":
                continue  # no kind of date (RFC 5545 §3.8.5.2), and none that Zimbra has
            taken.add(id(line))
            if name.endswith("RULE"):
                rules[where].append({"t": 2, "recur": line.value, "dur": "PT1H"})
            else:
                dates = _dates(line) | {"isrd": int(name == "RDATE")}
                rules[where].append({"t": 6, "rexd": dates, "defdur": "PT1H"})
    if not any(rules.values()):
        return {}
    several = {
        where: {"nr": len(some)} | {f"r{index}": one for index, one in enumerate(some)}
        for where, some in rules.items()
        if some
    }
    return {"t": 4, "numEx": 0} | several


def _dates(line: Line) -> dict[str, object]:
    kind = line.params.get("VALUE", "DATE-TIME")
    values = line.value.split(",")
    dates: dict[str, object] = {
        "numV": len(values),
        "vt": {"DATE": "d", "PERIOD": "p"}.get(kind, "dt"),
    }
    if "TZID" in line.params:
        dates["tzid"] = line.params["TZID"]
    for index, value in enumerate(values):
        start, slash, end = value.partition("/")
        key = "dur" if end.startswith("P") else "dte"
        dates[f"v{index}"] = {"dts": start, key: end} if slash else value
    return dates


def _alarm(alarm: Component) -> dict[str, object]:
    action = alarm.value("ACTION")
    coded: dict[str, object] = {"ac": ACTIONS.get(action, action), "numAt": 0}
    trigger = alarm.get("TRIGGER")
    known = {"ACTION", "TRIGGER", "REPEAT", "DURATION", "DESCRIPTION", "SUMMARY", "ATTENDEE"}
    if trigger is not None and trigger.params.get("VALUE") == "DATE-TIME":
        coded |= {"tt": "a", "ta": trigger.value}
    elif trigger is not None:
        related = trigger.params.get("RELATED", "")
        coded |= {"tt": "r", "tr": trigger.value} | ({"trd": related[0].lower()} if related else {})
    if duration := alarm.value("DURATION"):
        coded |= {"rd": duration, "rc": int(alarm.value("REPEAT"))}
    for name, key in (("DESCRIPTION", "ds"), ("SUMMARY", "su")):
        if (line := alarm.get(name)) is not None:
            coded[key] = line.unescaped()
    if (attached := alarm.get("ATTACH")) is not None:
        known.add("ATTACH")
        kind = {"ct": attached.params["FMTTYPE"]} if "FMTTYPE" in attached.params else {}
        coded["attach"] = {"uri": attached.value} | kind
    people = alarm.all("ATTENDEE")
    coded["numAt"] = len(people)
    coded |= {f"at{index}": _person(line) for index, line in enumerate(people)}
    return coded | _further(line for line in alarm.lines if line.name not in known)


def _further(lines: Iterable[Line]) -> dict[str, object]:
    further: dict[str, object] = {}
    count = 0
    for line in lines:
        value = line.value if line.params.get("VALUE", "TEXT") != "TEXT" else line.unescaped()
        params: dict[str, object] = {
            f"x{index}": {"n": name, "v": text}
            for index, (name, text) in enumerate(line.params.items())
        }
        numbered = {"numX": len(line.params)} if params else {}
        further[f"x{count}"] = {"n": line.name, "v": value} | params | numbered
        count += 1
    return further | ({"numX": count} if count else {})


def _date(line: Line) -> str:
    if "T" not in line.value:
        return f"VALUE=DATE:{line.value}"
    zone = line.params.get("TZID")
    return f"TZID={zone}:{line.value}" if zone else line.value


def _milliseconds(value: str) -> int:
    moment = datetime.datetime.strptime(value.removesuffix("Z") + "+0000", "%Y%m%dT%H%M%S%z")
    return int(moment.timestamp()) * 1000


def _zone_map(zones: list[Component]) -> dict[str, object]:
    mapped: dict[str, object] = {}
    for index, zone in enumerate(zones):
        name = zone.value("TZID")
        coded: dict[str, object] = {"tzid": name}
        if not re.fullmatch(r"(Europe|America|Asia|Africa|Australia)/[A-Z][A-Za-z_/]+", name):
            coded |= _zone(zone)
        mapped[f"#{index}"] = coded
        mapped[name] = index
    return mapped


def _zone(zone: Component) -> dict[str, object]:
    """One rule each way, which is all that Zimbra keeps: the last."""
    coded: dict[str, object] = {}
    for kind, offset, start, rule, name in (
        ("STANDARD", "so", "d2ss", "d2sr", "sn"),
        ("DAYLIGHT", "do", "s2ds", "s2dr", "dn"),
    ):
        parts = [part for part in zone.inside if part.name == kind]
        if not parts:
            coded.setdefault("do", coded.get("so", 0))
            continue
        last = max(parts, key=lambda part: part.value("DTSTART"))
        coded[offset] = _offset(last.value("TZOFFSETTO"))
        coded[start] = last.value("DTSTART")
        if last.value("RRULE"):
            coded[rule] = last.value("RRULE")
        if last.value("TZNAME"):
            coded[name] = last.value("TZNAME")
    coded.setdefault("so", coded.get("do", 0))
    return coded


def _offset(text: str) -> int:
    seconds = int(text[1:3]) * 3600 + int(text[3:5]) * 60 + int(text[5:7] or 0)
    return (-seconds if text.startswith("-") else seconds) * 1000
