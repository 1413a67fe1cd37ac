"""A restore that the system asks to stop ends its batch; one that is put to sleep goes on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from crash.matrix import Row, ran
from crash.reference import Reference
from reinstate_journal import open_reader
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account
from reinstate_service.operations.sample import CHANGES, write_many
from reinstate_service.operations.sample_people import account_id
from reinstate_service.source.backup_path import BackupWriter
from running import COMMAND, run
from unit.cli.waiting import wait_for_the_first_item

ACCOUNTS, ITEMS, QUOTA = 2, 2400, 2 << 30
ADDRESSES = [f"user{number:05}@example.com" for number in range(ACCOUNTS)]
TIMES = 10 if "REINSTATE_LONG" in os.environ else 1
_GROUP, _TEST = "8 signals", "tests/crash/test_signals.py"
_HOLDS = "`resume` ends as if nothing had been"
_STOPPED = "exit 130; whole batches, all recorded; the run is interrupted; quotas are back"
ASKED = Row(_GROUP, "SIGTERM, SIGINT or SIGHUP in the middle of a restore", _STOPPED, _HOLDS, _TEST)
HUNG_UP = Row(_GROUP, "the terminal of a restore is closed", _STOPPED, _HOLDS, _TEST)
SUSPENDED = Row(
    _GROUP,
    "a machine that suspends: SIGSTOP in the middle, and SIGCONT after a look at it",
    "batches in any state; the journal can be read, and nobody else gets it",
    "the restore itself goes on and ends as if nothing had been",
    _TEST,
)


@pytest.fixture(scope="module")
def reference(memory_folder: Path) -> Reference:
    """Of a backup with quotas, whose restore takes long enough to be stopped."""
    folder = memory_folder / "reference"
    folder.mkdir()
    backup = folder / "backup"
    write_many(backup, ACCOUNTS, ITEMS, folders=1)
    with BackupWriter(backup, clock=lambda: CHANGES, durable=False) as writer:
        for address in ADDRESSES:
            writer.put_account(Account(account_id(address), address, quota=QUOTA))
        writer.finish_scan(CHANGES)
    return Reference(folder, str(backup), ADDRESSES)


def begin(reference: Reference, folder: Path, terminal: int | None = None) -> subprocess.Popen[str]:
    """A restore that has its first items, and sleeps; it owns the terminal, if it has one."""
    options = reference.begin(folder)
    where = [options.source, options.destination, "--journal", str(folder / "reinstate.db")]
    owning = [] if terminal is None else ["setsid", "--ctty", "--wait"]
    running = subprocess.Popen(
        [*owning, *COMMAND, "restore", *where, "--concurrent-accounts", "1"],
        stdin=terminal,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.PIPE if terminal is None else terminal,
        text=True,
    )
    wait_for_the_first_item(folder / "reinstate.db", running)
    return running


def must_be_interrupted(folder: Path) -> None:
    with open_reader(folder / "reinstate.db") as reader:
        (restore,) = reader.progress.restores()
        last = reader.progress.last_run(restore.restore)
        assert last is not None
        assert last.outcome == "interrupted"
        assert reader.progress.quotas_due(restore.restore) == []
        assert sum(tally.count for tally in reader.progress.all_tallies(restore.restore)) < ITEMS
    destination = open_destination(f"maildir:{folder / 'mail'}")
    made = [address for address in ADDRESSES if destination.has_account(address)]
    assert {destination.quota(address) for address in made} == {QUOTA}
    destination.close()


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("_time", range(TIMES))
def test_a_restore_that_is_asked_to_stop_goes_on_with_resume(
    reference: Reference, workplace: Path, number: str, _time: int
) -> None:
    running = begin(reference, workplace)
    running.send_signal(signal.Signals[number])
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert f"{number}: finishing the batch in hand" in told
    must_be_interrupted(workplace)
    run("resume", "--journal", workplace / "reinstate.db", "--quiet")
    reference.must_equal(workplace)
    ran(ASKED)


@pytest.mark.parametrize("_time", range(TIMES))
def test_a_restore_whose_terminal_is_closed_goes_on_with_resume(
    reference: Reference, workplace: Path, _time: int
) -> None:
    ours, terminal = pty.openpty()
    running = begin(reference, workplace, terminal)
    os.close(terminal)
    os.close(ours)
    assert running.wait(timeout=60) == 130
    must_be_interrupted(workplace)
    run("resume", "--journal", workplace / "reinstate.db", "--quiet")
    reference.must_equal(workplace)
    ran(HUNG_UP)


@pytest.mark.parametrize("_time", range(TIMES))
def test_a_restore_on_a_machine_that_suspends_goes_on_by_itself(
    reference: Reference, workplace: Path, _time: int
) -> None:
    running = begin(reference, workplace)
    running.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, running.pid, os.WSTOPPED)
    assert "running" in run("status", "--journal", workplace / "reinstate.db")
    run("resume", "--journal", workplace / "reinstate.db", expect=6)
    running.send_signal(signal.SIGCONT)
    _, told = running.communicate(timeout=120)
    assert running.returncode == 0, told
    reference.must_equal(workplace)
    ran(SUSPENDED)
