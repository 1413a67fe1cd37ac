"""The calendar that an invitation brought with it as text, where nothing else can be read."""

from __future__ import annotations

from collections.abc import Iterable

from icalendar import Calendar, Component

from reinstate_service.source.archives.invites import InviteBody

_PRODUCT = "-//reinstate//archives//EN"


def embedded_calendar(bodies: Iterable[InviteBody], kind: str) -> bytes | None:
    """One object of all components of `kind` in the text/calendar parts, with their zones;
    None if there is none that can be read. METHOD goes: it belongs to mail (RFC 4791 §4.1)."""
    zones: dict[str, Component] = {}
    found: dict[tuple[str, bytes], Component] = {}
    for body in bodies:
        for part in body.calendars:
            for component in _components(part):
                if component.name == "VTIMEZONE":
                    zones.setdefault(str(component.get("TZID")), component)
                elif component.name == kind and "UID" in component:
                    occurrence = component.get("RECURRENCE-ID")
                    at = occurrence.to_ical() if occurrence is not None else b""
                    found[str(component["UID"]), at] = component
    if not found or len({uid for uid, _ in found}) > 1:
        return None
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", _PRODUCT)
    for _, component in [*sorted(zones.items()), *sorted(found.items())]:
        calendar.add_component(component)
    content: bytes = calendar.to_ical()
    return content


def _components(part: bytes) -> list[Component]:
    try:
        calendar = Calendar.from_ical(part)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return []  # damaged text serves nobody; the caller says why it was wanted
    return list(calendar.subcomponents)
