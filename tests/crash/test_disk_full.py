"""A restore whose disk is full ends with a clear error, and after there is room with the rest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import oracle
from crash.matrix import Row, ran
from crash.reference import Reference, command, sample_reference
from reinstate_journal import open_reader
from running import run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small tmpfs")

LONG = "REINSTATE_LONG" in os.environ
#: How much of what the restore needs there is, in hundredths.
PARTS = range(10, 95, 5) if LONG else (20, 80)
#: The same of the journal's final size: its `-wal` needs many times that, and with the
#: largest of these much is restored before it is full.
JOURNAL_PARTS = (*range(50, 1600, 50),) if LONG else (50, 100, 1500)
_GROUP, _TEST = "4 the disk fills up", "tests/crash/test_disk_full.py"
_HOLDS = "after room is made, `resume` ends as if nothing had been"
DESTINATION_FULL = Row(
    _GROUP,
    "the destination's file system, a small tmpfs, is full in the middle, then enlarged",
    "exit 5 with the reason; what is recorded is whole, and no item failed because of it",
    _HOLDS,
    _TEST,
)
NO_INODES = Row(
    _GROUP,
    "the destination's file system has no inodes left in the middle, then has more",
    "exit 5 with the reason; what is recorded is whole, and no item failed because of it",
    _HOLDS,
    _TEST,
)
JOURNAL_FULL = Row(
    _GROUP,
    "the journal's file system, a small tmpfs, is full in the middle, then enlarged",
    "exit 6 with the reason; the destination has at most what was not recorded of one batch"
    " of each account, and no item failed because of it",
    _HOLDS,
    _TEST,
)
_PAGE = 4096


@pytest.fixture(scope="module")
def reference(memory_folder: Path) -> Reference:
    (memory_folder / "reference").mkdir()
    return sample_reference(memory_folder / "reference")


@contextmanager
def small_disk(at: Path, limit: str) -> Iterator[None]:
    """A tmpfs with that limit, which is unmounted at the end whatever happens."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", limit, "none", at], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


def enlarge(disk: Path, limit: str) -> None:
    """Nobody need stop for it."""
    subprocess.run(["mount", "-o", f"remount,{limit}", disk], check=True)


def no_item_failed_of_it(reference: Reference, journal: Path) -> None:
    """What the journal holds as failed would have failed on a large disk as well."""
    with open_reader(journal) as reader:
        for restore in reader.progress.restores():
            failures = oracle.folded(reader, restore.restore)["failures"]
            assert isinstance(failures, list)
            known = reference.outcome.journal["failures"]
            assert isinstance(known, list)
            assert set(failures) <= set(known)


def restore_on_a_small_disk(
    reference: Reference, workplace: Path, limits: tuple[str, str], row: Row
) -> None:
    disk, journal = workplace / "disk", workplace / "reinstate.db"
    with small_disk(disk, limits[0]):
        options = reference.begin(disk)
        code, told = command(
            "restore", options.source, options.destination, "--journal", journal, "--quiet"
        )
        assert code == 5, told
        assert "No space left on device" in told or "database or disk is full" in told, told
        no_item_failed_of_it(reference, journal)
        enlarge(disk, limits[1])
        run("resume", "--journal", journal, expect=3)
        reference.must_equal(disk, journal)
    ran(row)


@pytest.mark.parametrize("part", PARTS)
def test_a_full_destination_ends_the_run_and_resume_goes_on_after_there_is_room(
    reference: Reference, workplace: Path, part: int
) -> None:
    tree = (path for path in (reference.whole / "mail").rglob("*") if path.is_file())
    pages = sum(-(-path.stat().st_size // _PAGE) for path in tree)
    # The empty tree must fit: it is the destination that there was before.
    limits = f"size={(30 + pages * part // 100) * _PAGE}", "size=100m"
    restore_on_a_small_disk(reference, workplace, limits, DESTINATION_FULL)


@pytest.mark.parametrize("part", PARTS)
def test_a_destination_without_inodes_ends_the_run_and_resume_goes_on(
    reference: Reference, workplace: Path, part: int
) -> None:
    inodes = sum(1 for _ in (reference.whole / "mail").rglob("*"))
    limits = f"nr_inodes={10 + inodes * part // 100}", "nr_inodes=100000"
    restore_on_a_small_disk(reference, workplace, limits, NO_INODES)


@pytest.mark.parametrize("part", JOURNAL_PARTS)
def test_a_full_journal_ends_the_run_and_resume_goes_on_after_there_is_room(
    reference: Reference, workplace: Path, part: int
) -> None:
    disk = workplace / "disk"
    journal = disk / "reinstate.db"
    size = (reference.whole / "reinstate.db").stat().st_size
    options = reference.begin(workplace)
    with small_disk(disk, f"size={size * part // 100 // _PAGE * _PAGE}"):
        code, told = command(
            "restore", options.source, options.destination, "--journal", journal, "--quiet"
        )
        assert code == 6, told
        assert "Free space or mend the disk" in told, told
        if journal.exists():
            no_item_failed_of_it(reference, journal)
        enlarge(disk, "size=100m")
        # Without a first event there is nothing to resume; the same command begins anew.
        with_events = journal.exists() and _has_restore(journal)
        again = ("resume",) if with_events else ("restore", options.source, options.destination)
        run(*again, "--journal", journal, expect=3)
        reference.must_equal(workplace, journal)
    ran(JOURNAL_FULL)


def _has_restore(journal: Path) -> bool:
    with open_reader(journal) as reader:
        return bool(reader.progress.restores())
