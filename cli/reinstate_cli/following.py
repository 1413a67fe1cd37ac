"""Hearing that a journal has changed, from the kernel instead of asking again and again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reinstate_service.operations.status import journal_files


def changes_of(journal: Path, *, group: int, patience: int) -> Iterator[bool]:
    """True after each change of the journal, those within `group` milliseconds as one; False
    whenever `patience` milliseconds went by without any. Ctrl-C, the way out, raises
    KeyboardInterrupt."""
    from watchfiles import watch  # noqa: PLC0415 - only those who follow pay for it

    names = {str(path) for path in journal_files(journal.resolve())}
    for changes in watch(
        journal.resolve().parent,
        recursive=False,
        watch_filter=lambda _, path: path in names,
        step=group // 4,
        debounce=group,
        rust_timeout=patience,
        yield_on_timeout=True,
    ):
        yield bool(changes)
