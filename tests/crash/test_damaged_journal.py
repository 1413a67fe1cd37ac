"""A journal that was damaged, replaced or fought for costs no mail, after what docs/recovery.md
says to do."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import cycle
from pathlib import Path

import pytest

from crash.killing import restore_and_kill
from crash.matrix import Row, ran
from crash.reference import Reference, command, sample_reference
from reinstate_journal import open_journal, open_reader
from reinstate_journal.errors import Interrupted, JournalDamaged
from reinstate_journal.events import ItemRestored
from reinstate_service.operations.session import opened, start_restore
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import run_restore
from reinstate_service.source.open import open_source
from running import COMMAND, run
from unit.cli.waiting import wait_for_the_first_item

LONG = "REINSTATE_LONG" in os.environ
FLIPS = 400 if LONG else 3
LENGTHS = range(0, 100, 5) if LONG else (0, 60)
_GROUP, _TEST = "5 the journal is damaged", "tests/crash/test_damaged_journal.py"
_RECONCILED = "after the last copy is put back, `resume` ends as if nothing had been"
FLIPPED = Row(
    _GROUP,
    "one bit of the journal of an interrupted restore is another, at any place",
    "exit 6, or `journal check` finds it, or it lies where nothing is read",
    _RECONCILED,
    _TEST,
)
CUT = Row(_GROUP, "the journal is cut off at any length", "exit 6 or 2", _RECONCILED, _TEST)
NO_WAL = Row(
    _GROUP,
    "the journal's `-wal` is deleted after SIGKILL",
    "a journal that is behind the destination, or knows no restore",
    "`resume`, or else `restore`, ends as if nothing had been",
    _TEST,
)
OLDER = Row(
    _GROUP,
    "a copy from the middle of the restore is put back after its end",
    "a destination that knows a later run than the journal does, which is said",
    "everything is found by name; nothing is doubled",
    _TEST,
)
OLDER_QUOTA = Row(
    _GROUP,
    "a run has lifted quotas when its journal fails, and a copy from before it is put back",
    "accounts without their quota, of which the copy does not say that it is due",
    "every quota is back; everything else as if nothing had been",
    _TEST,
)
TWO = Row(
    _GROUP,
    "a second process restores or resumes with the same journal",
    "exit 6, and who has it",
    "the first one ends as if nothing had been",
    _TEST,
)
NEWER = Row(
    _GROUP,
    "the journal is from a newer version",
    "exit 6; not a byte of it is changed",
    "the version that wrote it ends the restore as if nothing had been",
    _TEST,
)
CLOCK = Row(
    _GROUP,
    "the clock jumps back by a day, again and again",
    "events whose times stand still and never go back",
    "the restore ends as if nothing had been",
    _TEST,
)


class StopsAfter(Observer):
    """An administrator who interrupts when so many items are settled."""

    def __init__(self, items: int) -> None:
        self.stop = threading.Event()
        self._left = items

    def items(self, *, restored: int, skipped: int, failed: int, already: int, size: int) -> None:  # noqa: ARG002 - only the number counts
        self._left -= restored + skipped + failed + already
        if self._left <= 0:
            self.stop.set()


class StopsBeforeItems(Observer):
    """An administrator who interrupts when all accounts are made and no item is restored."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002 - only the phase counts
        if phase == 2:
            self.stop.set()


class FindsDamage(Observer):
    """The disk on which the journal lies fails when all quotas are lifted."""

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002 - only the phase counts
        if phase == 3:
            raise JournalDamaged(path="reinstate.db", detail="a bit has flipped")


def interrupt(
    reference: Reference, folder: Path, observer: StopsAfter | StopsBeforeItems | None = None
) -> Path:
    """Restores half into `folder`, or until the observer stops it; answers the journal, beside
    which lies `copy.db`."""
    journal, observer = folder / "reinstate.db", observer or StopsAfter(20)
    with pytest.raises(Interrupted):
        start_restore(journal, reference.begin(folder), observer, observer.stop)
    with open_reader(journal) as reader:
        reader.backup(folder / "copy.db")
    return journal


@pytest.fixture(scope="module")
def reference(memory_folder: Path) -> Reference:
    (memory_folder / "reference").mkdir()
    return sample_reference(memory_folder / "reference")


def put_back(journal: Path) -> None:
    """What docs/recovery.md says to do with a damaged journal."""
    for name in ("", "-wal", "-shm"):
        journal.with_name(journal.name + name).unlink(missing_ok=True)
    shutil.copy(journal.with_name("copy.db"), journal)


def must_be_mended(
    reference: Reference, folder: Path, damage: Callable[[bytearray], None], codes: set[int]
) -> None:
    """Damages, resumes, does what is documented, and compares."""
    journal = interrupt(reference, folder)
    data = bytearray(journal.read_bytes())
    damage(data)
    journal.write_bytes(data)
    code, told = command("resume", "--journal", journal, "--quiet")
    assert code in codes, told
    behind = code != 3 or command("journal", "check", "--journal", journal)[0] != 0
    if behind:
        put_back(journal)
        run("resume", "--journal", journal, "--quiet", expect=3)
    reference.must_equal(folder, behind=behind)


def must_be_compared(reference: Reference, journal: Path, damage: str, tells: str) -> None:
    """Damages what is derived from events, which are whole: only a comparison with them finds it,
    before anything is done by it, and `tells` so."""
    with closing(sqlite3.connect(journal)) as raw, raw:
        raw.execute(damage)
    code, told = command("resume", "--journal", journal, "--quiet")
    assert (code, tells in told) == (6, True), told
    put_back(journal)
    run("resume", "--journal", journal, "--quiet", expect=3)
    reference.must_equal(journal.parent, behind=True)
    ran(FLIPPED)


