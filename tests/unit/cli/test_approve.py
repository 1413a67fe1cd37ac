"""A suspended restore, as an administrator brings it to its end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from suspending import Place
from unit.cli.conftest import Ask


@pytest.fixture
def place(tmp_path: Path, ask: Ask) -> Place:
    assert ask("--version").code == 0
    return Place(tmp_path)


def begin(ask: Ask, place: Place) -> int:
    journal = ["--journal", str(place.journal), "--quiet", "--concurrent-accounts", "1"]
    limits = ["--bad-item-limit", "2"]
    return ask("restore", place.backup, place.options.destination, *limits, *journal).code


def test_it_says_what_can_be_done_and_goes_on_when_told_to(ask: Ask, place: Place) -> None:
    assert begin(ask, place) == 3
    os.environ["REINSTATE_JOURNAL"] = str(place.journal)
    try:
        assert ask("resume").code == 3
        status = ask("status").out
        assert "suspended" in status
        assert "reinstate approve" in status
        got = ask("approve", "--failure", "BlobMissing", "--account", "alice@example.test")
        assert got.out == "3 failures accepted; go on with: reinstate resume\n"
        assert ask("resume", "--quiet").code == 3
        accepted = json.loads(ask("approve", "--all", "--json").out)
        assert [one["step"].split()[:2] for one in accepted] == [["item", "2004"]]
        assert ask("report").code == 0
        told = ask("explain", "alice@example.test", "2001").out
        assert "An administrator accepted that it could not be restored (BlobMissing)." in told
    finally:
        del os.environ["REINSTATE_JOURNAL"]


def test_retry_goes_on_when_the_cause_is_mended(ask: Ask, place: Place) -> None:
    assert begin(ask, place) == 3
    place.mend()
    assert ask("resume", "--journal", place.journal, "--quiet").code == 3
    assert ask("retry", "--journal", place.journal, "--quiet").code == 0


def test_what_is_accepted_must_be_named(ask: Ask, place: Place) -> None:
    begin(ask, place)
    journal = ["--journal", str(place.journal)]
    assert ask("approve", *journal).code == 2
    assert ask("approve", "--all", "--item", "2001", *journal).code == 2
    assert ask("approve", "--item", "9999", *journal).code == 2
    assert ask("approve", "--account", "nobody@example.test", *journal).code == 2
    assert ask("approve", "--all", "--journal", "none.db").code == 6
