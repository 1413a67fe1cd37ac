"""`reinstate report` as CSV and as a page, asked in this process."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from reinstate_journal import open_journal
from reinstate_journal.events import (
    AccountCreated,
    AccountFailed,
    RestoreCreated,
    RunStarted,
    account_stream,
    restore_stream,
)
from reinstate_service.operations.csv_report import Rows, csv_lines
from unit.cli.conftest import Ask, Restored


@pytest.fixture
def journal(restored: Restored) -> list[str]:
    return ["--journal", str(restored.journal)]


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_there_is_a_row_for_each_account(ask: Ask, journal: list[str]) -> None:
    got = ask("report", "--csv", "accounts", *journal)
    report = json.loads(ask("report", "--json", *journal).out)
    rows = read(got.out)
    assert got.code == 3
    assert [row["address"] for row in rows] == [one["address"] for one in report["accounts"]]
    assert sum(int(row["restored"]) for row in rows) == report["totals"]["restored"]
    assert {row["address"]: row["score"] for row in rows}["chiara@example.com"] == "good"
    assert {row["score"] for row in rows if row["state"] == "skipped"} == {""}
    assert report["score"] == "good"


def test_there_is_a_row_for_each_item(ask: Ask, journal: list[str]) -> None:
    rows = read(ask("report", "--csv", "items", *journal).out)
    totals = json.loads(ask("report", "--json", *journal).out)["totals"]
    counts = Counter(row["outcome"] for row in rows)
    assert counts["done"] == totals["restored"]
    assert counts["skipped"] == totals["skipped"]["deleted"]
    assert sum(int(row["bytes"]) for row in rows if row["outcome"] == "done") == totals["size"]
    assert "Work/Projects/2026" in {row["path"] for row in rows}


def test_no_cell_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j.db") as journal:
        account = AccountFailed(
            run=1, phase=2, failure="Refused", reason="no", address="=cmd|calc@example.com"
        )
        created = AccountCreated(account="a", address="=HYPERLINK(1)@example.com")
        whole = RestoreCreated("5b7b35ceb061", "/b", "s", "carbonio", "maildir:/m", "d")
        run = RunStarted(run=1, epoch=1, version="1", options={})
        journal.append(restore_stream("5b7b35ceb061"), 0, [whole, run])
        journal.append(account_stream("5b7b35ceb061", "a"), 0, [created, account])
        (row,) = read("".join(csv_lines(journal, None, Rows.ACCOUNTS)))
    assert row["address"] == "'=HYPERLINK(1)@example.com"
    assert row["score"] == "poor"


def test_the_page_is_written_for_its_owner_in_place_of_an_older_one(
    ask: Ask, journal: list[str], tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("older")
    got = ask("report", "--html", "report.html", *journal)
    assert (got.code, got.out) == (3, "")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "chiara@example.com" in page
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_only_one_kind_is_asked_for_at_once_and_a_folder_must_be_there(
    ask: Ask, journal: list[str]
) -> None:
    assert ask("report", "--json", "--html", "x.html", *journal).code == 2
    assert ask("report", "--csv", "items", "--json", *journal).code == 2
    assert ask("report", "--csv", "folders", *journal).code == 2
    assert ask("report", "--html", "none/x.html", *journal).code == 2


def test_the_terminal_shows_score_and_verification(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    copy = tmp_path / "j.db"
    shutil.copy(restored.journal, copy)
    out = ask("report", "--journal", copy).out
    assert "chiara@example.com   completed  good" in out
    assert "Verified" not in out
    assert ask("verify", "--quiet", "--journal", copy).code == 0
    assert "by name, size, date and flags: 260 there" in ask("report", "--journal", copy).out
