"""What `restore`, `resume` and `demo` share: a run with progress, signals and an honest end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import typer

from reinstate_cli.console import ReaderGone, finish, say, say_json, tell
from reinstate_cli.progress import choose_progress
from reinstate_cli.report import render
from reinstate_journal import open_reader
from reinstate_service.operations.preparation import to_do_after
from reinstate_service.operations.report import Report, make_report
from reinstate_service.operations.session import start_restore
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import Finished

NOTHING_TO_DO = "Nothing to do: this backup holds nothing that was not restored before.\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def carry_out(
    journal: Path, options: Options, *, as_json: bool, quiet: bool, retrying: bool = False
) -> None:
    """Restores, then prints the report. Ends the command with code 0 or 3.

    Raises Interrupted after a signal, and every error that ends a run early.
    """
    silent = quiet or as_json
    finished = restore_with_progress(journal, options, silent=silent, retrying=retrying)
    with open_reader(journal) as reader:
        report = make_report(reader, finished.restore)
    with suppress(ReaderGone):  # the exit code counts, whoever listens
        if as_json:
            say_json(report)
        elif not quiet:
            if not finished.began:
                say(NOTHING_TO_DO)
            say(render(report))
            if finished.began:
                _remind(report)
        finish()
    raise typer.Exit(0 if report.whole else 3)


def _remind(report: Report) -> None:
    """Says beside the answer what to do now, and what to undo."""
    reminders = to_do_after(report.restore.destination, report.runs[-1].options)
    if reminders:
        tell("\nAfter a restore:")
    for text in reminders:
        tell(f"  - {text}")


def restore_with_progress(
    journal: Path, options: Options, *, silent: bool, retrying: bool = False
) -> Finished:
    """Restores while showing how far it is; a signal makes it end after the batch in hand.

    Raises Interrupted after a signal, and every error that ends a run early.
    """
    with choose_progress(silent=silent) as progress, stop_on_signal() as stop:
        return start_restore(journal, options, progress, stop, retrying=retrying)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """The event that asks the work to stop. The first signal asks it to end the batch in hand;
    a second one ends the process at once, which loses nothing either. What the caller ignores, as
    nohup does, stays ignored."""
    stop = threading.Event()
    previous = {
        number: handler
        for number in _SIGNALS
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }

    def ask(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)
        name = signal.Signals(number).name
        text = f"{name}: finishing the batch in hand; once more ends at once"
        # The signal may have come while this thread was writing to stderr itself.
        threading.Thread(target=tell, args=(text,)).start()

    for number in previous:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
