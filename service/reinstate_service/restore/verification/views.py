"""The backup as each run of a restore saw it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache

import msgspec

from reinstate_journal.errors import BackupError, JournalDamaged
from reinstate_journal.events import RunStarted, restore_stream
from reinstate_journal.journal import Reader
from reinstate_service.model import Frozen
from reinstate_service.restore.options import Options
from reinstate_service.source.contract import Source

OpenSource = Callable[[str, int | None], Source]


class View(Frozen, frozen=True):
    """A run that began at `position`, its options, and the moment of the backup that it read
    (milliseconds; None: the latest)."""

    position: int
    options: Options
    moment: int | None


class Views:
    """The runs of a restore, and the backup at their moments while it is at hand. Making one
    raises JournalDamaged where the journal holds no runs, or options that are none."""

    def __init__(self, journal: Reader, restore: str, open_source: OpenSource) -> None:
        self._open = cache(open_source)
        runs = list(journal.read(stream=restore_stream(restore), types=[RunStarted]))
        started = [(one.position, one.event) for one in runs if isinstance(one.event, RunStarted)]
        self.missing = ""
        last_scan = None
        try:
            self._location = Options.from_record(started[-1][1].options).source
            last_scan = self._open(self._location, None).identity().last_scan
        except BackupError as error:
            self.missing = str(error)
        except (msgspec.ValidationError, IndexError) as error:
            raise _damaged(journal, restore, error) from error
        try:
            self.runs: Sequence[View] = tuple(
                _view(position, event, last_scan) for position, event in started
            )
        except msgspec.ValidationError as error:
            raise _damaged(journal, restore, error) from error
        self.moments = frozenset(view.moment for view in self.runs)
        self._positions = [view.position for view in self.runs]

    def of(self, position: int) -> View:
        """The run that appended the event at this position."""
        return self.runs[bisect_right(self._positions, position) - 1]

    def source(self, moment: int | None) -> Source | None:
        """The backup as it was at a moment; None if it is not at hand."""
        return None if self.missing else self._open(self._location, moment)

    @property
    def last(self) -> View:
        """The last run."""
        return self.runs[-1]


def _damaged(journal: Reader, restore: str, error: Exception) -> JournalDamaged:
    detail = f"the runs of restore {restore} are not what they should be: {error}"
    return JournalDamaged(path=journal.path, detail=detail)


def _view(position: int, event: RunStarted, last_scan: int | None) -> View:
    options = Options.from_record(event.options)
    moment = options.at
    if moment is None and event.last_scan != last_scan:
        moment = event.last_scan
    return View(position, options, moment)
