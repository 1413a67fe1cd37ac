"""Phase 2 for one account: its folders, then its items, in batches that are durable as a whole."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    DeliveriesSettled,
    ItemFailed,
    ItemRestored,
    ItemsCompleted,
    ItemSkipped,
    ItemsPassed,
    KeywordsLeftOut,
    QuotaLifted,
    SpaceSaved,
    item_step,
)
from reinstate_service.destination.contract import Delivered, Delivery, Mailbox
from reinstate_service.destination.fence import ConnectionLost, FencedMailbox
from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.model import (
    AccountRef,
    Item,
    Path,
    UnreadableItem,
)
from reinstate_service.restore.context import Context
from reinstate_service.restore.failures import Failures
from reinstate_service.restore.fencing import deliver_fenced, is_mail, settle
from reinstate_service.restore.folders import restore_folders
from reinstate_service.restore.grants import renew_grants
from reinstate_service.restore.recorder import Recorder
from reinstate_service.restore.selection import reason_to_skip
from reinstate_service.restore.tasks import Task, events_of, outcome, saving, still_open
from reinstate_service.source.contract import ItemRecord

#: A batch ends with whichever comes first; both bound memory and what a crash repeats.
BATCH_ITEMS = 2_000
BATCH_BYTES = 64 * 1024 * 1024
#: How often a batch is tried whose connection breaks.
_ATTEMPTS = 5


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
        fenced = mailbox if isinstance(mailbox, FencedMailbox) else None
        if fenced is not None:
            settle(context, recorder, fenced)
        _lift_quota(context, recorder, ref)
        places = restore_folders(context, recorder, mailbox, containers)
        fresh = not context.journal.progress.tallies(recorder.stream)
        pass_ = _Pass(
            context, recorder, mailbox, places, ref, state=state, fenced=fenced, fresh=fresh
        )
        failures = Failures(context, recorder.stream if unfinished else None)
        passed = "" if unfinished else _passed(context, recorder, state)
        if passed:
            settled = sum(tally.count for tally in tallies)
            context.observer.items(restored=0, skipped=0, failed=0, already=settled, size=0)
        for batch in _batches(failures.without(context.source.items(ref.id, passed))):
            context.check_stop()
            pass_.restore(batch)
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


def _last_item(batch: Sequence[ItemRecord]) -> str:
    """The last record that is of an item; behind the items comes what is none."""
    numbered = (one.id for one in reversed(batch) if not isinstance(one, UnreadableItem))
    return next(numbered, "")


def delivery_name(restore: str, account: str, item: str, digest: str) -> str:
    """The name by which a destination recognises the item: the same in every run."""
    identity = "\0".join((restore, account, item_step(item, digest)))
    return f"R{hashlib.sha256(identity.encode()).hexdigest()[:20]}"


class _Pass:
    """One pass over an account's items."""

    def __init__(
        self,
        context: Context,
        recorder: Recorder,
        mailbox: Mailbox,
        places: Mapping[str, Path],
        ref: AccountRef,
        *,
        state: str,
        fenced: FencedMailbox | None,
        fresh: bool,
    ) -> None:
        self._context = context
        self._recorder = recorder
        self._mailbox = mailbox
        self._fenced = fenced
        self._places = places
        self._ref = ref
        self._state = state
        self._fresh = fresh
        self._left_out = {
            folder: set(keywords)
            for folder, keywords in context.journal.containers.left_out(recorder.stream).items()
        }

    def restore(self, batch: Sequence[ItemRecord]) -> None:
        """Decides, delivers what is to be delivered, and records it. A connection that breaks
        meanwhile is made anew. Raises ConnectionLost when that does not help."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._attempt(batch)
            except ConnectionLost:
                if attempt == _ATTEMPTS or self._fenced is None:
                    raise
                settle(self._context, self._recorder, self._fenced)
                self._fresh = False
            else:
                return

    def _attempt(self, batch: Sequence[ItemRecord]) -> None:
        """Restores a batch and records it all in one append."""
        tasks = self._open_tasks([self._task(record) for record in batch])
        reach(At.BATCH_DECIDED)
        outcomes, saved = self._deliver([task.item for task in tasks if task.item is not None])
        reach(At.BATCH_DELIVERED)
        events: list[Event] = []
        for task in tasks:
            events += events_of(task, task.event or outcomes.get(task.step))
        events += self._news_of_keywords(outcomes.values())
        events += saved
        if self._fenced is not None and any(is_mail(task.item) for task in tasks):
            events.append(DeliveriesSettled())
        if events and (passed := _last_item(batch)):
            events.append(ItemsPassed(state=self._state, item=passed))
        self._recorder.append(*events)
        self._tell(events, len(batch))
        self._context.limits.count(events)

    def _news_of_keywords(
        self, outcomes: Iterable[ItemRestored | ItemFailed]
    ) -> Iterator[KeywordsLeftOut]:
        """The keywords without a place that were not told of yet, by folder."""
        news: dict[str, dict[str, None]] = defaultdict(dict)
        for one in outcomes:
            if isinstance(one, ItemRestored) and one.unrepresented:
                known = self._left_out.setdefault(one.folder, set())
                fresh = [word for word in one.unrepresented if word not in known]
                known.update(fresh)
                news[one.folder].update(dict.fromkeys(fresh))
        for folder, keywords in news.items():
            if keywords:
                yield KeywordsLeftOut(folder=folder, keywords=tuple(keywords))

    def _tell(self, events: Sequence[Event], looked_at: int) -> None:
        restored = [one for one in events if isinstance(one, ItemRestored)]
        skipped = sum(isinstance(one, ItemSkipped) for one in events)
        failed = sum(isinstance(one, ItemFailed) for one in events)
        self._context.observer.items(
            restored=len(restored),
            skipped=skipped,
            failed=failed,
            already=looked_at - len(restored) - skipped - failed,
            size=sum(one.size for one in restored),
        )

    def _task(self, record: ItemRecord) -> Task:
        if isinstance(record, UnreadableItem):
            failed = ItemFailed(
                item=record.id, folder="", failure=record.failure, reason=record.reason
            )
            return Task(record.id, event=failed)
        item = record if isinstance(record, Item) else None
        folder, digest, size = (item.folder, item.digest, item.size) if item else ("", "", 0)
        if (reason := reason_to_skip(record, self._context.options)) is not None:
            skipped = ItemSkipped(
                item=record.id, folder=folder, reason=reason, digest=digest, size=size
            )
            return Task(record.id, digest, event=skipped)
        if folder not in self._places:
            failed = ItemFailed(
                item=record.id,
                folder=folder,
                failure="UnknownFolder",
                reason=f"the backup has no folder {folder}",
                digest=digest,
                size=size,
            )
            return Task(record.id, digest, event=failed)
        return Task(record.id, digest, item=item)

    def _open_tasks(self, tasks: list[Task]) -> list[Task]:
        """The tasks that the journal does not know as done, with what they would reopen."""
        if self._fresh:
            return tasks
        steps = {step for task in tasks for step in (task.step, task.unread_step)}
        return list(still_open(tasks, self._recorder.ended(steps)))

    def _deliver(
        self, items: Sequence[Item]
    ) -> tuple[dict[str, ItemRestored | ItemFailed], Iterator[SpaceSaved]]:
        """What became of each, by its step, and of the space that they take."""
        if not items:
            return {}, iter(())
        deliveries = [self._delivery(item) for item in items]
        if self._fenced is None:
            answers = self._mailbox.deliver(deliveries)
        else:
            answers = deliver_fenced(self._recorder, self._fenced, deliveries)
        outcomes = {
            item_step(item.id, item.digest): outcome(self._lying(item, answer), answer)
            for item, answer in zip(items, answers, strict=True)
        }
        return outcomes, saving(items, answers)

    def _lying(self, item: Item, answer: Delivered) -> Item:
        """The item in the folder where it was found."""
        if answer.elsewhere is None:
            return item
        folders = (one for one in item.other_folders if self._places.get(one) == answer.elsewhere)
        return replace(item, folder=next(folders))

    def _delivery(self, item: Item) -> Delivery:
        return Delivery(
            name=delivery_name(self._context.log.restore, self._ref.id, item.id, item.digest),
            path=self._places[item.folder],
            item=item,
            keywords=tuple(keyword_of(tag) for tag in item.tags),
            content=partial(self._context.source.content, item),
            elsewhere=self._elsewhere(item),
            packed=partial(self._context.source.packed, item),
        )

    def _elsewhere(self, item: Item) -> tuple[Path, ...]:
        """Where a run that died may have put it, before a newer scan found it moved."""
        if not item.other_folders:
            return ()
        here = self._places[item.folder]
        places = (self._places.get(folder, here) for folder in item.other_folders)
        return tuple(place for place in dict.fromkeys(places) if place != here)
