"""How a test waits until a restore in another process has come far enough."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import watch

from reinstate_journal import open_reader
from reinstate_journal.errors import JournalError, JournalMissing
from reinstate_journal.events import ItemRestored


def wait_for_the_first_item(journal: Path, running: subprocess.Popen[bytes]) -> None:
    """Returns as soon as the journal has an item restored; the process must live till then."""
    for _ in watch(journal.parent, yield_on_timeout=True, rust_timeout=100, debounce=50, step=10):
        if _has_restored(journal):
            return
        assert running.poll() is None, running.communicate()


def wait_until_restored(journal: Path) -> None:
    """Returns as soon as the journal, which need not be there yet, has an item restored."""
    for _ in _changes_above(journal):
        if _has_restored(journal):
            return


def wait_until_at(journal: Path, position: int, or_else: Callable[[], bool]) -> None:
    """Returns as soon as the journal's head is at the position or behind it, or it is so."""
    for _ in _changes_above(journal):
        if head_of(journal) >= position or or_else():
            return


def head_of(journal: Path) -> int:
    """The position of the last event; 0 if there is no journal yet."""
    try:
        with open_reader(journal) as reader:
            return reader.head().position
    except JournalError:
        return 0


def _changes_above(journal: Path) -> Iterator[object]:
    return watch(journal.parents[1], yield_on_timeout=True, rust_timeout=50, debounce=50, step=10)


def _has_restored(journal: Path) -> bool:
    try:
        with open_reader(journal) as reader:
            return next(iter(reader.read(types=[ItemRestored], limit=1)), None) is not None
    except JournalMissing:
        return False
