"""What only a process shows: signals, pipes, terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account
from reinstate_service.operations.sample import CHANGES, write_many
from reinstate_service.operations.sample_people import account_id
from reinstate_service.source.backup_path import BackupWriter
from running import COMMAND, run
from unit.cli.conftest import Restored
from unit.cli.waiting import wait_for_the_first_item

ACCOUNTS, ITEMS, QUOTA = 4, 16_000, 2 << 30
ADDRESSES = [f"user{number:05}@example.com" for number in range(ACCOUNTS)]


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup whose restore takes long enough to be stopped; its accounts have quotas."""
    backup = tmp_path_factory.mktemp("big") / "backup"
    write_many(backup, ACCOUNTS, ITEMS, folders=1)
    with BackupWriter(backup, clock=lambda: CHANGES, durable=False) as writer:
        for address in ADDRESSES:
            writer.put_account(Account(account_id(address), address, quota=QUOTA))
        writer.finish_scan(CHANGES)
    return backup


def begin(backup: Path, folder: Path, *before: str) -> subprocess.Popen[bytes]:
    """A restore that has restored its first items."""
    journal = folder / "r.db"
    command = [*before, *COMMAND, "restore", str(backup), f"maildir:{folder / 'mail'}"]
    running = subprocess.Popen(
        [*command, "--journal", str(journal)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for_the_first_item(journal, running)
    return running


def quotas(folder: Path) -> set[int]:
    destination = open_destination(f"maildir:{folder / 'mail'}")
    found = {destination.quota(address) for address in ADDRESSES}
    destination.close()
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_signal_finishes_the_batch_puts_quotas_back_and_leaves_a_resumable_restore(
    big: Path, tmp_path: Path, number: signal.Signals
) -> None:
    running = begin(big, tmp_path)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    journal = tmp_path / "r.db"
    assert running.returncode == 130
    assert out == b""
    assert f"{number.name}: finishing the batch in hand" in err.decode()
    assert f"reinstate resume --journal {journal}" in err.decode()
    assert check(journal) == []

    with open_reader(journal) as reader:
        (restore,) = reader.progress.restores()
        last = reader.progress.last_run(restore.restore)
        assert last is not None
        assert last.outcome == "interrupted"
        assert reader.progress.quotas_due(restore.restore) == []
        restored = sum(tally.count for tally in reader.progress.all_tallies(restore.restore))
    assert 0 < restored < ITEMS
    assert quotas(tmp_path) == {QUOTA}
    assert "interrupted" in run("status", "--journal", journal)

    report = json.loads(run("resume", "--journal", journal, "--json"))
    assert report["totals"]["restored"] == ITEMS
    assert len(report["runs"]) == 2
    files = [path for path in (tmp_path / "mail").rglob("*,S=*") if path.is_file()]
    assert len(files) == ITEMS
    assert quotas(tmp_path) == {QUOTA}


def test_a_signal_that_the_caller_ignores_stays_ignored(big: Path, tmp_path: Path) -> None:
    running = begin(big, tmp_path, "nohup")
    running.send_signal(signal.SIGHUP)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err


def test_status_answers_and_a_second_process_is_refused_while_a_restore_works(
    big: Path, tmp_path: Path
) -> None:
    running = begin(big, tmp_path)
    running.send_signal(signal.SIGSTOP)  # so that it is still at work when it is asked about
    told = json.loads(run("status", "--journal", tmp_path / "r.db", "--json"))
    refused = run("resume", "--journal", tmp_path / "r.db", expect=6)
    running.send_signal(signal.SIGTERM)
    running.send_signal(signal.SIGCONT)
    running.communicate(timeout=60)
    assert told["writer"].startswith(f"process {running.pid} on ")
    assert told["restores"][0]["state"] == "running"
    assert refused == ""


def test_following_the_status_ends_quietly_with_ctrl_c(restored: Restored) -> None:
    command = [*COMMAND, "status", "--follow", "--journal", str(restored.journal)]
    following = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert following.stdout is not None
    assert b"incomplete phase 3" in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    out, err = following.communicate(timeout=30)
    assert following.returncode in {0, 130}
    assert b"Traceback" not in out + err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["journal", "export", "--journal", "{journal}"], 0),
        (["journal", "show", "--journal", "{journal}"], 0),
        (["plan", "{backup}", "maildir:x", "--folders", "--json"], 0),
        (["report", "--failures", "0", "--journal", "{journal}"], 3),
    ],
    ids=lambda part: " ".join(part[:2]) if isinstance(part, list) else "",
)
def test_a_closed_pipe_is_no_error(
    restored: Restored, tmp_path: Path, command: list[str], code: int
) -> None:
    filled = [
        part.format(journal=restored.journal, backup=restored.backup)
        if part.startswith("{")
        else part
        for part in command
    ]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, *filled], stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode in {0, code}


def test_a_restore_whose_reader_has_gone_still_tells_by_its_code(
    restored: Restored, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, "restore", str(restored.backup), f"maildir:{tmp_path / 'mail'}"]
    done = subprocess.run(
        [*command, "--accounts", "chiara@example.com", "--journal", str(tmp_path / "new.db")],
        stdout=writer,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 3


def test_an_answer_that_cannot_be_written_is_told_and_is_code_1(restored: Restored) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "status", "--journal", str(restored.journal)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_names_that_the_terminal_cannot_show_do_not_stop_a_command(
    restored: Restored, tmp_path: Path
) -> None:
    latin = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    asked = ["plan", restored.backup, f"maildir:{tmp_path / 'x'}", "--folders"]
    assert "B?ro" in run(*asked, **latin)
    done = subprocess.run(
        [*COMMAND, *map(str, asked), "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, **latin},
        check=True,
    )
    assert "日本語" in done.stdout.decode("utf-8")


def test_a_terminal_gets_a_bar_and_then_the_report(restored: Restored, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "restore", str(restored.backup), f"maildir:{tmp_path / 'mail'}"]
    done = subprocess.Popen(
        [*command, "--accounts", "chiara@example.com", "--journal", str(tmp_path / "r.db")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the last one has closed the terminal
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out, _ = done.communicate(timeout=60)
    assert done.returncode == 3
    assert "1 account, 21 items" in shown.decode()
    assert "━" in shown.decode()
    assert "━" not in out.decode()
    assert "21 items = 20 restored" in out.decode()
