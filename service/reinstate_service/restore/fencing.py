"""Exactly once where the destination names messages itself: an intent, the effect, the outcome.

The intent is durable before anything is sent: where each mailbox ended, and what goes there.
The next batches are sent while the server still works on the one before, over several connections
in whatever order it stores them. When a batch is recorded, so is it which UIDs above the fences of
those that are still open are its own.

When the process or a connection dies before the outcome is recorded, what stands above the fence
and is not of what is recorded is compared with the intents, by content. What is there is recorded
as restored; what is not there is delivered; what cannot be told is recorded as in doubt and left.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from reinstate_journal.catalogue import Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    DeliveriesSettled,
    DeliveryIntended,
    IntendedItem,
    ItemInDoubt,
    ItemRestored,
    OldestDeliveriesSettled,
)
from reinstate_journal.progress import OpenIntent
from reinstate_service.destination.contract import Delivered, Delivery
from reinstate_service.destination.fence import Arrivals, Fence, FencedMailbox, Placed
from reinstate_service.destination.uids import UidSet, uids_in
from reinstate_service.model import MAIL_TYPES, Flag, Item, ItemType, Path
from reinstate_service.restore.context import Context
from reinstate_service.restore.recognition import Fingerprint, Recognised, fingerprint, recognise
from reinstate_service.restore.recorder import Recorder
from reinstate_service.restore.tasks import Task, events_of, still_open
from reinstate_service.source.contract import ItemError

#: After so many seconds a server has stored what a dead session had sent, or never will.
_LONG_AGO = 3600
_UNREAD = "the backup's content, to compare it with what has arrived, cannot be read"


class _Open(NamedTuple):
    """An intent whose outcome is open: `settled` are the UIDs at its fence, `uidnext`, or above
    it that are of what is recorded."""

    intent: DeliveryIntended
    uidnext: int
    settled: UidSet = UidSet()

    def without(self, placed: Placed | None) -> _Open:
        """The same when that is recorded as well."""
        if placed is None or placed.uidvalidity != self.intent.uidvalidity:
            return self
        return _Open(self.intent, *(self.settled | placed.uids).above(self.uidnext))


class FencedSender:
    """Delivers with the intent recorded before. The next batches are sent while the server still
    works on those before, so that it always has something to do."""

    in_order = True

    def __init__(self, recorder: Recorder, mailbox: FencedMailbox) -> None:
        self._recorder = recorder
        self._mailbox = mailbox
        self._under_way: deque[list[_Open]] = deque()
        self._settled: Sequence[Event] = ()

    @property
    def ahead(self) -> int:
        """See `Sender`."""
        return self._mailbox.ahead

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """See `Sender`."""
        by_path: dict[Path, list[Item]] = defaultdict(list)
        for one in deliveries:
            if one.item.type in MAIL_TYPES:
                by_path[one.path].append(one.item)
        fences = [self._mailbox.fence(path) for path in by_path]
        intents = [_intent(fence, by_path[fence.path]) for fence in fences]
        self._recorder.append(*intents)
        reach(At.DELIVERY_INTENDED)
        self._mailbox.send(deliveries)
        self._under_way.append([_Open(one, one.uidnext) for one in intents])

    def answers(self) -> Sequence[Sequence[Delivered]]:
        """See `Sender`. All batches under way if the server does not tell which messages are of
        the oldest, in a mailbox that others of them share."""
        answered = [self._mailbox.answers()]
        settled = {one.intent.path for one in self._under_way.popleft()}
        placed = answered[0].placed
        if settled & {one.intent.path for one in self._open()} - placed.keys():
            while self._under_way:
                answered.append(self._mailbox.answers())
                self._under_way.popleft()
        for batch in self._under_way:
            batch[:] = [one.without(placed.get(one.intent.path)) for one in batch]
        self._settled = [_settling(list(self._open()))] if settled else ()
        return [one.delivered for one in answered]

    def settled(self) -> Sequence[Event]:
        """See `Sender`."""
        return self._settled

    def forget(self) -> None:
        """See `Sender`."""
        self._under_way.clear()

    def _open(self) -> Iterator[_Open]:
        return (one for batch in self._under_way for one in batch)


def _intent(fence: Fence, items: Iterable[Item]) -> DeliveryIntended:
    return DeliveryIntended(
        path=fence.path,
        uidvalidity=fence.uidvalidity,
        uidnext=fence.uidnext,
        items=tuple(IntendedItem(one.id, one.folder, one.digest, one.size) for one in items),
    )


def _settling(still: Sequence[_Open]) -> DeliveriesSettled | OldestDeliveriesSettled:
    """What is recorded with the outcomes of all intents but these."""
    if not still:
        return DeliveriesSettled()
    above = tuple(str(one.settled) for one in still)
    return OldestDeliveriesSettled(tuple(one.uidnext for one in still), above if any(above) else ())


def settle(context: Context, recorder: Recorder, mailbox: FencedMailbox) -> None:
    """Records what became of the deliveries whose outcome is open; nothing if none is.

    Raises Interrupted, DestinationError, BackupError.
    """
    recorded = context.journal.progress.open_intents(recorder.stream)
    if not recorded:
        return
    open_ = _together(recorded)
    settling = _Settling(context, mailbox)
    found = [settling.look(one) for one in open_]
    intended = sum(len(one.intent.items) for one in open_)
    latest = max(one.recorded_at for one in recorded)
    storing = time.time() - latest / 1000 < _LONG_AGO
    while storing and (there := _there(found)) < intended:
        # A server may still be storing what the session that died had sent.
        context.stop.wait(mailbox.quiet)
        context.check_stop()
        found = [settling.look(one) for one in open_]
        storing = _there(found) > there
    reach(At.ARRIVALS_COMPARED)
    events: list[Event] = []
    for one, recognised in zip(open_, found, strict=True):
        events += _outcomes(recorder, one.intent, recognised)
    recorder.append(*events, DeliveriesSettled())


def _there(found: Iterable[Recognised]) -> int:
    return sum(len(one.there) for one in found)


def _together(recorded: Iterable[OpenIntent]) -> list[_Open]:
    """One intent for each mailbox: of those that were under way at once, each may hold the same
    content, and have it above the fence of another."""
    merged: dict[tuple[Path, int], _Open] = {}
    for one in recorded:
        place = one.intent.path, one.intent.uidvalidity
        intent, uidnext, settled = one.intent, one.uidnext, uids_in(one.settled)
        if (known := merged.get(place)) is not None:
            intent = replace(known.intent, items=known.intent.items + intent.items)
            uidnext, settled = min(known.uidnext, uidnext), known.settled | settled
        merged[place] = _Open(intent, uidnext, settled)
    return list(merged.values())


class _Settling:
    """Looks above fences."""

    def __init__(self, context: Context, mailbox: FencedMailbox) -> None:
        self._source = context.source
        self._mailbox = mailbox

    def look(self, open_: _Open) -> Recognised:
        """What of the intent is there now."""
        intent = open_.intent
        arrivals = self._mailbox.arrivals(Fence(intent.path, intent.uidvalidity, open_.uidnext))
        # Its UIDs say nothing where the mailbox is not the one that they are of.
        settled = open_.settled if arrivals.holds else UidSet()
        messages = [one for one in arrivals.messages if one.uid not in settled]
        if not messages:
            return Recognised({}, {})
        intended = {one.step(): one for one in intent.items}
        prints = {step: known for step, one in intended.items() if (known := self._print(one))}
        unread = dict.fromkeys(intended.keys() - prints.keys(), _UNREAD)
        found = recognise(prints, messages, lambda uid: self._mailbox.message(arrivals.path, uid))
        return _believed(arrivals, Recognised(found.there, {**found.doubtful, **unread}))

    def _print(self, one: IntendedItem) -> Fingerprint | None:
        item = Item(one.item, ItemType.MESSAGE, one.folder, 0, one.size, one.digest, Flag(0))
        try:
            return fingerprint(self._source.content(item))
        except ItemError:
            return None


def _believed(arrivals: Arrivals, found: Recognised) -> Recognised:
    """What was found, unless nothing tells which messages are older than the fence."""
    if arrivals.holds:
        return found
    reason = "its mailbox was renamed, made anew or renumbered, and holds a message like it"
    return Recognised({}, {**found.doubtful, **dict.fromkeys(found.there, reason)})


def _outcomes(recorder: Recorder, intent: DeliveryIntended, found: Recognised) -> list[Event]:
    tasks: Mapping[str, Task] = {
        one.step(): Task(one.item, one.digest, event=event)
        for one in intent.items
        if (event := _outcome(one, found)) is not None
    }
    steps = {step for task in tasks.values() for step in (task.step, task.unread_step)}
    still = still_open(tasks.values(), recorder.ended(steps))
    return [event for task in still for event in events_of(task, task.event)]


def _outcome(one: IntendedItem, found: Recognised) -> ItemRestored | ItemInDoubt | None:
    if (match := found.there.get(one.step())) is not None:
        served = match.message.served
        same = served.size == one.size and not match.probable
        return ItemRestored(
            item=one.item,
            folder=one.folder,
            digest=one.digest,
            size=one.size,
            probable=match.probable,
            served_digest="" if same else served.digest,
            served_size=0 if same else served.size,
        )
    if (reason := found.doubtful.get(one.step())) is not None:
        return ItemInDoubt(
            item=one.item, folder=one.folder, reason=reason, digest=one.digest, size=one.size
        )
    return None
