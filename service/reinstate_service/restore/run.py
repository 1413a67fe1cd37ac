"""One run of a restore, from the first look at the backup to its end.

The journal decides what is left to do; a run that was killed is taken up by the
next one without being told where it stood. What was begun is always ended: on
every way out that the process lives to see, quotas are put back.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reinstate_journal.catalogue import Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import DestinationError, Interrupted, JournalError, ReinstateError
from reinstate_journal.events import (
    AccountSkipped,
    NotificationRecorded,
    RestoreCreated,
    RunStarted,
)
from reinstate_journal.journal import Journal
from reinstate_service.destination.contract import Destination
from reinstate_service.model import AccountRef, BackupIdentity, Frozen
from reinstate_service.restore.context import Context
from reinstate_service.restore.counting import count_all, count_items
from reinstate_service.restore.finishing import finish_account, owners
from reinstate_service.restore.items import restore_items
from reinstate_service.restore.limits import Limits, Suspended
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.plan import Directory, Provisioning, plan_provisioning
from reinstate_service.restore.provisioning import provision
from reinstate_service.restore.quota import put_quotas_back, recall_quotas
from reinstate_service.restore.recorder import RunLog
from reinstate_service.restore.selection import Selection, select_accounts
from reinstate_service.source.contract import AccountUnreadable, Source


class SameServer(DestinationError):
    """The destination is the server that the backup was made of."""

    message = "The destination {destination} is the server that this backup was made of ({server})"
    hint = "If that is what you want: --force-as-external-restore"
    retryable = False


class Finished(Frozen, frozen=True):
    """How a run ended: `outcome` finished or incomplete; `began` is False if there was
    nothing to do."""

    restore: str
    run: int
    outcome: str
    began: bool


def restore_id(server: str, destination: str) -> str:
    """The id of the restore of one server's backup onto one destination: the same in every
    journal, so that a lost journal never doubles an item."""
    return hashlib.sha256(f"{server}\0{destination}".encode()).hexdigest()[:12]


class Read(Frozen, frozen=True):
    """What the read phase found: the backup, and what of it was chosen."""

    identity: BackupIdentity
    accounts: tuple[AccountRef, ...]
    unreadable: tuple[AccountUnreadable, ...]
    directory: Directory
    selection: Selection
    provisioning: Provisioning


def read_backup(source: Source, options: Options) -> Read:
    """The read phase: refuses what cannot be restored as a whole.

    Raises BackupError, UnknownAccounts, UnknownDomains.
    """
    identity = source.identity()
    refs: list[AccountRef] = []
    unreadable: list[AccountUnreadable] = []
    for ref in source.accounts():
        (unreadable if isinstance(ref, AccountUnreadable) else refs).append(ref)  # type: ignore[arg-type]
    directory = Directory(
        tuple(source.domains()),
        tuple(source.classes_of_service()),
        tuple(source.distribution_lists()),
    )
    domains = {domain.name for domain in directory.domains}
    selection = select_accounts(refs, domains, options)
    return Read(
        identity,
        tuple(refs),
        tuple(unreadable),
        directory,
        selection,
        plan_provisioning(directory, selection, options),
    )


def run_restore(
    source: Source,
    destination: Destination,
    journal: Journal,
    options: Options,
    *,
    version: str,
    observer: Observer,
    stop: threading.Event,
    retrying: bool = False,
) -> Finished:
    """Restores until nothing is left to do. `retrying` tries what failed before, also if it is
    more than the options allow.

    Raises Interrupted after `stop` was set, Suspended, and whatever ends a run early; the
    journal then has the outcome, and the same call goes on from there.
    """
    read = read_backup(source, options)
    context = _context(
        source=source,
        destination=destination,
        journal=journal,
        options=options,
        read=read,
        version=version,
        observer=observer,
        stop=stop,
    )
    if not retrying:
        context.limits.check()
    last = journal.progress.last_run(context.log.restore)
    try:
        if last is not None and last.outcome not in {"finished", "incomplete"}:
            context.log.begin()
        _phases(context, read)
    except BaseException as error:
        _end_early(context, error)
        raise
    outcome = "finished" if _is_whole(context) else "incomplete"
    _notify(context, "ended")
    reach(At.RUN_THROUGH)
    context.log.end(outcome)
    return Finished(context.log.restore, context.log.run, outcome, context.log.begun)


def _context(
    *,
    source: Source,
    destination: Destination,
    journal: Journal,
    options: Options,
    read: Read,
    version: str,
    observer: Observer,
    stop: threading.Event,
) -> Context:
    server, place = read.identity.server_id, destination.identity()
    if server == place and not options.force_as_external_restore:
        raise SameServer(destination=destination.url, server=server)
    restore = restore_id(server, place)
    last = journal.progress.last_run(restore)
    run = last.run + 1 if last else 1
    epoch = destination.epoch()
    if last is not None and epoch > last.epoch:
        observer.notice(
            f"The destination has seen a later run (epoch {epoch}) than this journal knows"
            f" (epoch {last.epoch}): everything is compared with what is there."
        )
        # Before the run is recorded: from then on the journal is not behind any more.
        recall_quotas(journal, destination, restore)

    def start() -> tuple[Event, ...]:
        destination.store_epoch(epoch + 1)
        reach(At.EPOCH_STORED)
        started = RunStarted(
            run=run,
            epoch=epoch + 1,
            version=version,
            options=options.recorded(),
            last_scan=read.identity.last_scan,
        )
        events: tuple[Event, ...] = (started,)
        if options.notifications:
            notified = NotificationRecorded(
                run=run, occasion="started", recipients=options.notifications
            )
            events = (started, notified)
        if journal.progress.restore(restore) is not None:
            return events
        created = RestoreCreated(
            restore=restore,
            backup=source.path,
            server_id=server,
            product=read.identity.product.value,
            destination=destination.url,
            destination_id=place,
        )
        return (created, *events)

    return Context(
        source=source,
        destination=destination,
        journal=journal,
        options=options,
        observer=observer,
        stop=stop,
        log=RunLog(journal, restore, run, start),
        addresses=read.directory.addresses(read.accounts),
        cos_names={cos.id: cos.name for cos in read.provisioning.classes_of_service},
        namespace=destination.namespace(),
        limits=Limits(options, journal.progress.all_tallies(restore)),
    )


def _phases(context: Context, read: Read) -> None:
    chosen = read.selection.chosen
    for missing in context.source.missing(accounts=False):
        if not missing.place:
            context.observer.notice(missing.what)
    context.log.accounts, context.log.items = len(chosen), count_all(context, chosen)
    context.observer.restore(context.log.restore, context.log.accounts, context.log.items)
    _record_skipped(context, read)
    with _phase(context, 1, chosen):
        provision(context, read.provisioning, chosen)
    if not context.options.provisioning_only:
        with _phase(context, 2, chosen):
            context.for_each_account(chosen, lambda ref: restore_items(context, ref))
    with _phase(context, 3, chosen):
        if not context.options.provisioning_only:
            owner_of = owners(context)
            context.for_each_account(chosen, lambda ref: finish_account(context, ref, owner_of))
        put_quotas_back(context.journal, context.destination, context.log.restore)


@contextmanager
def _phase(context: Context, phase: int, chosen: Sequence[AccountRef]) -> Iterator[None]:
    context.check_stop()
    context.log.phase = phase
    context.observer.phase(phase, len(chosen))
    yield
    reach(At.PHASE_THROUGH)
    if context.log.complete_phase() and phase == 1:
        _notify(context, "phase 1")


def _notify(context: Context, occasion: str) -> None:
    if context.log.begun and (recipients := context.options.notifications):
        context.log.append(
            NotificationRecorded(run=context.log.run, occasion=occasion, recipients=recipients)
        )


def _record_skipped(context: Context, read: Read) -> None:
    restore = context.log.restore
    for ref, reason in read.selection.skipped:
        known = context.journal.progress.account(restore, ref.id)
        if known is None or known.state == "skipped":
            skipped = AccountSkipped(
                account=ref.id,
                address=ref.address,
                reason=reason,
                items=count_items(context, ref),
            )
            context.log.append_news(skipped, reason)
    for error in read.unreadable:
        context.fail(AccountRef(str(error.fields["account"]), ""), error)


def _is_whole(context: Context) -> bool:
    progress, restore = context.journal.progress, context.log.restore
    failed = next(progress.failures(restore), None)
    return failed is None and next(progress.accounts(restore, state="failed"), None) is None


def _end_early(context: Context, error: BaseException) -> None:
    """Leaves everything as it should be when a run cannot go on."""
    if not context.log.begun or isinstance(error, JournalError):
        return
    outcome = "stopped"
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        outcome = "suspended" if isinstance(error, Suspended) else "interrupted"
    try:
        put_quotas_back(context.journal, context.destination, context.log.restore)
    except ReinstateError as failure:
        context.observer.notice(
            f"Quotas are still lifted ({failure}); reinstate resume or abort puts them back."
        )
    context.log.end(outcome, str(error))
