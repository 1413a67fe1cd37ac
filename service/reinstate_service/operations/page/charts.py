"""Throughput and the time that was left, as inline SVG: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from reinstate_journal.statistics import Rate
from reinstate_service.operations.page.markup import Markup, element

_WIDTH, _HEIGHT = 860, 240
#: Durations that an axis may end with, in seconds: their halves are easy to read as well.
_DURATIONS = (
    *(2, 4, 10, 20, 60, 120, 240, 600, 1200, 3600, 7200, 14_400, 28_800, 43_200, 86_400),
    *(days * 86_400 for days in (2, 4, 10, 20, 40, 100)),
)
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 64, 16, 36


def throughput(rates: Sequence[Rate], interval: int) -> Markup:
    """Items a second over time, and beside it how long the rest would have taken at the average
    speed so far; `interval` is that of the rates in milliseconds."""
    if not rates:
        return element("p", "No item was restored.")
    first, last = rates[0].at, rates[-1].at + interval
    speeds = [(rate.at, rate.items * 1000 / interval) for rate in rates]
    left = _time_left(rates, interval)
    scale = _Scale(first, last, max(speed for _, speed in speeds), max(one for _, one in left))
    parts = [
        *_grid(scale),
        element("path", d=_steps(speeds, interval, scale), class_="speed"),
        element("path", d=_line(left, scale), class_="left"),
    ]
    title = "Items restored a second, and the time left at the average speed so far"
    return element(
        "svg",
        element("title", title),
        *parts,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="chart",
    )


def _time_left(rates: Sequence[Rate], interval: int) -> list[tuple[int, float]]:
    """Seconds that the remaining items would have taken, at the end of each interval."""
    total = sum(rate.items for rate in rates)
    done, found = 0, []
    for rate in rates:
        done += rate.items
        end = rate.at + interval
        found.append((end, (total - done) * (end - rates[0].at) / done / 1000))
    return found


class _Scale:
    """From moments, speeds and durations to places in the picture."""

    def __init__(self, first: int, last: int, speed: float, seconds: float) -> None:
        self.first, self.last = first, last
        self.speed = _ceiling(speed)
        self.seconds = next((one for one in _DURATIONS if one >= seconds), seconds)

    def x(self, at: int) -> float:
        share = (at - self.first) / max(self.last - self.first, 1)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, share: float) -> float:
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _ceiling(value: float) -> float:
    """The next number that is 1, 2 or 5 times a power of ten."""
    step = 1e-3
    while step < value:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2
    return step


def _steps(points: Sequence[tuple[int, float]], interval: int, scale: _Scale) -> str:
    """An area with a step for each interval; where nothing was restored it lies on the ground."""
    ground = scale.y(0)
    path = [f"M{scale.x(points[0][0]):.1f},{ground:.1f}"]
    end = points[0][0]
    for at, speed in points:
        if at > end:
            path.append(f"V{ground:.1f}H{scale.x(at):.1f}")
        end = at + interval
        path.append(f"V{scale.y(speed / scale.speed):.1f}H{scale.x(end):.1f}")
    return "".join([*path, f"V{ground:.1f}Z"])


def _line(points: Sequence[tuple[int, float]], scale: _Scale) -> str:
    places = (f"{scale.x(at):.1f},{scale.y(seconds / scale.seconds):.1f}" for at, seconds in points)
    return "M" + "L".join(places)


def _grid(scale: _Scale) -> list[Markup]:
    parts = []
    for share in (0, 0.5, 1):
        y = f"{scale.y(share):.1f}"
        parts.append(element("path", d=f"M{_LEFT},{y}H{_WIDTH - _RIGHT}", class_="grid"))
        speed, seconds = share * scale.speed, share * scale.seconds
        parts.append(_label(_LEFT - 6, y, f"{speed:g}/s", "end"))
        parts.append(
            _label(_WIDTH - _RIGHT + 6, y, _duration(seconds), "start", "label left-label")
        )
    for share in (0, 0.5, 1):
        at = round(scale.first + share * (scale.last - scale.first))
        anchor = ("start", "middle", "end")[round(share * 2)]
        parts.append(_label(f"{scale.x(at):.1f}", _HEIGHT - 10, _clock(at), anchor))
    return parts


def _label(x: object, y: object, text: str, anchor: str, kind: str = "label") -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=kind)


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
