"""What a person or a script sees: text, tables, JSON. Data goes to stdout, all else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

_KIB = 1024


def say(text: str = "") -> None:
    """A line of the answer."""
    sys.stdout.write(printable(text) + "\n")


def tell(text: str) -> None:
    """A line beside the answer: progress, notices, errors."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def say_json(value: object) -> None:
    """The answer as one JSON document."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def say_json_line(value: object) -> None:
    """A part of the answer as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def printable(text: str) -> str:
    """`text` without the control characters that a backup's names could bring to a terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else "�" for character in text
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers stand to the right."""
    cells = [[*headings], *([str(cell) for cell in row] for row in rows)]
    numeric = [
        all(row[column].replace(".", "", 1).replace(",", "").isdigit() for row in cells[1:])
        for column in range(len(headings))
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    )


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < _KIB:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KIB
    return f"{count:.1f} TiB"


def moment(milliseconds: int | None) -> str:
    """A time for people, in UTC."""
    if milliseconds is None:
        return "-"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """A duration for people: the two largest units that matter."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
