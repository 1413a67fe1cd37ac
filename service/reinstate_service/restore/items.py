"""Phase 2 for one account: its folders, then its items, in batches that are durable as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    FolderMapped,
    FoldersCreated,
    FoldersMerged,
    ItemsCompleted,
    ItemsPassed,
    QuotaLifted,
)
from reinstate_service.destination.contract import Mailbox
from reinstate_service.destination.fence import FencedMailbox
from reinstate_service.model import (
    AccountRef,
    Containers,
    Item,
    Path,
)
from reinstate_service.restore.context import Context
from reinstate_service.restore.failures import Failures
from reinstate_service.restore.fencing import settle
from reinstate_service.restore.grants import give_grants, open_grants, renew_grants
from reinstate_service.restore.item_pass import ItemPass
from reinstate_service.restore.plan import plan_folders, with_roles
from reinstate_service.restore.recorder import Recorder
from reinstate_service.source.contract import ItemRecord

#: A batch ends with whichever comes first; both bound memory and what a crash repeats.
BATCH_ITEMS = 500
BATCH_BYTES = 32 * 1024 * 1024


def restore_items(context: Context, ref: AccountRef) -> None:
    """Restores everything the account has at this moment and the journal has not.

    The items of an account whose state is that of an earlier, complete pass are not
    looked at again, unless some of them had failed.
    """
    recorder = context.recorder(ref.id)
    state = context.items_state(ref)
    known = context.journal.progress.account(context.log.restore, ref.id)
    tallies = context.journal.progress.tallies(recorder.stream)
    unfinished = any(tally.outcome is Outcome.FAILED for tally in tallies)
    if known is not None and known.items_state == state and not unfinished:
        renew_grants(context, recorder, ref)
        settled = sum(tally.count for tally in tallies)
        context.observer.items(restored=0, skipped=0, failed=0, already=settled, size=0)
        context.observer.account(ref.address, "done")
        return
    context.observer.account(ref.address, "started")
    context.journal.containers.require_sound(recorder.stream)
    containers = context.containers(ref)
    with context.destination.mailbox(ref.address) as mailbox:
        if isinstance(mailbox, FencedMailbox):
            settle(context, recorder, mailbox)
        _lift_quota(context, recorder, ref)
        places = _restore_folders(context, recorder, mailbox, containers)
        fresh = not context.journal.progress.tallies(recorder.stream)
        pass_ = ItemPass(context, recorder, mailbox, places, ref, state=state, fresh=fresh)
        failures = Failures(context, recorder.stream if unfinished else None)
        passed = "" if unfinished else _passed(context, recorder, state)
        if passed:
            settled = sum(tally.count for tally in tallies)
            context.observer.items(restored=0, skipped=0, failed=0, already=settled, size=0)
        for batch in _batches(failures.without(context.source.items(ref.id, passed))):
            if context.stop.is_set():
                break
            pass_.restore(batch)
        pass_.finish()
        context.check_stop()
        recorder.append(*failures.vanished())
    # What was reopened has ended what the journal knew of the state.
    known = context.journal.progress.account(context.log.restore, ref.id)
    if known is None or known.items_state != state:
        reach(At.ITEMS_RECORDED)
        recorder.append(ItemsCompleted(state=state))
    context.observer.account(ref.address, "done")


def _passed(context: Context, recorder: Recorder, state: str) -> str:
    """Up to which item an earlier pass has come, if the account is still at its state."""
    last = context.journal.last(recorder.stream, ItemsPassed)
    if last is None or not isinstance(last.event, ItemsPassed) or last.event.state != state:
        return ""
    return last.event.item


def _lift_quota(context: Context, recorder: Recorder, ref: AccountRef) -> None:
    if quota := context.destination.quota(ref.address):
        known = context.journal.progress.account(context.log.restore, ref.id)
        # One that is due already is still there if the process died before it was lifted.
        if known is None or known.quota_due is None:
            recorder.append(QuotaLifted(put_back=quota))
            reach(At.FOUND_QUOTA_DUE)
        context.destination.set_quota(ref.address, 0)
        reach(At.FOUND_QUOTA_LIFTED)


def _restore_folders(
    context: Context, recorder: Recorder, mailbox: Mailbox, containers: Containers
) -> Mapping[str, Path]:
    """Decides, records, and then makes the folders; answers every folder's place by its id."""
    mapped = context.journal.containers.folders(recorder.stream)
    settled = {folder: known.path for folder, known in mapped.items()}
    existing = mailbox.folders()
    namespace = with_roles(context.namespace, existing)
    plan = plan_folders(containers, [one.path for one in existing], settled, namespace)
    events: list[Event] = [
        FolderMapped(
            folder=decision.folder,
            source=decision.source,
            path=decision.path,
            reason=decision.reason.value,
        )
        for decision in plan.decisions
    ]
    known_merges = context.journal.containers.merged(recorder.stream)
    events += [
        FoldersMerged(path=path, folders=folders)
        for path, folders in plan.merged.items()
        if known_merges.get(path) != folders
    ]
    recorder.append(*events)
    reach(At.FOLDERS_DECIDED)
    created = FoldersCreated(count=len(plan.places))
    if not recorder.is_done(created.step()):
        for folder in sorted(containers.folders, key=lambda folder: plan.places[folder.id]):
            mailbox.create_folder(plan.places[folder.id], folder)
            reach(At.FOLDER_MADE)
        reach(At.FOLDERS_MADE)
        recorder.append(created)
    grants = open_grants(context, recorder, containers)
    give_grants(recorder, mailbox, grants, plan.places)
    return plan.places


def _batches(records: Iterable[ItemRecord]) -> Iterator[list[ItemRecord]]:
    batch: list[ItemRecord] = []
    size = 0
    for record in records:
        batch.append(record)
        size += record.size if isinstance(record, Item) else 0
        if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
