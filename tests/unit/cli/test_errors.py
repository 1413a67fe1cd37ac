"""Every wrong input ends with its exit code, a sentence, a hint, and nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from damage import make_vendor_tree
from reinstate_journal import open_journal
from unit.cli.conftest import Ask, Restored


@pytest.fixture
def garbage(tmp_path: Path) -> Path:
    file = tmp_path / "garbage.db"
    file.write_bytes(b"\xba\xad" * 4096)
    return file


def restore(backup: Path, *options: str | Path) -> list[str | Path]:
    return ["restore", backup, "maildir:mail", *options]


def test_a_backup_that_is_not_there_is_code_4(ask: Ask, tmp_path: Path) -> None:
    got = ask(*restore(tmp_path / "nothing"))
    assert got.code == 4
    assert "there is no folder of that name" in got.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_backup_is_code_4(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert ask(*restore(tmp_path / "folder")).code == 4


def test_a_vendors_tree_is_recognised_and_refused_with_code_4(ask: Ask, tmp_path: Path) -> None:
    make_vendor_tree(tmp_path / "vendor")
    got = ask(*restore(tmp_path / "vendor"))
    assert got.code == 4
    assert "not published" in got.err
    assert "reinstate never guesses" in got.err


@pytest.mark.parametrize("where", ["maildir", "ftp:/srv", "maildir:", ""])
def test_a_destination_of_no_known_kind_is_code_2(ask: Ask, restored: Restored, where: str) -> None:
    got = ask("restore", restored.backup, where)
    assert got.code == 2
    assert "maildir:DIR" in got.err


def test_a_destination_that_cannot_be_made_is_code_5(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    got = ask("restore", restored.backup, f"maildir:{tmp_path / 'file' / 'mail'}")
    assert got.code == 5
    assert str(tmp_path / "file") in got.err


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["report"],
        ["resume"],
        ["abort"],
        ["journal", "show"],
        ["journal", "check"],
        ["journal", "export"],
        ["journal", "rebuild"],
        ["journal", "backup", "copy.db"],
    ],
    ids=" ".join,
)
def test_a_journal_that_is_not_there_is_code_6_and_is_not_made(
    ask: Ask, tmp_path: Path, command: list[str]
) -> None:
    got = ask(*command)
    assert got.code == 6
    assert "There is no journal" in got.err
    assert "--journal FILE" in got.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [["status"], ["report"], ["resume"], ["abort"], ["journal", "check"], ["journal", "rebuild"]],
    ids=" ".join,
)
def test_garbage_for_a_journal_is_code_6(ask: Ask, garbage: Path, command: list[str]) -> None:
    before = garbage.read_bytes()
    got = ask(*command, "--journal", garbage)
    assert got.code == 6
    assert "not a database" in got.err
    assert garbage.read_bytes() == before


def test_a_restore_does_not_write_over_a_file_that_is_no_journal(
    ask: Ask, restored: Restored, garbage: Path
) -> None:
    before = garbage.read_bytes()
    assert ask(*restore(restored.backup, "--journal", garbage)).code == 6
    assert garbage.read_bytes() == before


def test_a_journal_of_a_newer_version_is_code_6(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    copy = tmp_path / "newer.db"
    shutil.copy(restored.journal, copy)
    with sqlite3.connect(copy) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    got = ask("status", "--journal", copy)
    assert got.code == 6
    assert "newer reinstate" in got.err


@pytest.mark.parametrize("command", ["restore", "resume", "abort"])
def test_a_journal_in_use_is_code_6_and_names_who_uses_it(
    ask: Ask, restored: Restored, tmp_path: Path, command: str
) -> None:
    copy = tmp_path / "busy.db"
    shutil.copy(restored.journal, copy)
    more = [restored.backup, f"maildir:{restored.tree}"] if command == "restore" else []
    with open_journal(copy):
        got = ask(command, *more, "--journal", copy, "--json")
    told = json.loads(got.err.splitlines()[-1])
    assert got.code == 6
    assert told["error"] == "JournalInUse"
    assert told["retryable"] is True
    assert f"process {os.getpid()}" in told["message"]
    assert f"reinstate status --journal {copy}" in told["hint"]


def test_a_journal_without_a_restore_says_so(ask: Ask, tmp_path: Path) -> None:
    open_journal(tmp_path / "reinstate.db").close()
    assert "no restore" in ask("report").err
    assert ask("report").code == 2
    assert ask("status").code == 0


def test_a_restore_that_the_journal_does_not_have_is_code_2(ask: Ask, restored: Restored) -> None:
    got = ask("report", "0123456789ab", "--journal", restored.journal)
    assert got.code == 2
    assert "has no restore 0123456789ab" in got.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--accounts", "nobody@example.com,ghost@example.com"], "nobody@example.com, ghost@"),
        (["--domains", "example.invalid"], "no domain example.invalid"),
        (["--at", "yesterday"], "no ISO 8601 time"),
        (["--max-file-size", "12Q"], "no size"),
        (["--max-file-size", "-1"], "no size"),
        (["--owner", "nobody-of-that-name"], "no user or group"),
        (["--owner", "²"], "no user or group"),
        (["--owner", "99999999999999999999"], "no user or group"),
        (["--accounts", "\udcff@example.com"], "no text in UTF-8"),
        (["--concurrent-accounts", "0"], "--concurrent-accounts"),
        (["--input-file", "not-there"], "does not exist"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_a_wrong_option_is_code_2_and_says_which(
    ask: Ask, restored: Restored, tmp_path: Path, options: list[str], says: str
) -> None:
    got = ask(*restore(restored.backup, *options))
    assert got.code == 2
    assert says in got.err
    assert not (tmp_path / "mail").exists() or not list((tmp_path / "mail").glob("*/*/*"))


@pytest.mark.parametrize("option", ["--accounts", "--domains", "--notifications"])
@pytest.mark.parametrize("value", ["", " ", ","])
def test_an_empty_choice_never_means_everything(
    ask: Ask, restored: Restored, tmp_path: Path, option: str, value: str
) -> None:
    got = ask(*restore(restored.backup, option, value))
    assert got.code == 2
    assert f"{option} names nothing" in got.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"# nobody yet\n\n", "names no account"),
        (b"", "names no account"),
    ],
)
def test_an_input_file_that_names_nobody_is_code_2(
    ask: Ask, restored: Restored, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "names").write_bytes(content)
    got = ask(*restore(restored.backup, "--input-file", "names"))
    assert got.code == 2
    assert says in got.err


@pytest.mark.parametrize(
    "command",
    [
        ["restore", "nothing", "maildir:x", "--json"],
        ["report", "--json"],
        ["restore", "--json", "--no-such-option"],
        ["backup", "info", "nothing", "--json"],
    ],
    ids=" ".join,
)
def test_with_json_an_error_is_one_json_object_on_stderr(ask: Ask, command: list[str]) -> None:
    got = ask(*command)
    told = json.loads(got.err)
    assert told["exit_code"] == got.code
    assert told["message"]
    assert told["hint"]
    assert set(told) == {"error", "message", "hint", "exit_code", "retryable"}
    assert got.out == ""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["journal", "show", "--type", "Nonsense"], "no event 'Nonsense'"),
        (["journal", "show", "--account", "ghost@example.com"], "knows no account"),
        (["journal", "show", "--limit", "1", "--last", "1"], "exclude each other"),
        (["journal", "backup", "nowhere/copy.db"], "is no directory"),
        (["journal", "export", "--file", "nowhere/events"], "No such file"),
    ],
)
def test_wrong_use_of_the_journal_is_code_2(
    ask: Ask, restored: Restored, command: list[str], says: str
) -> None:
    got = ask(*command, "--journal", restored.journal)
    assert got.code == 2
    assert says in got.err


@pytest.mark.parametrize("verb", [["journal", "backup"], ["journal", "export", "--file"]])
def test_no_file_is_ever_written_over(
    ask: Ask, restored: Restored, tmp_path: Path, verb: list[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    got = ask(*verb, "mine", "--journal", restored.journal)
    assert got.code == 2
    assert "exists" in got.err
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    "command",
    [
        ["folders", "ghost@example.com"],
        ["extract", "--to", "x"],
        ["extract", "--to", "x", "--account", "anna@example.com"],
        ["extract", "--to", "nowhere/x", "--account", "anna@example.com", "--item", "1000"],
    ],
)
def test_wrong_use_of_a_backup_is_code_2(ask: Ask, restored: Restored, command: list[str]) -> None:
    verb, *rest = command
    assert ask("backup", verb, restored.backup, *rest).code == 2


def test_a_configuration_for_a_folder_that_is_no_destination_is_code_2(
    ask: Ask, tmp_path: Path
) -> None:
    got = ask("destination", "dovecot-conf", tmp_path)
    assert got.code == 2
    assert "no Maildir destination" in got.err


def test_the_hint_names_the_journal_that_was_named(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    journal = tmp_path / "my journal.db"
    with open_journal(journal):
        for given in (["--journal", journal], [f"--journal={journal}"]):
            got = ask("restore", restored.backup, f"maildir:{tmp_path}/mail", *given)
            assert got.code == 6
            assert f"reinstate status --journal '{journal}'" in got.err


def test_the_home_of_nobody_is_code_2(ask: Ask) -> None:
    got = ask("plan", "~nobody-of-that-name/backup", "maildir:mail")
    assert got.code == 2
    assert "home of nobody" in got.err
