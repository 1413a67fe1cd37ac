"""The benchmarks measure the same thing every time, and only work that was done."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from tests.bench import corpus, keeping, many, restoring, soak
from tests.bench.figures import Goal, Table, as_json, as_text, goals
from tests.bench.processes import run
from tests.bench.tools import write_sources


def test_the_messages_are_the_same_in_every_run_and_as_large_as_mail_is() -> None:
    made = list(corpus.like_mail(2000))
    assert made[:50] == list(islice(corpus.like_mail(2000), 50))
    sizes = sorted(map(len, made))
    assert 8 << 10 < sizes[1000] < 12 << 10
    assert 20 << 10 < sum(sizes) / 2000 < 40 << 10
    assert sizes[-1] <= 5.1 * 2**20
    assert {len(content) // 100 for content in corpus.small(20)} == {20}


def test_whoever_did_not_bring_every_message_ends_the_benchmark(tmp_path: Path) -> None:
    sources = write_sources(tmp_path, corpus.small(3))
    copy = restoring.Copy(sources, tmp_path)
    assert restoring.timed(copy, tmp_path, 3, "cp").seconds > 0
    shutil.rmtree(tmp_path / "copy")
    with pytest.raises(SystemExit, match="cp: 3 of 4 messages are there"):
        restoring.timed(copy, tmp_path, 4, "cp")


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match=r"exit 3\nno such luck"):
        run(["sh", "-c", "echo no such luck; exit 3"])


def test_figures_are_shown_to_people_and_to_scripts() -> None:
    table = Table("Restore", ("what", "items/s", "peak"), [("ours", 1234, 5.5), ("cp", 99.5, None)])
    assert as_text(table).splitlines() == [
        "Restore:",
        "",
        "| what | items/s | peak |",
        "| ---- | ------: | ---: |",
        "| ours |   1,234 | 5.50 |",
        "| cp   |   99.50 |    - |",
    ]
    met = goals([Goal("speed", 2.0, 2.5), Goal("bytes", 211, 250, at_most=True)])
    assert [row[-1] for row in met.rows] == ["no", "yes"]
    found = json.loads(as_json([table, met]))
    assert found["machine"]["cores"] >= 1
    assert found["tables"][0]["rows"][1] == {"what": "cp", "items/s": 99.5, "peak": None}
    assert found["tables"][1]["rows"][0]["goal"] == "at least 2.50"


def _tables(*arguments: str, folder: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of a part's tables by their titles."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--json", *arguments, "--folder", folder],
        cwd=root,
        env={**os.environ, "PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {table["title"]: table["rows"] for table in json.loads(done.stdout)["tables"]}


def test_a_small_soak_is_killed_and_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The moment of a kill is a number of items, or lies within the start."""
    found = _tables("soak", "--items", "20000", "--kills", "5", folder=tmp_path)
    runs = found["Runs of a restore of 20,000 items, killed 5 times"]
    assert len(runs) == 6
    assert all(row["lost"] == row["doubled"] == 0 for row in found["What lies there"])
    assert {row["what"] for row in found["Goals"]} >= {"lost", "doubled", "altered"}


def test_the_soak_finds_what_is_lost_doubled_and_altered(tmp_path: Path) -> None:
    backup = many.backup_of(3, tmp_path)
    wanted = soak.contents_of(backup)
    cur = tmp_path / "mail" / "example.com" / "user" / "Maildir" / "cur"
    cur.mkdir(parents=True)
    contents = [gzip.decompress(blob.read_bytes()) for blob in (backup / "items").glob("*/*")]
    for number, content in enumerate(contents):
        (cur / f"{number}").write_bytes(content)
    assert soak.compared(wanted, tmp_path / "mail") == (0, 0, 0)
    (cur / "1").write_bytes(contents[0])
    (cur / "2").write_bytes(contents[2] + b".")
    assert soak.compared(wanted, tmp_path / "mail") == (2, 1, 1)


def test_the_cost_of_many_items_is_measured_beside_that_of_few(tmp_path: Path) -> None:
    found = _tables("scale", "--items", "2000", "--rounds", "1", folder=tmp_path)
    few, lot = found["Restore of 2,000 items in 2 accounts"]
    assert (few["items"], lot["items"]) == (1000, 2000)
    assert [row["items done"] for row in found["Until the first new item"]] == [1000, 2000]
    assert len(found["What is asked afterwards"]) == 6


def test_whatever_is_kept_is_counted_beside_what_is_copied() -> None:
    asked = argparse.Namespace(above=Path("/var/tmp"), on=["disk"], messages=20, scale=1, rounds=1)
    costs, wanted = keeping.tables(asked)
    assert [row[0] for row in costs.rows] == list(keeping.CONTENDERS)
    assert [row[2] for row in wanted.rows] == ["at least 1.30"]
