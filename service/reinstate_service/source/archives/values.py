"""Dates, durations and rules as metadata spells them, into the spelling of RFC 5545 §3.3."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace

from reinstate_service.source.contract import RecordMalformed

_STAMP = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2})(\d{2})(\d{2})(?:\.\d{3})?(Z?)|Z)?", re.ASCII
)
_DURATION = re.compile(r"[+-]?P(?:\d+W|(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)", re.ASCII)
_RULE_PART = re.compile(r"(?:[A-Z]+|X-[A-Z0-9-]+)=[A-Z0-9,+:-]+")


@dataclass(frozen=True)
class Stamp:
    """A date, or a date with a time: in the zone `zone`, in UTC if it ends in Z, else
    wherever the reader is."""

    value: str
    zone: str = ""

    @property
    def is_date(self) -> bool:
        """Whether it is a day and no moment."""
        return "T" not in self.value

    def date(self) -> Stamp:
        """Its day."""
        return Stamp(self.value[:8])

    def params(self) -> dict[str, str]:
        """The parameters that say what it is."""
        if self.is_date:
            return {"VALUE": "DATE"}
        return {"TZID": self.zone} if self.zone else {}


def stamp_of(text: str) -> Stamp:
    """`20260131`, `20260131T090000Z`, and the same behind `VALUE=DATE:` or `TZID=name:`.

    Raises RecordMalformed, also for a day that no calendar has.
    """
    head, _, value = text.rpartition(":")
    found = _STAMP.fullmatch(value)
    if found is None:
        raise RecordMalformed(detail=f"{text!r} is no date")
    year, month, day, hour, minute, second, utc = found.groups()
    try:
        datetime.datetime(  # noqa: DTZ001 - only whether there is such a day and time
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
        )
    except ValueError as error:
        raise RecordMalformed(detail=f"{text!r} is no date: {error}") from error
    if hour is None:
        return Stamp(f"{year}{month}{day}")
    stamp = Stamp(f"{year}{month}{day}T{hour}{minute}{second}{utc}")
    zone = _zone(head)
    if utc or not zone:
        return stamp
    if zone in {"UTC", "Z"}:
        return Stamp(stamp.value + "Z")
    return replace(stamp, zone=zone)


def _zone(head: str) -> str:
    """The TZID among the parameters before a date."""
    _, found, zone = head.partition("TZID=")
    if not found:
        return ""
    return zone.partition(";VALUE=")[0].strip('"')


def utc_of(milliseconds: int) -> str:
    """A moment in UTC. Raises RecordMalformed if it is in no year that has four digits."""
    try:
        moment = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RecordMalformed(detail=f"{milliseconds} is no time: {error}") from error
    return f"{moment.year:04}{moment:%m%dT%H%M%SZ}"


def duration_of(text: str) -> str:
    """A duration. Raises RecordMalformed."""
    if _DURATION.fullmatch(text) is None or len(text) > 40:
        raise RecordMalformed(detail=f"{text!r} is no duration")
    return "PT0S" if text.lstrip("+-") in {"P", "PT"} else text.removesuffix("T")


def rule_of(text: str) -> str:
    """A recurrence rule. Raises RecordMalformed if it is none."""
    parts = [part for part in text.upper().split(";") if part]
    if not all(map(_RULE_PART.fullmatch, parts)) or not any(p.startswith("FREQ=") for p in parts):
        raise RecordMalformed(detail=f"{text!r} is no recurrence rule")
    return ";".join(parts)
