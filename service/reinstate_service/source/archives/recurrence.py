"""How an event recurs: RRULE, RDATE, EXDATE (RFC 5545 §3.8.5)."""

from __future__ import annotations

from reinstate_service.source.archives.contentlines import line
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.timezones import TimeZones
from reinstate_service.source.archives.values import Stamp, duration_of, rule_of, stamp_of
from reinstate_service.source.contract import RecordMalformed

_RULE, _EXCEPTION, _SERIES, _DATES = 2, 3, 4, 6


def recurrence_lines(recurrence: Fields, zones: TimeZones) -> list[str]:
    """The rules and dates of a series. Raises RecordMalformed for what is neither.

    Each date is a line of its own: Apple's Calendar does not read several in one.
    """
    kind = recurrence.number("t")
    if kind not in {_EXCEPTION, _SERIES}:
        return _part(recurrence, "RRULE", zones)
    lines = []
    for key, name in (("add", "RRULE"), ("sub", "EXRULE")):
        if (rules := recurrence.inner(key)) is not None:
            for rule in rules.numbered("r", "nr"):
                lines += _part(rule, name, zones)
    return lines


def _part(rule: Fields, name: str, zones: TimeZones) -> list[str]:
    match rule.number("t"):
        case kind if kind == _RULE:
            return [line(name, rule_of(rule.text("recur")))]
        case kind if kind == _DATES and (dates := rule.inner("rexd")) is not None:
            return _dates(dates, zones)
        case kind:
            raise RecordMalformed(detail=f"{rule.named('t')} is {kind}, no kind of recurrence")


def _dates(dates: Fields, zones: TimeZones) -> list[str]:
    name = "RDATE" if dates.truth("isrd", default=True) else "EXDATE"
    zone = zones.use(dates.text("tzid")) if dates.text("tzid") not in {"", "Z", "UTC"} else ""
    keys = dates.numbered_keys("v", "numV")
    if dates.text("vt", "dt") == "p":
        return [_period(name, dates.inner(key), zone) for key in keys]
    return [_date(name, dates.text(key), zone) for key in keys]


def _date(name: str, value: str, zone: str) -> str:
    stamp = _in_zone(value, zone)
    return line(name, stamp.value, stamp.params())


def _period(name: str, period: Fields | None, zone: str) -> str:
    if period is None:
        raise RecordMalformed(detail="a period of the recurrence is missing")
    start = _in_zone(period.text("dts"), zone)
    if "dte" in period:
        end = _in_zone(period.text("dte"), zone).value
    else:
        end = duration_of(period.text("dur"))
    return line(name, f"{start.value}/{end}", {"VALUE": "PERIOD", **start.params()})


def _in_zone(value: str, zone: str) -> Stamp:
    stamp = stamp_of(value)
    if stamp.is_date or stamp.value.endswith("Z"):
        return stamp
    return Stamp(stamp.value, zone)
