"""What a benchmark has found, for people and as JSON; and on what machine."""

from __future__ import annotations

import datetime
import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

Cell = str | int | float | None


class Table(NamedTuple):
    """Rows under one title; a cell is None where there is no figure."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class Goal(NamedTuple):
    """What was found beside what is wanted: at least that much, or at most."""

    what: str
    found: float
    wanted: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted


def goals(wanted: Sequence[Goal]) -> Table:
    """One row for each."""
    rows = [
        (
            goal.what,
            round(goal.found, 2),
            f"{'at most' if goal.at_most else 'at least'} {_shown(goal.wanted)}",
            "yes" if goal.reached else "no",
        )
        for goal in wanted
    ]
    return Table("Goals", ("what", "found", "goal", "reached"), rows)


def machine() -> dict[str, Cell]:
    """Where and when this is measured; `load` is that of the last minute."""
    return {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kernel": platform.release(),
    }


def as_text(table: Table) -> str:
    """As Markdown, which reads well in a terminal too."""
    cells = [tuple(table.columns), *(tuple(map(_shown, row)) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [
        all(not isinstance(row[place], str) for row in table.rows) for place in range(len(widths))
    ]
    rule = [
        ("-" * (width - 1) + ":") if right else "-" * width
        for width, right in _two(widths, numeric)
    ]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, (width, right) in zip(line, _two(widths, numeric), strict=True)
        )
        + " |"
        for line in (cells[0], tuple(rule), *cells[1:])
    ]
    return "\n".join([f"{table.title}:", "", *lines, ""])


def as_json(tables: Iterable[Table]) -> str:
    """The machine, and each table's rows by their columns."""
    found = [
        {
            "title": table.title,
            "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
        }
        for table in tables
    ]
    return json.dumps({"machine": machine(), "tables": found}, indent=2)


def _two(widths: Sequence[int], numeric: Sequence[bool]) -> list[tuple[int, bool]]:
    return list(zip(widths, numeric, strict=True))


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case float():
            return f"{cell:,.0f}" if cell == int(cell) or abs(cell) >= 100 else f"{cell:,.2f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
