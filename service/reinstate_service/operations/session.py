"""The one place that wires a source, a destination and a journal together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from reinstate_journal import open_journal, open_reader
from reinstate_journal.errors import BackupError, DestinationError, JournalDamaged
from reinstate_journal.events import AccountVerified
from reinstate_journal.journal import Reader, Recorded
from reinstate_journal.progress import Run
from reinstate_service.destination.contract import Destination
from reinstate_service.destination.open import destination_as_it_is, open_destination
from reinstate_service.destination.waiting import Waiting
from reinstate_service.operations.approval import Approval, approve
from reinstate_service.operations.preparation import NOTHING_TO_KEEP
from reinstate_service.operations.restores import choose_restore, runs_of
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.quota import abort
from reinstate_service.restore.run import Finished, run_restore
from reinstate_service.source.open import open_source

if TYPE_CHECKING:  # a restore begins a twentieth of a second sooner without them
    from reinstate_service.operations.explain import Explanation
    from reinstate_service.restore.verification.verify import Request


def start_restore(
    journal: Path,
    options: Options,
    observer: Observer,
    stop: threading.Event,
    *,
    retrying: bool = False,
) -> Finished:
    """Opens everything, restores, and closes everything. Raises what `run_restore` raises."""
    source = open_source(options.source, options.at)
    source.identity()
    if options.compress == "keep" and not source.has_packed():
        observer.notice(NOTHING_TO_KEEP)
        options = replace(options, compress="none")  # which marks no tree as packed
    waiting = Waiting(stop, observer.notice)
    with open_journal(journal) as writer, opened(options, waiting) as destination:
        return run_restore(
            source,
            destination,
            writer,
            options,
            version=version("reinstate"),
            observer=observer,
            stop=stop,
            retrying=retrying,
        )


@contextmanager
def opened(options: Options, waiting: Waiting | None = None) -> Iterator[Destination]:
    """The destination of `options`, closed at the end."""
    destination = open_destination(
        options.destination,
        owner=options.owner,
        mountpoints=options.mountpoints,
        config=options.config,
        waiting=waiting,
        compress=options.compress,
        dedupe=options.dedupe,
    )
    try:
        yield destination
    finally:
        destination.close()


@contextmanager
def opened_for_reading(options: Options, waiting: Waiting | None = None) -> Iterator[Destination]:
    """The destination of `options` as it is; nothing is made."""
    destination = destination_as_it_is(
        options.destination, options.mountpoints, options.config, waiting
    )
    try:
        yield destination
    finally:
        destination.close()


def last_options(journal: Reader, restore: str | None = None) -> tuple[Run, Options]:
    """The last run of a restore and the options it was given.

    Raises NoRestore, SeveralRestores, JournalDamaged.
    """
    chosen = choose_restore(journal, restore)
    run = runs_of(journal, chosen.restore)[-1]
    try:
        return run, Options.from_record(run.options)
    except msgspec.ValidationError as error:
        detail = f"the options of run {run.run} are not what they should be: {error}"
        raise JournalDamaged(path=journal.path, detail=detail) from error


class OtherDestination(DestinationError):
    """There is a destination, but not the one that was restored onto."""

    message = "{destination} is not the destination that restore {restore} went to"
    hint = "It has another id ({found} instead of {expected}): is it another tree, or made anew?"
    retryable = False


def start_verification(
    journal: Path,
    restore: str | None,
    request: Request,
    heard: Callable[[AccountVerified], None],
    stop: threading.Event,
    *,
    notice: Callable[[str], None] = lambda _: None,
) -> tuple[str, int]:
    """Compares a restore with its destination, which is only read; answers the restore and the
    number of the verification.

    Raises NoRestore, SeveralRestores, OtherDestination, and what `verify` raises.
    """
    from reinstate_service.restore.verification.verify import verify  # noqa: PLC0415

    with open_reader(journal) as reader:  # which makes no journal where there is none
        run, options = last_options(reader, restore)
    with open_journal(journal) as writer:
        chosen = choose_restore(writer, run.restore)
        location = options.destination
        destination = open_destination(
            location,
            create=False,
            mountpoints=options.mountpoints,
            config=options.config,
            waiting=Waiting(stop, notice),
        )
        with closing(destination):
            if (found := destination.identity()) != chosen.destination_id:
                raise OtherDestination(
                    destination=location,
                    restore=chosen.restore,
                    found=found,
                    expected=chosen.destination_id,
                )
            number = verify(
                writer, chosen, destination, open_source, request, heard=heard, stop=stop
            )
    return chosen.restore, number


def explain_from(
    journal: Reader, restore: str | None, account: str, name: str, *, with_subjects: bool
) -> list[Explanation]:
    """What became of something in an account. Raises what `explain` raises, NoRestore,
    SeveralRestores."""
    from reinstate_service.operations.explain import explain  # noqa: PLC0415

    run, options = last_options(journal, restore)
    source = open_source(options.source, None)
    try:
        source.identity()
    except BackupError:
        at_hand = None
    else:
        at_hand = source
    return explain(journal, run.restore, account, name, source=at_hand, with_subjects=with_subjects)


def approve_failures(journal: Path, restore: str | None, approval: Approval) -> list[Recorded]:
    """Accepts failures of a restore; answers their events. Raises what `approve` raises,
    NoRestore, SeveralRestores."""
    with open_reader(journal) as reader:  # which makes no journal where there is none
        chosen = choose_restore(reader, restore).restore
    with open_journal(journal) as writer:
        return approve(writer, chosen, approval)


def abort_restore(journal: Path, restore: str | None, waiting: Waiting | None = None) -> list[str]:
    """Ends a restore that will not go on; answers the addresses whose quota came back.

    Raises NoRestore, SeveralRestores, JournalMissing, JournalError, DestinationError.
    """
    with open_reader(journal) as reader:  # which makes no journal where there is none
        run, options = last_options(reader, restore)
    with open_journal(journal) as writer, opened(options, waiting) as destination:
        return abort(writer, destination, run.restore)
