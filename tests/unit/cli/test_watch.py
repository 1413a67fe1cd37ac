"""Watching a restore that runs in another process, and the metrics of it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from damage import lose_blob
from reinstate_cli.watch import render
from reinstate_journal import open_reader
from reinstate_service.model import Item
from reinstate_service.operations.metrics import render_metrics
from reinstate_service.operations.sample import write_many
from reinstate_service.operations.sample_people import account_id
from reinstate_service.operations.status import make_status
from reinstate_service.operations.watching import Watcher
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupPathSource
from running import COMMAND, restore_here, start
from unit.cli.conftest import Ask, Restored
from unit.cli.waiting import wait_for_the_first_item

#: A sample of Prometheus' text format.
_SAMPLE = re.compile(r"reinstate_[a-z_]+(\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\})? [0-9.e+]+")


@contextmanager
def watched_in_the_middle(
    folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[bytes]]]:
    """A process that watches a restore, and the one that restores: it stands still after its
    first item until it is sent SIGCONT."""
    write_many(folder / "backup", 20, 2000)
    journal = folder / "r.db"
    restoring = start(
        "restore", folder / "backup", f"maildir:{folder / 'mail'}", "--journal", journal
    )
    wait_for_the_first_item(journal, restoring)
    restoring.send_signal(signal.SIGSTOP)
    with subprocess.Popen(
        [*COMMAND, "watch", "--journal", str(journal), *options], stdout=subprocess.PIPE, text=True
    ) as watching:
        yield watching, restoring


def test_it_follows_a_restore_of_another_process_to_its_end(tmp_path: Path) -> None:
    metrics = tmp_path / "reinstate.prom"
    with watched_in_the_middle(tmp_path, "--json", "--metrics", str(metrics)) as (watching, other):
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        other.send_signal(signal.SIGCONT)
        last = json.loads(watching.stdout.readlines()[-1])
        assert other.wait() == 0
    assert watching.returncode == 0
    assert (first["status"]["state"], first["status"]["expected"]) == ("running", 2000)
    assert (last["status"]["state"], last["settled"]) == ("finished", 2000)
    assert 'reinstate_items{restore="' in metrics.read_text()


def test_it_ends_when_the_process_that_restores_is_killed(tmp_path: Path) -> None:
    with watched_in_the_middle(tmp_path) as (watching, other):
        assert watching.stdout is not None
        assert "running, phase 2" in watching.stdout.readline()
        other.kill()
        other.wait()
        last = watching.stdout.readlines()[-1]
    assert watching.returncode == 0
    assert " cut off, phase " in last


def test_a_restore_that_has_ended_is_shown_once_and_the_journal_stays_as_it_is(
    ask: Ask, restored: Restored
) -> None:
    before = restored.journal.read_bytes()
    got = ask("watch", "--journal", restored.journal)
    assert got.code == 0
    assert len(got.out.splitlines()) == 1
    assert "incomplete" in got.out
    assert restored.journal.read_bytes() == before


def test_a_terminal_shows_figures_accounts_in_work_and_failures_as_they_come(
    tmp_path: Path,
) -> None:
    write_many(tmp_path / "backup", 2, 40)
    source = BackupPathSource(tmp_path / "backup")
    lost = next(iter(source.items(account_id("user00001@example.com"))))
    assert isinstance(lost, Item)
    lose_blob(tmp_path / "backup", lost.digest)
    journal = tmp_path / "r.db"
    first = Options(
        source=str(tmp_path / "backup"),
        destination=f"maildir:{tmp_path / 'mail'}",
        accounts=("user00000@example.com",),
    )
    restore_here(journal, first)
    seconds = iter((0.0, 10.0))
    with open_reader(journal) as reader:
        watcher = Watcher(reader, clock=lambda: next(seconds))
        assert watcher.look().troubles == ()
        restore_here(journal, Options(source=first.source, destination=first.destination))
        view = watcher.look()
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        console.print(render(view))
    shown = captured.get()
    assert "2 items/s" in shown
    assert "40/40 items" in shown
    assert "  user00001@example.com  20" in shown
    assert "user00000@example.com  20" not in shown
    assert "BlobMissing" in shown


def test_every_line_of_the_metrics_is_of_the_text_format(restored: Restored) -> None:
    with open_reader(restored.journal) as reader:
        text = render_metrics(make_status(reader))
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(_SAMPLE.fullmatch(line) for line in samples), samples
    restore = text.partition('restore="')[2][:12]
    assert f'reinstate_state{{restore="{restore}",state="incomplete"}} 1' in samples
    assert sum(line.startswith("reinstate_state") and line.endswith(" 1") for line in samples) == 1


def test_status_writes_metrics_for_others_to_read_and_leaves_no_other_file(
    ask: Ask, restored: Restored, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    file = tmp_path / "here" / "reinstate.prom"
    for _ in range(2):
        assert ask("status", "--journal", restored.journal, "--metrics", file).code == 0
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_metrics_that_cannot_be_written_are_wrong_usage(ask: Ask, restored: Restored) -> None:
    got = ask("status", "--journal", restored.journal, "--metrics", "nowhere/reinstate.prom")
    assert got.code == 2
    assert "nowhere/reinstate.prom" in got.err
