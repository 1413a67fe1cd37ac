"""Restores that are killed: in a process of their own, which `kill -9` ends for real."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import oracle
from reinstate_journal import open_reader
from reinstate_service.destination.open import open_destination
from reinstate_service.restore.options import Options
from running import restore_here

#: What differs from destination to destination, and from run to run.
_META = 'INSERT INTO "meta"'
_DELIVERY = re.compile(r"R[0-9a-f]{20}")

# Processes that come from a clean server start in milliseconds and share no lock with us.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["running", "sqlite_utils", "crash.stage", "crash.syscalls"])


def _work(journal: Path, options: Options) -> None:
    restore_here(journal, options)


def begin_restore(journal: Path, options: Options) -> multiprocessing.process.BaseProcess:
    """A restore in another process, from the moment the journal is there."""
    process = CONTEXT.Process(target=_work, args=(journal, options))
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
    """What there is after a restore: the destination's items, the journal as folded, the
    directory's rows, and every other file with its lines, where it is no message."""

    destination: Counter[oracle.Lying]
    journal: dict[str, object]
    directory: list[str]
    files: list[tuple[str, list[bytes]]]


def outcome_of(addresses: Iterable[str], tree: Path, journal: Path) -> Outcome:
    """Everything that two restores of the same backup must have in common."""
    with open_reader(journal) as reader:
        folded = oracle.folded(reader, reader.progress.restores()[0].restore)
    destination = open_destination(f"maildir:{tree}")
    found = oracle.found(destination, addresses)
    destination.close()
    return Outcome(found, folded, _rows(tree / "directory.sqlite"), sorted(_files(tree)))


def _rows(directory: Path) -> list[str]:
    with closing(sqlite3.connect(directory)) as connection:
        return [line for line in connection.iterdump() if not line.startswith(_META)]


def _files(tree: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Lines are sorted: nobody promises an order of subscriptions. Names of deliveries are
    left out, as they follow from the identity of the destination."""
    for path in tree.rglob("*"):
        told = path.is_file() and path.parent.name not in {"cur", "new"}
        lines = path.read_bytes().splitlines() if told and path.suffix != ".sqlite" else []
        yield _DELIVERY.sub("R", str(path.relative_to(tree))), sorted(lines)
