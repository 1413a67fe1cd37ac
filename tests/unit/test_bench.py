"""The benchmarks measure the same thing every time, and only work that was done."""

from __future__ import annotations

import json
import shutil
from itertools import islice
from pathlib import Path

import pytest
from tests.bench import corpus, restoring
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
