"""`reinstate map` and `plan` on a share whose place a filter has taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Item, ItemType
from reinstate_service.restore.options import Options
from running import restore_here
from team import ALICE, DAY, restore_until_phase_3, write_backup
from unit.cli.conftest import Ask


@pytest.fixture
def shared(tmp_path: Path) -> Options:
    """A restore that is through phase 2, with a message that a filter has put into `Team`."""
    write_backup(tmp_path / "backup")
    options = Options(str(tmp_path / "backup"), f"maildir:{tmp_path / 'mail'}")
    restore_until_phase_3(tmp_path / "r.db", options)
    destination = open_destination(options.destination)
    item = Item("m", ItemType.MESSAGE, "", DAY, 15, "")
    with destination.mailbox("alice@example.test") as mailbox:
        mailbox.deliver([Delivery("M1", ("Team",), item, (), lambda: iter([b"Subject: x\n\nx\n"]))])
    destination.close()
    return options


def test_plan_says_beforehand_what_map_says_afterwards(
    shared: Options, ask: Ask, tmp_path: Path
) -> None:
    plan = ask("plan", shared.source, shared.destination)
    assert (
        "CONFLICT   mountpoint Team -> shared/example.test/bob/Team;"
        " what filters put into Team moves there"
    ) in plan.out
    restore_here(tmp_path / "r.db", shared)
    shown = ask("map", "alice@example.test", "--journal", tmp_path / "r.db")
    assert shown.code == 0
    for line in (
        "300  Team        shared/example.test/bob/Team  Team of bob@example.test  filter",
        "1 message that filters had put into Team moved to Team of the owner",
        "  line 3: Team -> shared/example.test/bob/Team",
    ):
        assert line in shown.out


def test_map_answers_in_json_by_id_as_well(shared: Options, ask: Ask, tmp_path: Path) -> None:
    restore_here(tmp_path / "r.db", shared)
    found = json.loads(ask("map", ALICE, "--json", "--journal", tmp_path / "r.db").out)
    assert found["address"] == "alice@example.test"
    assert found["folders"]["2"]["path"] == ["INBOX"]
    assert found["mountpoints"]["300"]["restored"]
    assert found["filters"]["incoming"]["active"]


def test_map_of_an_unknown_account_is_wrong_usage(
    shared: Options, ask: Ask, tmp_path: Path
) -> None:
    assert shared.source
    got = ask("map", "nobody@example.test", "--journal", tmp_path / "r.db")
    assert got.code == 2
    assert "has no account nobody@example.test" in got.err
