"""VTIMEZONEs for the time zones that appointments name.

Zimbra keeps a zone's definition only where the name is not one of its own; a zone
that is known by name gets the rule in force today, from the IANA database as the
package tzdata has it. Zimbra, too, knows one rule per zone: what a zone did in
earlier years is not told.
"""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from reinstate_service.source.archives.contentlines import line, text
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.values import rule_of, stamp_of
from reinstate_service.source.contract import RecordMalformed

_IANA = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_POSIX = re.compile(
    r"(?P<std>[A-Za-z]+|<[^>]+>)(?P<at>[-+]?[\d:]+)"
    r"((?P<dst>[A-Za-z]+|<[^>]+>)(?P<dat>[-+]?[\d:]+)?,(?P<from>[^,]+),(?P<to>[^,]+))?"
)
_POSIX_RULE = re.compile(r"M(\d+)\.(\d)\.(\d)(?:/([-+]?[\d:]+))?")
_WEEKDAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
#: The years for which a change is listed that no rule can tell.
_LISTED = range(1970, 2070)
_FIRST_YEAR = 1970


@dataclass(frozen=True)
class _Change:
    """When the clocks change in a year: `at` seconds after the start of the `week`th
    `weekday` (0 is Sunday) of `month`; week 5 is the last."""

    month: int
    week: int
    weekday: int
    at: int

    def onset(self, year: int) -> datetime.datetime:
        days = calendar.monthrange(year, self.month)[1]
        first = datetime.date(year, self.month, 1).isoweekday() % 7
        day = 1 + (self.weekday - first) % 7 + (self.week - 1) * 7
        while day > days:
            day -= 7
        midnight = datetime.datetime(year, self.month, day)  # noqa: DTZ001 - a zone's own time
        return midnight + datetime.timedelta(seconds=self.at)

    def lines(self) -> list[str]:
        first = line("DTSTART", f"{self.onset(_FIRST_YEAR):%Y%m%dT%H%M%S}")
        if 0 <= self.at < 86400:
            week = -1 if self.week == 5 else self.week
            day = f"{week}{_WEEKDAYS[self.weekday]}"
            return [first, line("RRULE", f"FREQ=YEARLY;BYMONTH={self.month};BYDAY={day}")]
        dates = ",".join(f"{self.onset(year):%Y%m%dT%H%M%S}" for year in _LISTED[1:])
        return [first, line("RDATE", dates)]


class TimeZones:
    """The zones that an item's metadata defines, and those of them that were used."""

    def __init__(self) -> None:
        self._definitions: dict[str, Fields] = {}
        self._aliases: dict[str, str] = {}
        self._used: dict[str, list[str]] = {}

    def learn(self, zones: Fields | None) -> None:
        """Takes in a `tzm`: zones `#0`, `#1`, ... and other names by the number of theirs."""
        if zones is None:
            return
        numbers = {}
        for key in zones:
            if key.startswith("#") and (zone := zones.inner(key)) is not None:
                numbers[key[1:]] = zone.text("tzid")
                if "so" in zone:
                    self._definitions.setdefault(zone.text("tzid"), zone)
        for key in zones:
            if not key.startswith("#") and (real := numbers.get(zones.text(key))):
                self._aliases.setdefault(key, real)

    def use(self, name: str) -> str:
        """`name`, for which a VTIMEZONE is written. Raises RecordMalformed if nothing says
        what zone it is."""
        if name not in self._used:
            self._used[name] = self._rules(name)
        return name

    def lines(self) -> list[str]:
        """The VTIMEZONEs of all zones that were used, in the order of their names."""
        lines: list[str] = []
        for name, rules in sorted(self._used.items()):
            lines += ["BEGIN:VTIMEZONE", text("TZID", name), *rules, "END:VTIMEZONE"]
        return lines

    def _rules(self, name: str) -> list[str]:
        real = self._aliases.get(name, name)
        for known in (name, real):
            if known in self._definitions:
                return _defined(self._definitions[known])
        for known in (name, real):
            rules = _known(WINDOWS_TO_OLSON.get(known, known))
            if rules:
                return list(rules)
        raise RecordMalformed(detail=f"nothing says what the time zone {name!r} is")


def _defined(zone: Fields) -> list[str]:
    """A zone as its metadata defines it: offsets in milliseconds, one rule each way."""
    standard, daylight = zone.number("so") // 1000, zone.number("do") // 1000
    if "s2dr" not in zone and standard == daylight:
        return _part("STANDARD", zone.text("sn"), (standard, standard), _onset(zone, "d2s"))
    return _part("STANDARD", zone.text("sn"), (daylight, standard), _onset(zone, "d2s")) + _part(
        "DAYLIGHT", zone.text("dn"), (standard, daylight), _onset(zone, "s2d")
    )


def _onset(zone: Fields, change: str) -> list[str]:
    start = stamp_of(zone.text(f"{change}s", "16010101T000000")).value
    lines = [line("DTSTART", start)]
    if f"{change}r" in zone:
        lines.append(line("RRULE", rule_of(zone.text(f"{change}r"))))
    return lines


@cache
def _known(name: str) -> tuple[str, ...]:
    """The rule of a zone of the IANA database, nothing if there is no such zone."""
    if _IANA.fullmatch(name) is None:
        return ()
    file = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if not file.is_file():
        return ()
    content = file.read_bytes()
    if not content.startswith(b"TZif") or not content.endswith(b"\n"):
        return ()
    return tuple(_posix(content.rsplit(b"\n", 2)[1].decode("ascii", "replace")))


def _posix(rule: str) -> list[str]:
    """The footer of a TZif file (RFC 9636 §3.3), which is a POSIX TZ string."""
    found = _POSIX.fullmatch(rule)
    if found is None:
        return []
    standard = -_seconds(found["at"])
    name = found["std"].strip("<>")
    if found["dst"] is None:
        start = [line("DTSTART", f"{_FIRST_YEAR}0101T000000")]
        return _part("STANDARD", name, (standard, standard), start)
    daylight = -_seconds(found["dat"]) if found["dat"] else standard + 3600
    begins, ends = _change(found["from"]), _change(found["to"])
    if begins is None or ends is None:
        return []
    return _part("STANDARD", name, (daylight, standard), ends.lines()) + _part(
        "DAYLIGHT", found["dst"].strip("<>"), (standard, daylight), begins.lines()
    )


def _change(rule: str) -> _Change | None:
    found = _POSIX_RULE.fullmatch(rule)
    if found is None:
        return None
    return _Change(int(found[1]), int(found[2]), int(found[3]), _seconds(found[4] or "2"))


def _seconds(time: str) -> int:
    sign = -1 if time.startswith("-") else 1
    parts = [int(part) for part in time.lstrip("+-").split(":")]
    return sign * sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


def _part(kind: str, name: str, offsets: tuple[int, int], onset: list[str]) -> list[str]:
    lines = [f"BEGIN:{kind}", *onset]
    lines += [line("TZOFFSETFROM", _offset(offsets[0])), line("TZOFFSETTO", _offset(offsets[1]))]
    if name:
        lines.append(text("TZNAME", name))
    return [*lines, f"END:{kind}"]


def _offset(seconds: int) -> str:
    minutes, rest = divmod(abs(seconds), 60)
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{minutes // 60:02}{minutes % 60:02}" + (f"{rest:02}" if rest else "")
