"""A journal is made whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check
from reinstate_journal.sqlite import writer

_SPAWN = multiprocessing.get_context("forkserver")


def _die_before_the_name(path: Path) -> None:
    def die(_: Path) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    writer.flush = die
    open_journal(path)


def test_a_maker_that_is_killed_leaves_no_journal_and_the_next_one_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    process = _SPAWN.Process(target=_die_before_the_name, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not path.exists()
    open_journal(path).close()
    with open_reader(path) as reader:
        assert reader.progress.restores() == []
    assert check(path) == []
    assert {file.name for file in tmp_path.iterdir()} <= {"journal.db", "journal.db.lock"}
