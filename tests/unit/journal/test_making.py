"""A journal is made whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check

_DIE_BEFORE_THE_NAME = """
import os, signal, sys
from reinstate_journal import open_journal
from reinstate_journal.sqlite import writer
writer.flush = lambda path: os.kill(os.getpid(), signal.SIGKILL)
open_journal(sys.argv[1])
"""


def test_a_maker_that_is_killed_leaves_no_journal_and_the_next_one_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    died = subprocess.run([sys.executable, "-c", _DIE_BEFORE_THE_NAME, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert not path.exists()
    open_journal(path).close()
    assert {file.name for file in tmp_path.iterdir()} <= {"journal.db", "journal.db.lock"}
    with open_reader(path) as reader:
        assert reader.progress.restores() == []
    assert check(path) == []
