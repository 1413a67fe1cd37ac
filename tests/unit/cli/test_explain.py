"""`reinstate explain`: the transcripts in docs/audit.md are what really happens."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

import telling
from unit.cli.conftest import Ask, Restored

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"
_SHOWN = re.findall(
    r"^```console\n\$ (reinstate explain [^\n]*)\n(.*?)^```$",
    PAGE.read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    telling.write_scene(folder)
    return folder


def plain(text: str) -> str:
    """The text in one line, without what differs from run to run: times, ids and positions."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", " ".join(text.split()))
    return re.sub(r"\bR[0-9a-f]{20}\b", "NAME", re.sub(r"event \d+", "event N", text))


@pytest.mark.parametrize(("command", "shown"), _SHOWN, ids=[one.split()[-1] for one, _ in _SHOWN])
def test_the_transcripts_in_the_documents_are_what_is_said(
    ask: Ask, scene: Path, command: str, shown: str
) -> None:
    os.chdir(scene)
    got = ask(*shlex.split(command)[1:])
    assert got.code == 0
    assert plain(got.out) == plain(shown)


def test_a_moved_a_failed_and_a_skipped_item_and_a_filter_are_documented() -> None:
    assert [one.split()[-1] for one, _ in _SHOWN][:4] == ["1001", "incoming", "1002", "1003"]


def test_each_sentence_names_an_event_that_the_journal_has(ask: Ask, scene: Path) -> None:
    os.chdir(scene)
    (told,) = json.loads(ask("explain", "alice@example.test", "1001", "--json").out)
    positions = [one["position"] for one in told["sentences"] if one["position"]]
    rows = [json.loads(line) for line in ask("journal", "show", "--json").out.splitlines()]
    kinds = [rows[position - 1]["type"] for position in positions]
    assert kinds == ["FolderMapped", "ItemRestored", "VerificationFinding"]


def test_a_message_is_found_by_its_id_and_its_subject_shown_only_if_asked(
    ask: Ask, scene: Path
) -> None:
    os.chdir(scene)
    asked = ["explain", "alice@example.test", telling.MESSAGE_ID]
    assert "Item 1003 of alice@example.test" in ask(*asked).out
    assert "Subject" not in ask(*asked).out
    assert "  Subject: deleted\n" in ask(*asked, "--with-subjects").out


def test_a_file_name_folder_and_mountpoint_can_be_asked_for(ask: Ask, scene: Path) -> None:
    os.chdir(scene)
    out = ask("explain", "alice@example.test", "1001").out
    match = re.search(r"R[0-9a-f]{20}", out)
    assert match is not None
    assert ask("explain", "alice@example.test", match[0]).out == out
    folder = ask("explain", "alice@example.test", "Work").out
    assert "Of its items: 1 restored, 1 left out, 1 could not be restored." in folder
    assert ask("explain", "alice@example.test", "258").out == folder
    mountpoint = ask("explain", "alice@example.test", "Team").out
    assert "A filter had put 1 message into Team" in mountpoint


def test_without_the_backup_the_journal_is_told_alone(
    ask: Ask, scene: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(scene, copy, ignore=shutil.ignore_patterns("mail"))
    away = scene.with_name("away")
    scene.rename(away)
    try:
        got = ask("explain", "alice@example.test", "1001", "--journal", copy / "reinstate.db")
    finally:
        away.rename(scene)
    assert "The backup cannot be asked about it any more." in got.out
    assert "Run 1 put it into Work" in got.out


def test_what_nobody_has_heard_of_is_wrong_usage(ask: Ask, restored: Restored) -> None:
    journal = ["--journal", str(restored.journal)]
    for name in ("nope", "99999", "R00000000000000000000", "<none@example.com>"):
        assert ask("explain", "anna@example.com", name, *journal).code == 2
    assert ask("explain", "nobody@example.com", "1", *journal).code == 2
