"""Restores that are killed: in a process of their own, which `kill -9` ends for real."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import oracle
from reinstate_journal import open_reader
from reinstate_service.destination.open import open_destination
from reinstate_service.restore.options import Options
from running import restore_here

# Processes that come from a clean server start in milliseconds and share no lock with us.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["running", "crash.dying", "crash.syscalls"])


def new_process(
    target: Callable[..., object], args: tuple[Any, ...]
) -> multiprocessing.process.BaseProcess:
    """A process that has imported what tests need, not started yet."""
    _start_server()
    return CONTEXT.Process(target=target, args=args)


@cache
def _start_server() -> None:
    """Starts the server where it finds what it is to import: it does not take over sys.path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
        forkserver.ensure_running()


def _work(journal: Path, options: Options) -> None:
    restore_here(journal, options)


def begin_restore(journal: Path, options: Options) -> multiprocessing.process.BaseProcess:
    """A restore in another process, from the moment the journal is there."""
    process = new_process(_work, (journal, options))
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


class Outcome(NamedTuple):
    """What there is after a restore."""

    destination: Counter[oracle.Lying]
    journal: dict[str, object]
    files: list[str]


def outcome_of(addresses: Iterable[str], tree: Path, journal: Path) -> Outcome:
    """Everything that two restores of the same backup must have in common."""
    with open_reader(journal) as reader:
        folded = oracle.folded(reader, reader.progress.restores()[0].restore)
    destination = open_destination(f"maildir:{tree}")
    found = oracle.found(destination, addresses)
    destination.close()
    files = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    return Outcome(found, folded, files)
