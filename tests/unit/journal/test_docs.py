"""docs/journal.md shows code; it has to work."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from reinstate_journal import open_journal

PAGE = (Path(__file__).parents[3] / "docs" / "journal.md").read_text()


def shown(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def test_the_examples_of_the_page_work(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", shown("python")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ParcelSent(parcel='7', grams=900)" in done.stdout
    assert "head: 2 " in done.stdout
    raw = sqlite3.connect(tmp_path / "parcels.db")
    answers = [raw.execute(line).fetchall() for line in shown("sql").splitlines()]
    raw.close()
    assert [row[2] for row in answers[0]] == ["ParcelSent", "ParcelDelivered"]
    assert answers[1:] == [[("ParcelDelivered", 1), ("ParcelSent", 1)], [("7",)]]


def test_the_page_names_every_table_of_the_file(tmp_path: Path) -> None:
    open_journal(tmp_path / "j.db").close()
    raw = sqlite3.connect(tmp_path / "j.db")
    names = raw.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    raw.close()
    assert [name for (name,) in names if f"`{name}`" not in PAGE] == []
