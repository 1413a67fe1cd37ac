"""When a job must not work: `22:00-06:00`, `mon-fri 08:00-18:30`, `sat,sun 00:00-24:00`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from reinstate_service.model import Frozen

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_FORM = re.compile(
    r"(?:([a-z]{3}(?:[-,][a-z]{3})*)\s+)?(\d\d):([0-5]\d)\s*-\s*(\d\d):([0-5]\d)", re.IGNORECASE
)


class QuietHours(Frozen, frozen=True):
    """On these days (0 is Monday) from `begin` to `end`, minutes of the day; those that go over
    midnight belong to the day on which they begin."""

    days: tuple[int, ...]
    begin: int
    end: int

    def hold(self, local: datetime) -> bool:
        """Whether it is so at that moment, by the clock on the wall."""
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return local.weekday() in self.days and self.begin <= minute < self.end
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() in self.days and minute >= self.begin) or (
            yesterday in self.days and minute < self.end
        )


def quiet_hours_of(text: str) -> QuietHours:
    """What the text says. Raises ValueError that says what is expected."""
    match = _FORM.fullmatch(text.strip())
    expected = f"{text!r} is not like 22:00-06:00 or mon-fri 08:00-18:30"
    if match is None:
        raise ValueError(expected)
    days, *numbers = match.groups()
    from_hour, from_minute, to_hour, to_minute = map(int, numbers)
    begin, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if begin >= _DAY_MINUTES or end > _DAY_MINUTES or begin == end:
        raise ValueError(expected)
    try:
        return QuietHours(_days(days.lower()) if days else tuple(range(7)), begin, end)
    except ValueError:
        raise ValueError(expected) from None


def _days(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        found += [day % 7 for day in range(begin, end + (7 if end < begin else 0) + 1)]
    return tuple(sorted(set(found)))