@pytest.mark.parametrize("seed", range(FLIPS))
def test_a_flipped_bit_is_found_or_harmless(
    reference: Reference, workplace: Path, seed: int
) -> None:
    chosen = random.Random(seed)

    def flip(data: bytearray) -> None:
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)

    must_be_mended(reference, workplace, flip, {3, 6})
    ran(FLIPPED)


def test_a_path_that_has_become_another_puts_no_mail_there(
    reference: Reference, workplace: Path
) -> None:
    journal = interrupt(reference, workplace)
    damage = "UPDATE folders SET path = replace(path, 'a', 'b')"
    must_be_compared(reference, journal, damage, "are not what the events say")


@pytest.mark.parametrize("percent", LENGTHS)
def test_a_journal_that_is_cut_off_is_refused(
    reference: Reference, workplace: Path, percent: int
) -> None:
    def cut(data: bytearray) -> None:
        del data[len(data) * percent // 100 :]

    must_be_mended(reference, workplace, cut, {2, 6})
    ran(CUT)


@pytest.mark.parametrize("part", range(1, 20 if LONG else 3))
def test_a_journal_without_its_wal_is_behind_and_reconciled(
    reference: Reference, workplace: Path, part: int
) -> None:
    folder = Path(tempfile.mkdtemp(dir=workplace))
    options, journal = reference.begin(folder), folder / "reinstate.db"
    restore_and_kill(journal, options, 0.1 * part)
    journal.with_name("reinstate.db-wal").unlink(missing_ok=True)
    code, told = command("resume", "--journal", journal, "--quiet")
    assert code in {2, 3, 6}, told
    if code != 3:
        where = [options.source, options.destination, "--journal", journal]
        run("restore", *where, "--quiet", expect=3)
    reference.must_equal(folder, behind=True)
    ran(NO_WAL)


def test_an_older_copy_is_noticed_and_reconciled(reference: Reference, workplace: Path) -> None:
    journal = interrupt(reference, workplace)
    run("resume", "--journal", journal, "--quiet", expect=3)
    put_back(journal)
    code, told = command("resume", "--journal", journal)
    assert code == 3
    assert "The destination has seen a later run" in told
    reference.must_equal(workplace, behind=True)
    ran(OLDER)


def lift_quotas(reference: Reference, folder: Path) -> Path:
    """A run that ends with its journal, all quotas lifted, of which `copy.db` does not know."""
    journal = interrupt(reference, folder, StopsBeforeItems())
    options = Options(source=reference.backup, destination=f"maildir:{folder / 'mail'}")
    with pytest.raises(JournalDamaged):
        start_restore(journal, options, FindsDamage(), threading.Event())
    return journal


def test_a_quota_that_a_lost_run_has_lifted_comes_back(
    reference: Reference, workplace: Path
) -> None:
    put_back(lift_quotas(reference, workplace))
    run("resume", "--journal", workplace / "reinstate.db", "--quiet", expect=3)
    reference.must_equal(workplace, behind=True)
    ran(OLDER_QUOTA)


def test_another_quota_than_the_events_say_is_not_put_back(
    reference: Reference, workplace: Path
) -> None:
    journal = lift_quotas(reference, workplace)
    damage = "UPDATE accounts SET quota_due = quota_due + 1"
    must_be_compared(reference, journal, damage, "is not what the events say")


def test_a_second_process_is_refused_and_harms_nothing(
    reference: Reference, workplace: Path
) -> None:
    options, journal = reference.begin(workplace), workplace / "reinstate.db"
    where = [options.source, options.destination, "--journal", str(journal), "--quiet"]
    running = subprocess.Popen([*COMMAND, "restore", *where, "--concurrent-accounts", "1"])
    wait_for_the_first_item(journal, running)
    running.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, running.pid, os.WSTOPPED)
    for again in (["restore", *where], ["resume", "--journal", str(journal)]):
        code, told = command(*again)
        assert code == 6
        assert f"in use by process {running.pid}" in told
        ran(TWO)
    running.send_signal(signal.SIGCONT)
    assert running.wait(timeout=120) == 3
    reference.must_equal(workplace)


def test_a_journal_of_a_newer_version_is_left_alone(reference: Reference, workplace: Path) -> None:
    journal = interrupt(reference, workplace)
    current = _set_version(journal, 99)
    before = journal.read_bytes()
    assert command("resume", "--journal", journal)[0] == 6
    assert journal.read_bytes() == before
    _set_version(journal, current)
    run("resume", "--journal", journal, "--quiet", expect=3)
    reference.must_equal(workplace)
    ran(NEWER)


def _set_version(journal: Path, version: int) -> int:
    """Answers the version that it was."""
    raw = sqlite3.connect(journal, isolation_level=None)
    (before,) = raw.execute("PRAGMA user_version").fetchone()
    raw.execute(f"PRAGMA user_version = {version}")
    raw.close()
    assert isinstance(before, int)
    return before


def test_a_clock_that_jumps_back_changes_nothing(reference: Reference, workplace: Path) -> None:
    options, journal = reference.begin(workplace), workplace / "reinstate.db"
    day = 86_400_000
    times = cycle(range(30 * day, 0, -day))
    source = open_source(options.source, options.at)
    with (
        open_journal(journal, clock=lambda: next(times)) as writer,
        opened(options) as destination,
    ):
        run_restore(
            source,
            destination,
            writer,
            options,
            version="1",
            observer=Observer(),
            stop=threading.Event(),
        )
    with open_reader(journal) as reader:
        recorded = [row.recorded_at for row in reader.read()]
        assert any(reader.read(types=[ItemRestored], limit=1))
    assert recorded == sorted(recorded)
    reference.must_equal(workplace)
    ran(CLOCK)
