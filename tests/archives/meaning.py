"""What a vCard or iCalendar object means, however it is written."""

from __future__ import annotations

from collections import Counter

from archives.calendars import Component, Line

#: What Zimbra writes down where the file says nothing; the meaning is the same.
DEFAULTS = {
    "VEVENT": {("STATUS", "CONFIRMED")},
    "VTODO": {("STATUS", "NEEDS-ACTION")},
    "": {
        ("CLASS", "PUBLIC"), ("TRANSP", "OPAQUE"), ("SEQUENCE", "0"), ("PRIORITY", "0"),
        ("UID", "no-uid"), ("DTSTAMP", "20231114T221320Z"),
    },
}  # fmt: skip


def meaning(component: Component) -> tuple[object, ...]:
    """A component as a value: equal for two that mean the same."""
    found: Counter[object] = Counter()
    for line in component.lines:
        values = line.value.split(",") if line.name in {"RDATE", "EXDATE"} else [line.value]
        if line.name == "CATEGORIES":
            values = [one.replace("\0", ",") for one in line.value.replace("\\,", "\0").split(",")]
        for value in values:
            plain = Line(line.name, line.params, value)
            if (line.name, value) not in DEFAULTS[""] | DEFAULTS.get(component.name, set()):
                found[line.name, said(plain), parameters(plain)] += 1
    inside = Counter(meaning(inner) for inner in component.inside)
    return component.name, frozenset(found.items()), frozenset(inside.items())


def said(line: Line) -> str:
    value = line.unescaped().replace("\r\n", "\n")
    if line.name in {"TRIGGER", "DURATION"} and value.lstrip("+-").startswith("P"):
        days, _, time = value.lstrip("+-").removeprefix("P").partition("T")
        units = {"W": 604800, "D": 86400, "H": 3600, "M": 60, "S": 1}
        parts, number = 0, ""
        for letter in days + time:
            number, parts = (
                (number + letter, parts)
                if letter.isdigit()
                else ("", parts + int(number) * units[letter])
            )
        return f"{'-' if value.startswith('-') else ''}{parts}"
    if line.name == "RRULE":
        return ";".join(sorted(value.split(";")))
    if line.name in {"ATTENDEE", "ORGANIZER"} and value[:7].lower() == "mailto:":
        return "mailto:" + value[7:]
    return value


def parameters(line: Line) -> frozenset[tuple[str, str]]:
    silent = {("VALUE", "DATE-TIME"), ("RSVP", "FALSE")}
    if "T" not in line.value and line.name in {"DTSTART", "DTEND", "DUE"}:
        silent.add(("VALUE", "DATE"))  # example.ics leaves it out, which is not valid
    return frozenset(set(line.params.items()) - silent)
