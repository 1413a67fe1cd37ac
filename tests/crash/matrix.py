"""The fault matrix of docs/recovery.md: what is done to a restore, and what held.

A test of a row declares it in its module, as a `Row`, and says `ran(ROW)` for every run
that held. `make crash` collects what was said in the file that $REINSTATE_MATRIX names,
and writes the table.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

COLLECTED = "REINSTATE_MATRIX"
#: Where in tests/ rows are declared.
_FOLDERS = ("crash", "fuzz")


class Row(NamedTuple):
    """One row: `fault` is what is done, `seen` what may be seen on the destination and in the
    journal before resuming, `holds` what is true after; `test` is the file that holds it.

    Rows are ordered by their `group`, a heading, and stand in it as they are declared.
    """

    group: str
    fault: str
    seen: str
    holds: str
    test: str

    @property
    def key(self) -> str:
        """What names the row."""
        return f"{self.group}: {self.fault}"


def ran(row: Row, runs: int = 1) -> None:
    """Counts runs of the row that held, where somebody collects them."""
    if file := os.environ.get(COLLECTED):
        line = json.dumps([row.key, runs]) + "\n"
        with Path(file).open("a", encoding="utf-8") as collected:
            collected.write(line)


def rows() -> list[Row]:
    """Every declared row; a module may gather some of them in a dictionary."""
    found = [
        row
        for folder in _FOLDERS
        for module in sorted(pkgutil.iter_modules([str(Path(__file__).parent.parent / folder)]))
        if module.name.startswith("test_")
        for value in vars(importlib.import_module(f"{folder}.{module.name}")).values()
        for row in (value.values() if isinstance(value, dict) else (value,))
        if isinstance(row, Row)
    ]
    return sorted(dict.fromkeys(found), key=lambda row: row.group)


def counted(file: Path) -> Counter[str]:
    """How many runs of each row were collected."""
    found: Counter[str] = Counter()
    for line in file.read_text(encoding="utf-8").splitlines():
        key, runs = json.loads(line)
        found[key] += runs
    return found
