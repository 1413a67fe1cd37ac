"""Restores that are killed: in a process of their own, which `kill -9` ends for real."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

from reinstate_service.restore.options import Options
from running import restore_here

# Processes that come from a clean server start in milliseconds and share no lock with us.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["running"])


def _work(journal: Path, options: Options) -> None:
    restore_here(journal, options)


def begin_restore(journal: Path, options: Options) -> multiprocessing.process.BaseProcess:
    """A restore in another process, from the moment the journal is there."""
    process = _CONTEXT.Process(target=_work, args=(journal, options))
    process.start()
    while process.exitcode is None and not journal.exists():
        process.join(0.001)
    return process


def restore_and_kill(journal: Path, options: Options, after: float) -> bool:
    """Restores in another process, which gets SIGKILL after so many seconds, if it still runs.

    Answers whether it was killed.
    """
    process = begin_restore(journal, options)
    process.join(after)
    if process.exitcode is None and process.pid is not None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0
