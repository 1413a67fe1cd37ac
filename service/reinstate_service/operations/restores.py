"""Which of a journal's restores is meant, and its runs."""

from __future__ import annotations

from reinstate_journal.errors import JournalDamaged, UsageError
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Restore, Run


class NoRestore(UsageError):
    """The journal has no restore of that id, or none at all."""

    message = "The journal {path} has no restore{which}"
    hint = "reinstate status lists what it has; reinstate restore begins one."


class SeveralRestores(UsageError):
    """The journal has several restores and none was named."""

    message = "The journal {path} has several restores: {ids}"
    hint = "Name one of them."


def choose_restore(journal: Reader, restore: str | None) -> Restore:
    """The restore that was named, or the only one. Raises NoRestore, SeveralRestores."""
    if restore is not None:
        if (found := journal.progress.restore(restore)) is None:
            raise NoRestore(path=journal.path, which=f" {restore}")
        return found
    restores = journal.progress.restores()
    if not restores:
        raise NoRestore(path=journal.path, which="")
    if len(restores) > 1:
        ids = ", ".join(known.restore for known in restores)
        raise SeveralRestores(path=journal.path, ids=ids)
    return restores[0]


def runs_of(journal: Reader, restore: str) -> tuple[Run, ...]:
    """The runs of a restore that the journal holds; at least one. Raises JournalDamaged."""
    runs = tuple(journal.progress.runs(restore))
    if not runs:  # RestoreCreated and RunStarted are one append
        raise JournalDamaged(path=journal.path, detail=f"restore {restore} has no run")
    return runs
