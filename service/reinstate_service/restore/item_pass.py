"""One pass over an account's items: what is to be delivered, delivered, and recorded."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from reinstate_journal.catalogue import Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    ItemFailed,
    ItemRestored,
    ItemSkipped,
    ItemsPassed,
    KeywordsLeftOut,
    item_step,
)
from reinstate_service.destination.contract import Delivered, Delivery, Mailbox, OverlappingMailbox
from reinstate_service.destination.fence import ConnectionLost, FencedMailbox
from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.model import AccountRef, Item, Path, UnreadableItem
from reinstate_service.restore.context import Context
from reinstate_service.restore.fencing import FencedSender, settle
from reinstate_service.restore.recorder import Recorder
from reinstate_service.restore.selection import reason_to_skip
from reinstate_service.restore.sending import DirectSender, OverlappingSender, Sender
from reinstate_service.restore.tasks import Task, events_of, outcome, saving, still_open
from reinstate_service.source.contract import ItemRecord
from reinstate_service.threads import Behind

#: How often a batch is tried whose connection breaks.
_ATTEMPTS = 5


def _last_item(batch: Sequence[ItemRecord]) -> str:
    """The last record that is of an item; behind the items comes what is none."""
    numbered = (one.id for one in reversed(batch) if not isinstance(one, UnreadableItem))
    return next(numbered, "")


def delivery_name(restore: str, account: str, item: str, digest: str) -> str:
    """The name by which a destination recognises the item: the same in every run."""
    identity = "\0".join((restore, account, item_step(item, digest)))
    return f"R{hashlib.sha256(identity.encode()).hexdigest()[:20]}"


class _Batch(NamedTuple):
    """A batch on its way; `items` are those of its tasks that are delivered."""

    records: Sequence[ItemRecord]
    tasks: Sequence[Task]
    items: Sequence[Item]


class ItemPass:
    """One pass over an account's items, whose folders are at `places`. `state` is that of the
    account and of the options that select items; `fresh`: the journal knows of none of them."""

    def __init__(
        self,
        context: Context,
        recorder: Recorder,
        mailbox: Mailbox,
        places: Mapping[str, Path],
        ref: AccountRef,
        *,
        state: str,
        fresh: bool,
    ) -> None:
        self._context = context
        self._recorder = recorder
        self._fenced = mailbox if isinstance(mailbox, FencedMailbox) else None
        self._sender: Sender
        if self._fenced is not None:
            self._sender = FencedSender(recorder, self._fenced)
        elif isinstance(mailbox, OverlappingMailbox):
            self._sender = OverlappingSender(mailbox)
        else:
            self._sender = DirectSender(mailbox)
        self._places = places
        self._ref = ref
        self._state = state
        self._fresh = fresh
        self._begun: deque[_Batch] = deque()
        self._behind = Behind()
        #: Waits for what is being recorded behind. Raises what that raised.
        self._recorded: Callable[[], None] = lambda: None
        self._left_out = {
            folder: set(keywords)
            for folder, keywords in context.journal.containers.left_out(recorder.stream).items()
        }

    def restore(self, records: Sequence[ItemRecord]) -> None:
        """Decides, delivers what is to be delivered, and records it, at the latest with `finish`.
        A connection that breaks meanwhile is made anew. Raises ConnectionLost when that does not
        help."""
        try:
            self._begin(records)
            while len(self._begun) > self._sender.ahead:
                self._end()
        except ConnectionLost:
            self._begin_anew()

    def finish(self) -> None:
        """Records everything that is under way. Raises as `restore` does."""
        try:
            while self._begun:
                self._end()
        except ConnectionLost:
            self._begin_anew()

    def close(self) -> None:
        """What is being recorded is through, whatever becomes of it."""
        self._behind.close()

    def _begin_anew(self) -> None:
        """Delivers what was under way when the connection broke, one batch after the other."""
        broken = [batch.records for batch in self._begun]
        attempt = 1
        while broken:
            self._begun.clear()
            self._sender.forget()
            if self._fenced is not None:
                settle(self._context, self._recorder, self._fenced)
            self._fresh = False
            try:
                self._begin(broken[0])
                self._end()
            except ConnectionLost:
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise
            else:
                del broken[0]

    def _begin(self, records: Sequence[ItemRecord]) -> None:
        tasks = self._open_tasks([self._task(record) for record in records])
        reach(At.BATCH_DECIDED)
        items = [task.item for task in tasks if task.item is not None]
        self._begun.append(_Batch(records, tasks, items))
        self._sender.send([self._delivery(item) for item in items])

    def _end(self) -> None:
        """Records all of the oldest batch in one append, or of several; if the sender allows it,
        while the next one is under way."""
        answered = self._sender.answers()
        reach(At.BATCH_DELIVERED)
        batches = [self._begun.popleft() for _ in answered]
        events: list[Event] = []
        for batch, answers in zip(batches, answered, strict=True):
            outcomes = {
                item_step(item.id, item.digest): outcome(self._lying(item, answer), answer)
                for item, answer in zip(batch.items, answers, strict=True)
            }
            for task in batch.tasks:
                events += events_of(task, task.event or outcomes.get(task.step))
            events += self._news_of_keywords(outcomes.values())
            events += saving(batch.items, answers)
        events += self._sender.settled()
        if events and (passed := _last_item(batches[-1].records)):
            events.append(ItemsPassed(state=self._state, item=passed))
        record = partial(self._record, events, sum(len(batch.records) for batch in batches))
        if self._begun and not self._sender.in_order:
            self._recorded = self._behind.start(record)
        else:
            self._recorded()
            record()

    def _record(self, events: Sequence[Event], looked_at: int) -> None:
        self._recorder.append(*events)
        self._tell(events, looked_at)
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
        kinds = Counter(map(type, events))
        restored, skipped, failed = kinds[ItemRestored], kinds[ItemSkipped], kinds[ItemFailed]
        self._context.observer.items(
            restored=restored,
            skipped=skipped,
            failed=failed,
            already=looked_at - restored - skipped - failed,
            size=sum(one.size for one in events if isinstance(one, ItemRestored)),
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

    def _lying(self, item: Item, answer: Delivered) -> Item:
        """The item in the folder where it was found."""
        if answer.elsewhere is None:
            return item
        folders = (one for one in item.other_folders if self._places.get(one) == answer.elsewhere)
        return replace(item, folder=next(folders))

    def _delivery(self, item: Item) -> Delivery:
        return Delivery(
            name=self._name(item),
            path=self._places[item.folder],
            item=item,
            keywords=tuple(keyword_of(tag) for tag in item.tags),
            content=partial(self._context.source.content, item),
            elsewhere=self._elsewhere(item),
            packed=partial(self._context.source.packed, item),
        )

    def _name(self, item: Item) -> str:
        """Nothing where items are recognised by a fence: a digest for each costs time."""
        if self._fenced is not None:
            return ""
        return delivery_name(self._context.log.restore, self._ref.id, item.id, item.digest)

    def _elsewhere(self, item: Item) -> tuple[Path, ...]:
        """Where a run that died may have put it, before a newer scan found it moved."""
        if not item.other_folders:
            return ()
        here = self._places[item.folder]
        places = (self._places.get(folder, here) for folder in item.other_folders)
        return tuple(place for place in dict.fromkeys(places) if place != here)
