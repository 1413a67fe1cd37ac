"""`reinstate journal show`, `export`, `backup --views` and `redact`, asked in this process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from reinstate_journal import open_journal
from reinstate_journal.events import PhaseStarted, restore_stream
from reinstate_journal.sqlite.views import VIEWS
from running import COMMAND
from unit.cli.conftest import Ask, Restored


@pytest.fixture
def journal(restored: Restored) -> list[str]:
    return ["--journal", str(restored.journal)]


def positions(text: str) -> list[int]:
    return [json.loads(line)["position"] for line in text.splitlines()]


def test_events_are_shown_between_two_positions(ask: Ask, journal: list[str]) -> None:
    shown = ask("journal", "show", "--after", "3", "--before", "6", "--json", *journal).out
    assert positions(shown) == [4, 5]
    exported = ask("journal", "export", "--after", "3", "--before", "6", *journal).out
    assert exported == shown


def test_events_are_shown_between_two_times(ask: Ask, journal: list[str]) -> None:
    rows = [json.loads(line) for line in ask("journal", "export", *journal).out.splitlines()]
    since, until = rows[len(rows) // 3]["recorded_at"], rows[2 * len(rows) // 3]["recorded_at"]
    shown = ask("journal", "show", "--since", since, "--until", until, "--json", *journal).out
    wanted = [row["position"] for row in rows if since <= row["recorded_at"] < until]
    assert positions(shown) == wanted
    assert ask("journal", "show", "--since", "2999-01-01", *journal).out == ""
    assert ask("journal", "show", "--until", "1999-01-01", *journal).out == ""


def test_account_type_and_the_last_ones_narrow_together(ask: Ask, journal: list[str]) -> None:
    narrow = ["--account", "anna@example.com", "--type", "ItemRestored", "--last", "2"]
    rows = [
        json.loads(line)
        for line in ask("journal", "show", *narrow, "--json", *journal).out.splitlines()
    ]
    assert [row["type"] for row in rows] == ["ItemRestored"] * 2
    assert len({row["stream"] for row in rows}) == 1


def test_a_time_that_is_none_and_a_limit_to_what_never_ends_are_wrong_usage(
    ask: Ask, journal: list[str]
) -> None:
    assert ask("journal", "show", "--since", "yesterday", *journal).code == 2
    assert ask("journal", "show", "--follow", "--limit", "3", *journal).code == 2


def test_what_is_appended_later_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with open_journal(path) as journal:
        stream = restore_stream("0123456789ab")
        journal.append(stream, 0, [PhaseStarted(run=1, phase=1)])
        with subprocess.Popen(
            [*COMMAND, "journal", "show", "--follow", "--json", "--journal", str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as following:
            assert following.stdout is not None
            assert positions(following.stdout.readline()) == [1]
            journal.append(stream, 1, [PhaseStarted(run=1, phase=2)])
            assert positions(following.stdout.readline()) == [2]
            following.terminate()


def test_a_copy_with_views_answers_in_sql_and_is_sound(
    ask: Ask, journal: list[str], tmp_path: Path
) -> None:
    assert ask("journal", "backup", "--views", "look.db", *journal).code == 0
    assert ask("journal", "check", "--journal", "look.db").code == 0
    report = json.loads(ask("report", "--json", *journal).out)
    with closing(sqlite3.connect(tmp_path / "look.db")) as db:
        counts = {view: db.execute(f"SELECT count(*) FROM {view}").fetchone()[0] for view in VIEWS}
        restored = db.execute(
            "SELECT count(*), sum(size) FROM item_outcomes WHERE outcome = 'done'"
        ).fetchone()
        sums = db.execute("SELECT sum(restored), sum(bytes) FROM account_totals").fetchone()
        minutes = db.execute("SELECT sum(items), sum(bytes) FROM throughput").fetchone()
        paths = db.execute(
            "SELECT DISTINCT path FROM folder_map WHERE folder = '259' ORDER BY path"
        ).fetchall()
    totals = report["totals"]
    assert restored == sums == minutes == (totals["restored"], totals["size"])
    assert counts["failed_steps"] == len(report["failures"])
    assert paths == [("Work/Projects/2026",)]


def test_a_journal_is_redacted_and_checked_with_its_chains(
    ask: Ask, journal: list[str], tmp_path: Path
) -> None:
    got = ask("journal", "redact", "shared.db", "--key-file", "names.key", *journal)
    assert got.code == 0
    assert (tmp_path / "names.key").stat().st_mode & 0o777 == 0o600
    check = ["journal", "check", "--journal", "shared.db", "--chains"]
    assert ask(*check, "shared.db.chains").code == 0
    assert "@example.com" not in ask("report", "--journal", "shared.db").out
    ask("journal", "redact", "again.db", "--key-file", "names.key", *journal)
    assert ask(*check, "again.db.chains").code == 0
    ask("journal", "redact", "other.db", *journal)
    assert ask(*check, "other.db.chains").code == 6
    assert ask("journal", "redact", "shared.db", *journal).code == 2
    assert ask(*check, "none").code == 2
