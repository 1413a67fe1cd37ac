"""A restore that gets SIGKILL at any moment ends, after `resume`, as if nothing had been."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import oracle
from crash.killing import Outcome, begin_restore, outcome_of, restore_and_kill
from crash.matrix import Row, ran
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_service.destination.open import open_destination
from reinstate_service.operations.sample import Sample, build_sample, demo_messages
from reinstate_service.operations.session import last_options
from reinstate_service.restore.options import Options
from running import restore_here, run

KILLS = 400 if "REINSTATE_LONG" in os.environ else 50
_PARTS = 10
_GROUP, _TEST = "1 the process dies", "tests/crash/test_kill.py"
_HOLDS = "as if nothing had been: nothing lost or doubled, journal whole"
KILLED = Row(
    _GROUP,
    "SIGKILL at a random moment of a restore of the demo's backup, four accounts at once",
    "any prefix of each account's batches, and of the batch in hand any part",
    _HOLDS,
    _TEST,
)
AGAIN = Row(
    _GROUP,
    "SIGKILL again and again, each resume a little later",
    "what several dead runs have left",
    _HOLDS,
    _TEST,
)
LOST = Row(
    _GROUP,
    "the journal is deleted after the restore, which is begun anew",
    "a whole destination, no journal",
    "everything is found by name; nothing is doubled",
    _TEST,
)


class Reference(NamedTuple):
    """An empty destination to start from, and what a restore that nobody interrupts makes of it."""

    sample: Sample
    empty: Path
    outcome: Outcome
    seconds: float


@pytest.fixture(scope="module")
def reference(memory_folder: Path) -> Reference:
    folder = memory_folder / "reference"
    folder.mkdir()
    sample = build_sample(folder / "backup", demo_messages())
    open_destination(f"maildir:{folder / 'empty'}").close()
    shutil.copytree(folder / "empty", folder / "whole")
    options = Options(source=sample.path, destination=f"maildir:{folder / 'whole'}")
    process = begin_restore(folder / "whole.db", options)
    began = time.monotonic()
    process.join()
    assert process.exitcode == 0
    seconds = time.monotonic() - began
    outcome = outcome_of(_addresses(sample), folder / "whole", folder / "whole.db")
    return Reference(sample, folder / "empty", outcome, seconds)


def _addresses(sample: Sample) -> list[str]:
    return [account.address for account in oracle.restored_accounts(sample)]


def _begin(reference: Reference, folder: Path, *, kept: bool = False) -> tuple[Path, Options]:
    """With `kept`, messages are the backup's gzip files, and equal ones names of one file."""
    shutil.copytree(reference.empty, folder / "mail")
    options = Options(
        source=reference.sample.path,
        destination=f"maildir:{folder / 'mail'}",
        compress="keep" if kept else "none",
        dedupe="link" if kept else "none",
    )
    return folder / "reinstate.db", options


def _resume(journal: Path, options: Options) -> None:
    """As `reinstate resume` does it; a kill before the first event leaves nothing to resume."""
    if journal.exists():
        with open_reader(journal) as reader:
            if reader.progress.restores():
                _, options = last_options(reader)
    restore_here(journal, options)


def _must_equal(reference: Reference, folder: Path) -> None:
    assert check(folder / "reinstate.db") == []
    outcome = outcome_of(_addresses(reference.sample), folder / "mail", folder / "reinstate.db")
    assert outcome == reference.outcome


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_killed_restore_and_its_resume_equal_one_that_was_not(
    reference: Reference, workplace: Path, part: int
) -> None:
    moments = random.Random(part)
    killed = 0
    while killed < KILLS // _PARTS:
        folder = Path(tempfile.mkdtemp(dir=workplace))
        journal, options = _begin(reference, folder, kept=part % 2 == 1)
        # One that ended before its moment came is no case, but it must be right as well.
        killed += restore_and_kill(journal, options, moments.uniform(0, reference.seconds))
        _resume(journal, options)
        _must_equal(reference, folder)
        ran(KILLED)
        shutil.rmtree(folder)


def test_a_restore_that_is_killed_again_and_again_comes_to_its_end(
    reference: Reference, workplace: Path
) -> None:
    journal, options = _begin(reference, workplace)
    moments = random.Random(0)
    kills = 0
    # Each run is given a little longer, so that it comes to an end whatever the machine.
    while restore_and_kill(journal, options, moments.uniform(0.01, 0.05) * (kills + 1)):
        kills += 1
    assert kills > 1
    _must_equal(reference, workplace)
    ran(AGAIN)


def test_the_command_itself_resumes_after_a_kill(reference: Reference, workplace: Path) -> None:
    journal, options = _begin(reference, workplace)
    delay = reference.seconds / 8  # a machine may have been busier when that was measured
    assert restore_and_kill(journal, options, delay), "it ended before it was killed"
    run("resume", "--journal", journal, expect=3)
    _must_equal(reference, workplace)
    ran(KILLED)


def test_a_lost_journal_doubles_nothing(reference: Reference, workplace: Path) -> None:
    journal, options = _begin(reference, workplace)
    restore_here(journal, options)
    for path in workplace.glob("reinstate.db*"):
        path.unlink()
    restore_here(journal, options)
    outcome = outcome_of(_addresses(reference.sample), workplace / "mail", journal)
    assert outcome.destination == reference.outcome.destination
    assert outcome.directory == reference.outcome.directory
    assert outcome.files == reference.outcome.files
    ran(LOST)
