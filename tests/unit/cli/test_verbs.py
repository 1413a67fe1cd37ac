"""What each verb promises, asked in this process."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from commands import whole_command
from damage import lose_blob, snapshot
from reinstate_cli import verbs
from reinstate_journal.check import check
from unit.cli.conftest import Ask, Restored

#: An account whose shares lead nowhere.
ONE = ["--accounts", "chiara@example.com"]
VERBS = [[]] + [
    [name, *verb]
    for name, command in whole_command().commands.items()
    for verb in ([], *([below] for below in getattr(command, "commands", {})))
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb) or "reinstate")
def test_every_help_has_exit_codes_and_every_command_examples(ask: Ask, verb: list[str]) -> None:
    got = ask(*verb, "--help")
    assert got.code == 0
    assert "130  interrupted; reinstate resume goes on" in got.out
    if "COMMAND [ARGS]" not in got.out:
        assert f"Examples:\n    reinstate {' '.join(verb)}" in got.out


def test_the_help_says_of_every_verb_what_its_own_help_begins_with() -> None:
    found = whole_command().commands
    assert {name: found[name].get_short_help_str(200) for name in found} == verbs.VERBS


def test_version_is_printed(ask: Ask) -> None:
    got = ask("--version")
    assert got.code == 0
    assert got.out.startswith("reinstate 0.")


def test_completion_is_offered(ask: Ask) -> None:
    assert "--install-completion" in ask("--help").out


def test_demo_leaves_backup_tree_journal_and_report_behind(ask: Ask, tmp_path: Path) -> None:
    got = ask("demo")
    assert got.code == 0
    left = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"backup", "mail", "reinstate.db", "report.txt"} <= left
    commands = [line for line in got.out.splitlines() if line.startswith("  reinstate ")]
    assert len(commands) == 2
    for line in commands:
        assert ask(*line.split()[1:]).code in {0, 3}


def test_plan_touches_nothing(ask: Ask, restored: Restored, tmp_path: Path) -> None:
    before = snapshot(restored.backup)
    got = ask("plan", restored.backup, "maildir:mail")
    assert got.code == 0
    assert "create   domain example.com" in got.out
    assert "skip     account galsync@example.com: system account" in got.out
    assert "REFUSED    mountpoint Gone" in got.out
    assert snapshot(restored.backup) == before
    assert list(tmp_path.iterdir()) == []


def test_plan_says_what_to_do_before_and_restore_what_to_do_after(
    ask: Ask, restored: Restored
) -> None:
    planned = ask("plan", restored.backup, "maildir:mail", *ONE).out
    before = planned.partition("\nBefore you begin\n")[2]
    assert "  ok       space: 0.0 GiB to restore, " in before
    assert "  - Pause what scans or copies the mail tree" in before
    command = ("restore", restored.backup, "maildir:mail", *ONE)
    assert "After a restore:\n  - Let virus scanners" in ask(*command).err
    assert "After a restore:" not in ask(*command).err


def test_plan_says_what_is_there_already(ask: Ask, restored: Restored) -> None:
    before = snapshot(restored.tree)
    got = ask("plan", restored.backup, f"maildir:{restored.tree}")
    assert "use      domain example.com" in got.out
    assert "use      class of service staff" in got.out
    assert "use      distribution list team@example.com" in got.out
    assert "use      anna@example.com" in got.out
    assert "create" not in got.out
    assert snapshot(restored.tree) == before


def test_plan_lists_every_folder_if_asked(ask: Ask, restored: Restored) -> None:
    only = ["--accounts", "anna@example.com"]
    short = ask("plan", restored.backup, "maildir:x", *only).out
    long = ask("plan", restored.backup, "maildir:x", *only, "--folders").out
    assert "created    Work/Projects/2026" in long
    assert "Work/Projects/2026" not in short


def test_plan_as_json_is_one_object_a_line(ask: Ask, restored: Restored) -> None:
    lines = ask("plan", restored.backup, "maildir:x", "--json").out.splitlines()
    preview, *accounts = map(json.loads, lines)
    assert preview["accounts"] == len(accounts) == 13
    assert all(account["action"] == "create" for account in accounts)


def test_plan_and_restore_agree_on_folders_and_skipped_items(ask: Ask, restored: Restored) -> None:
    lines = ask("plan", restored.backup, "maildir:x", "--json").out.splitlines()
    planned = {one["address"]: one["skipped"] for one in map(json.loads, lines[1:])}
    report = json.loads(ask("report", "--json", "--journal", restored.journal).out)
    done = {
        one["address"]: one["counts"].get("skipped", {})
        for one in report["accounts"]
        if one["state"] == "completed"
    }
    assert planned == done


def test_restore_prints_the_report_and_ends_with_3_if_something_failed(
    ask: Ask, restored: Restored
) -> None:
    got = ask("restore", restored.backup, "maildir:mail", *ONE)
    assert got.code == 3
    assert "MountpointRefused" in got.out
    assert "phase 2: items, 1 account\n" in got.err


def test_restore_of_chosen_accounts_ends_with_0_and_twice_does_nothing(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    command = ["restore", restored.backup, "maildir:mail", "--accounts", "anna@example.com"]
    assert ask(*command).code == 0
    assert check(tmp_path / "reinstate.db") == []
    before = snapshot(tmp_path / "mail")
    again = ask(*command)
    assert again.code == 0
    assert "Nothing to do" in again.out
    assert snapshot(tmp_path / "mail") == before


def test_the_accounts_of_an_input_file_are_restored(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    (tmp_path / "names").write_text("﻿# first\nbruno@example.com\n\nanna@example.com\n")
    got = ask("restore", restored.backup, "maildir:mail", "--input-file", "names", "--json")
    report = json.loads(got.out)
    assert [one["address"] for one in report["accounts"]] == [
        "anna@example.com",
        "bruno@example.com",
    ]


def test_quiet_prints_nothing_but_the_exit_code_tells(ask: Ask, restored: Restored) -> None:
    got = ask("restore", restored.backup, "maildir:mail", "--quiet", *ONE)
    assert got == (3, "", "")


def test_restore_and_resume_with_json_answer_the_report(ask: Ask, restored: Restored) -> None:
    got = ask("restore", restored.backup, "maildir:mail", "--json", *ONE)
    assert got.err == ""
    report = json.loads(got.out)
    again = json.loads(ask("resume", "--json").out)
    assert again["totals"] == report["totals"]
    assert again["totals"]["restored"] == 20


def test_status_tells_where_a_restore_stands(ask: Ask, restored: Restored) -> None:
    got = ask("status", "--journal", restored.journal)
    assert got.code == 0
    assert "nobody writes to it now" in got.out
    assert "incomplete" in got.out
    assert f"reinstate report --journal {restored.journal}" in got.out


def test_status_and_report_count_alike(ask: Ask, restored: Restored) -> None:
    status = json.loads(ask("status", "--json", "--journal", restored.journal).out)
    report = json.loads(ask("report", "--json", "--journal", restored.journal).out)
    items = status["restores"][0]["items"]
    assert items["done"] == report["totals"]["restored"]
    assert items["skipped"] == sum(report["totals"]["skipped"].values())


def test_report_ends_with_3_and_lists_what_failed(ask: Ask, restored: Restored) -> None:
    got = ask("report", "--journal", restored.journal)
    assert got.code == 3
    assert "mountpoint 320, Gone" in got.out
    assert got.out.rstrip().endswith("Not everything is restored: 2 steps failed.")


def test_report_lists_as_many_failures_as_it_is_asked_for(ask: Ask, restored: Restored) -> None:
    one = ask("report", "--failures", "1", "--journal", restored.journal).out
    every = ask("report", "--failures", "0", "--journal", restored.journal).out
    assert "and 1 more" in one
    assert one.count("MountpointRefused") == 1
    assert every.count("MountpointRefused") == 2


def test_abort_ends_what_will_not_go_on_and_says_how_many_quotas_came_back(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    shutil.copy(restored.journal, tmp_path / "reinstate.db")
    got = ask("abort")
    assert got.code == 0
    assert "0 quotas put back" in got.out
    assert json.loads(ask("abort", "--json").out) == {"quotas_put_back": []}


def test_doctor_finds_a_sound_journal_and_a_place_to_write(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    got = ask("doctor", f"maildir:{tmp_path}", "--journal", restored.journal)
    assert got.code == 0
    assert "chain, numbering and projections are right" in got.out
    assert "case-sensitive" in got.out


@pytest.mark.parametrize("kind", ["garbage journal", "file for a destination"])
def test_doctor_ends_with_1_on_a_problem(ask: Ask, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("x" * 999)
    asked = ["--journal", "file"] if kind == "garbage journal" else ["file"]
    got = ask("doctor", *asked, "--json")
    assert got.code == 1
    assert [one for one in json.loads(got.out) if one["state"] == "problem"]


def test_backup_info_counts(ask: Ask, restored: Restored) -> None:
    told = json.loads(ask("backup", "info", restored.backup, "--json").out)
    assert told["accounts"] == 14
    assert told["accounts_deleted"] == 1
    assert "last scan" in ask("backup", "info", restored.backup).out


def test_backup_accounts_and_folders_list(ask: Ask, restored: Restored) -> None:
    accounts = ask("backup", "accounts", restored.backup)
    assert "galsync@example.com     21  system" in accounts.out
    folders = ask("backup", "folders", restored.backup, "bruno@example.com")
    assert "mountpoint of" in folders.out
    assert "Büro/Rechnungen" in folders.out


def test_backup_extract_writes_the_content_once(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    command = ["backup", "extract", restored.backup, "--account", "anna@example.com"]
    command += ["--item", "1000", "--to", "a.eml"]
    assert ask(*command).code == 0
    assert b"Subject:" in (tmp_path / "a.eml").read_bytes()
    assert ask(*command).code == 2


def test_backup_check_ends_with_3_and_names_what_is_lost(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    shutil.copytree(restored.backup, tmp_path / "backup")
    item = restored.sample.accounts[1].folders[0].items[0]
    lose_blob(tmp_path / "backup", item.digest)
    got = ask("backup", "check", tmp_path / "backup")
    assert got.code == 3
    assert "BlobMissing" in got.out


def test_backup_build_makes_a_backup_that_restores(ask: Ask, tmp_path: Path) -> None:
    new = tmp_path / "tree" / "example.com" / "ann" / "Maildir" / "new"
    for folder in (new, new.parent / "cur", new.parent / "tmp"):
        folder.mkdir(parents=True)
    (new / "1.a.host").write_bytes(b"Subject: hello\r\n\r\nhi\r\n")
    got = ask("backup", "build", "backup", "--from-maildir", "tree")
    assert got.code == 0
    assert "1 items added" in got.out
    assert ask("restore", "backup", "maildir:mail").code == 0


def test_journal_show_prints_the_first_the_last_and_one_accounts_events(
    ask: Ask, restored: Restored
) -> None:
    journal = ["--journal", restored.journal]
    first = ask("journal", "show", "--limit", "2", *journal).out.splitlines()
    assert "RestoreCreated" in first[0]
    assert "RunStarted" in first[1]
    last = ask("journal", "show", "--last", "1", *journal).out.splitlines()
    assert "RunEnded" in last[-1]
    assert len(last) == 1
    own = ask("journal", "show", "--account", "Anna@example.com", *journal).out.splitlines()
    assert all("  anna@example.com  " in line for line in own)
    tail = ask("journal", "show", "--account", "anna@example.com", "--last", "3", *journal)
    assert tail.out.splitlines() == own[-3:]


def test_journal_show_of_one_type_as_json(ask: Ask, restored: Restored) -> None:
    got = ask("journal", "show", "--type", "ItemRestored", "--json", "--journal", restored.journal)
    rows = [json.loads(line) for line in got.out.splitlines()]
    assert len(rows) == 260
    assert {row["type"] for row in rows} == {"ItemRestored"}


def test_journal_check_backup_rebuild_and_export_agree(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    assert ask("journal", "backup", "copy.db", "--journal", restored.journal).code == 0
    head = json.loads(ask("journal", "check", "--json", "--journal", "copy.db").out)
    assert head["findings"] == []
    assert ask("journal", "rebuild", "--journal", "copy.db").code == 0
    assert ask("journal", "check", "--journal", "copy.db").code == 0
    exported = ask("journal", "export", "--journal", "copy.db").out.splitlines()
    assert len(exported) == head["position"]
    assert json.loads(exported[-1])["chain"] == head["chain"]
    assert ask("journal", "export", "--file", "e.jsonl", "--journal", "copy.db").out == ""
    assert (tmp_path / "e.jsonl").read_text().splitlines() == exported


def test_a_journal_that_another_version_has_written_is_gone_on_with(
    ask: Ask, restored: Restored
) -> None:
    chosen = ["--accounts", "anna@example.com", "--journal", "r.db", "--quiet"]
    assert ask("restore", restored.backup, "maildir:mail", *chosen).code == 0
    for verb in ("status", "report", "resume", "verify", "journal check"):
        with closing(sqlite3.connect("r.db")) as raw, raw:
            raw.execute("UPDATE projections SET version = 0")
            raw.execute("DROP TABLE intents")
        assert ask(*verb.split(), "--journal", "r.db").code == 0, verb


def test_journal_check_ends_with_6_if_a_byte_was_changed(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    assert ask("journal", "backup", copy, "--journal", restored.journal).code == 0
    data = copy.read_bytes()
    assert data.count(b"anna@example.com") > 1
    copy.write_bytes(data.replace(b"anna@example.com", b"anne@example.com", 1))
    assert ask("journal", "check", "--journal", copy).code == 6


@pytest.mark.parametrize(
    ("verb", "says"),
    [("dovecot-conf", "protocols = imap lmtp sieve"), ("radicale-conf", "type = dovecot")],
)
def test_a_servers_configuration_is_printed_or_written_as_new_files(
    ask: Ask, restored: Restored, tmp_path: Path, verb: str, says: str
) -> None:
    if os.geteuid() == 0:
        tree = tmp_path / "mail"
        shutil.copytree(restored.tree, tree, symlinks=True)
        for path in (tree, *tree.rglob("*")):
            os.chown(path, 1000, 1000, follow_symlinks=False)
    else:
        tree = restored.tree
    printed = ask("destination", verb, f"maildir:{tree}")
    assert printed.code == 0
    assert says in printed.out
    assert ask("destination", verb, tree, "--into", "etc").code == 0
    again = ask("destination", verb, tree, "--into", "etc")
    assert again.code == 2
    assert "exists" in again.err
