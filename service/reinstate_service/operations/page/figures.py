"""What the page shows, gathered from the journal alone."""

from __future__ import annotations

from collections.abc import Iterator

from reinstate_journal.events import (
    PhaseCompleted,
    PhaseStarted,
    RunEnded,
    RunStarted,
    account_stream,
    restore_stream,
)
from reinstate_journal.journal import Reader
from reinstate_journal.statistics import Rate
from reinstate_service.model import Frozen
from reinstate_service.operations.report import Report, make_report
from reinstate_service.operations.verification import Verification, last_verification

#: So many intervals at most make up the chart.
_INTERVALS = 240
#: Intervals that people count in, in milliseconds.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)

Row = tuple[object, ...]


class Moment(Frozen, frozen=True):
    """Something of the restore as a whole that happened; `at` in milliseconds."""

    at: int
    position: int
    text: str


class Figures(Frozen, frozen=True):
    """The page's figures. Rows name their account by its place in the report, -1 for none.

    `rates` are per `interval` (milliseconds). `folders`: account, path, path in the backup, why
    there, restored, skipped, failed, in doubt, bytes. `filters`: account, script, line, before,
    after or why it stays. `verification` is the last one.
    """

    report: Report
    timeline: tuple[Moment, ...]
    rates: tuple[Rate, ...]
    interval: int
    folders: tuple[Row, ...]
    filters: tuple[Row, ...]
    verification: Verification | None


def gather(journal: Reader, restore: str | None = None) -> Figures:
    """Everything that the page shows. Raises NoRestore, SeveralRestores."""
    report = make_report(journal, restore)
    chosen = report.restore.restore
    places = {account.account: place for place, account in enumerate(report.accounts)}
    interval = _interval(journal, report)
    return Figures(
        report=report,
        timeline=tuple(_timeline(journal, chosen)),
        rates=tuple(journal.statistics.rates(chosen, interval)),
        interval=interval,
        folders=tuple(_folders(journal, chosen, places)),
        filters=tuple(_filters(journal, chosen, places)),
        verification=last_verification(journal, chosen),
    )


def _interval(journal: Reader, report: Report) -> int:
    began = report.runs[0].started_at
    (*_, last) = (began, *(one.recorded_at for one in journal.read(after=report.head[0] - 1)))
    span = max(last - began, 1)
    wanted = span / _INTERVALS / 1000
    return next((step for step in _STEPS if step >= wanted), _STEPS[-1]) * 1000


def _timeline(journal: Reader, restore: str) -> Iterator[Moment]:
    kinds = (RunStarted, PhaseStarted, PhaseCompleted, RunEnded)
    for recorded in journal.read(stream=restore_stream(restore), types=kinds):
        match recorded.event:
            case RunStarted(run=run, version=version):
                text = f"run {run} began (reinstate {version})"
            case PhaseStarted(run=run, phase=phase):
                text = f"run {run}: phase {phase} began"
            case PhaseCompleted(run=run, phase=phase):
                text = f"run {run}: phase {phase} was through"
            case RunEnded(run=run, outcome=outcome, reason=reason):
                text = f"run {run} ended: {outcome}" + (f": {reason}" if reason else "")
            case _:
                continue
        yield Moment(recorded.recorded_at, recorded.position, text)


def _folders(journal: Reader, restore: str, places: dict[str, int]) -> Iterator[Row]:
    tallies = {
        (tally.account, tally.folder): tally for tally in journal.statistics.folders(restore)
    }
    for account, place in places.items():
        mapped = journal.containers.folders(account_stream(restore, account))
        for folder, where in mapped.items():
            tally = tallies.get((account, folder))
            counts = (
                (tally.restored, tally.skipped, tally.failed, tally.doubt, tally.bytes)
                if tally
                else (0, 0, 0, 0, 0)
            )
            path, source = "/".join(where.path), "/".join(where.source)
            yield (place, path, source, where.reason, *counts)


def _filters(journal: Reader, restore: str, places: dict[str, int]) -> Iterator[Row]:
    for account, place in places.items():
        stream = account_stream(restore, account)
        for name, script in journal.containers.filters(stream).items():
            for change in script.changed:
                yield place, name, change.line, change.old, change.new
            for left in script.left:
                yield place, name, left.line, left.text, f"stays: {left.reason}"
        for name, translated in journal.containers.translated(stream).items():
            for kept in translated.kept:
                yield place, name, kept.line, kept.text, f"only a comment now: {kept.reason}"
