"""`reinstate verify`, asked in this process."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import tampering
from reinstate_service.operations.sample import build_sample, demo_messages
from reinstate_service.restore.options import Options
from running import restore_here
from team import write_backup
from unit.cli.conftest import Ask, Restored

PAGE = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_backup(tmp_path / "backup")
    options = Options(source=str(tmp_path / "backup"), destination=f"maildir:{tmp_path / 'mail'}")
    restore_here(tmp_path / "reinstate.db", options)
    return tmp_path / "mail"


def test_a_destination_that_is_as_it_was_restored_exits_with_0(ask: Ask, tree: Path) -> None:
    got = ask("verify", "--deep")
    assert got.code == 0
    assert tree.is_dir()
    assert "2 restored items = 2 there + 0 changed since" in got.out
    assert "Everything that was restored is there." in got.out
    assert "alice@example.test: 0 differences" in got.err


def test_what_is_missing_is_named_and_exits_with_3(ask: Ask, tree: Path) -> None:
    tampering.remove_message(tree / "example.test/bob/Maildir/.Team")
    got = ask("verify", "--quiet")
    assert (got.code, got.out, got.err) == (3, "", "")
    got = ask("verify")
    assert got.code == 3
    assert "Missing:\n  bob@example.test  item 1000 in Team\n" in got.out
    got = ask("verify", "--json")
    assert got.code == 3
    (finding,) = json.loads(got.out)["findings"]
    assert (finding["kind"], finding["what"], finding["name"]) == ("missing", "item", "1000")


def test_what_users_change_is_listed_and_exits_with_0(ask: Ask, tree: Path) -> None:
    tampering.flag_message(tree / "example.test/bob/Maildir/.Team")
    got = ask("verify", "--accounts", "bob@example.test")
    assert got.code == 0
    assert "  bob@example.test  item 1000 in Team: flags +\\Flagged\n" in got.out


def test_the_transcript_in_the_documents_is_what_is_said(ask: Ask, tmp_path: Path) -> None:
    build_sample(tmp_path / "backup", demo_messages())
    tree = tmp_path / "mail"
    options = Options(source=str(tmp_path / "backup"), destination=f"maildir:{tree}")
    restore_here(tmp_path / "reinstate.db", options)
    tampering.tamper_in_ten_ways(tree)
    got = ask("verify", "--deep")
    (shown,) = re.findall(r"\$ reinstate verify --deep\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert got.code == 3
    # Accounts are compared at the same time, and listed as they are done.
    assert sorted(got.out.splitlines()) == sorted(shown.splitlines())


def test_a_destination_that_is_gone_exits_with_5(ask: Ask, tree: Path) -> None:
    tree.rename(tree.with_name("away"))
    assert ask("verify").code == 5


def test_wrong_usage_exits_with_2(ask: Ask, restored: Restored) -> None:
    journal = ["--journal", str(restored.journal)]
    assert ask("verify", "--accounts", "nobody@example.com", *journal).code == 2
    assert ask("verify", "--sample", "-1", *journal).code == 2
    assert ask("verify", "0123456789ab", *journal).code == 2
    assert ask("verify", "--journal", "none.db").code == 6
