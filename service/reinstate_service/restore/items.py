"""Phase 2 for one account: its folders, then its items, in batches that are durable as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from reinstate_journal.catalogue import Outcome
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    ItemsCompleted,
    ItemsPassed,
    QuotaLifted,
)
from reinstate_service.destination.fence import FencedMailbox
from reinstate_service.model import (
    AccountRef,
    Item,
)
from reinstate_service.restore.context import Context
from reinstate_service.restore.failures import Failures
from reinstate_service.restore.fencing import settle
from reinstate_service.restore.folders import restore_folders
from reinstate_service.restore.grants import renew_grants
from reinstate_service.restore.item_pass import ItemPass
from reinstate_service.restore.recorder import Recorder
from reinstate_service.source.contract import ItemRecord
from reinstate_service.threads import TURN

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
        places = restore_folders(context, recorder, mailbox, containers)
        fresh = not context.journal.progress.tallies(recorder.stream)
        pass_ = ItemPass(context, recorder, mailbox, places, ref, state=state, fresh=fresh)
        failures = Failures(context, recorder.stream if unfinished else None)
        passed = "" if unfinished else _passed(context, recorder, state)
        if passed:
            settled = sum(tally.count for tally in tallies)
            context.observer.items(restored=0, skipped=0, failed=0, already=settled, size=0)
        with closing(pass_):
            batches = _batches(failures.without(context.source.items(ref.id, passed)))
            for batch in TURN.each(batches):
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
