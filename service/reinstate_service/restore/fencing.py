"""Exactly once where the destination names messages itself: an intent, the effect, the outcome.

The intent is durable before anything is sent: where each mailbox ended, and what goes there.
The next batch is sent while the server still works on the one before; when that one's outcome
is recorded, so is it that the fences of the next one stand above it now.

When the process or the connection dies before the outcome is recorded, what stands above the
fence is compared with the intent, by content. What is there is recorded as restored; what is
not there is delivered; what cannot be told is recorded as in doubt and left.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

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
from reinstate_service.destination.contract import Delivered, Delivery
from reinstate_service.destination.fence import Arrivals, Fence, FencedMailbox
from reinstate_service.model import MAIL_TYPES, Flag, Item, ItemType, Path
from reinstate_service.restore.context import Context
from reinstate_service.restore.recognition import Fingerprint, Recognised, fingerprint, recognise
from reinstate_service.restore.recorder import Recorder
from reinstate_service.restore.tasks import Task, events_of, still_open
from reinstate_service.source.contract import ItemError

#: After so many seconds a server has stored what a dead session had sent, or never will.
_LONG_AGO = 3600
_UNREAD = "the backup's content, to compare it with what has arrived, cannot be read"


class FencedSender:
    """Delivers with the intent recorded before. The next batch is sent while the server still
    works on the one before, so that it always has something to do."""

    ahead = 1
    in_order = True

    def __init__(self, recorder: Recorder, mailbox: FencedMailbox) -> None:
        self._recorder = recorder
        self._mailbox = mailbox
        self._under_way: deque[list[DeliveryIntended]] = deque()
        self._settled: Sequence[Event] = ()

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
        self._under_way.append(intents)

    def answers(self) -> Sequence[Sequence[Delivered]]:
        """See `Sender`. Several batches if what one has put into a mailbox cannot be told from
        what the next one puts there: messages were refused at first and sent again behind it, or
        the server does not tell UIDs."""
        answered = [self._mailbox.answers()]
        settled = self._under_way.popleft()
        ends = answered[0].ends
        shared = {one.path for one in settled} & {one.path for one in self._open()}
        if not shared <= ends.keys():
            while self._under_way:
                answered.append(self._mailbox.answers())
                settled += self._under_way.popleft()
        for intents in self._under_way:
            intents[:] = [_above(ends.get(one.path), one) for one in intents]
        uidnexts = tuple(one.uidnext for one in self._open())
        settling = OldestDeliveriesSettled(uidnexts) if uidnexts else DeliveriesSettled()
        self._settled = (settling,) if settled else ()
        return [one.delivered for one in answered]

    def settled(self) -> Sequence[Event]:
        """See `Sender`."""
        return self._settled

    def forget(self) -> None:
        """See `Sender`."""
        self._under_way.clear()

    def _open(self) -> Iterator[DeliveryIntended]:
        return (one for intents in self._under_way for one in intents)


def _intent(fence: Fence, items: Iterable[Item]) -> DeliveryIntended:
    return DeliveryIntended(
        path=fence.path,
        uidvalidity=fence.uidvalidity,
        uidnext=fence.uidnext,
        items=tuple(IntendedItem(one.id, one.folder, one.digest, one.size) for one in items),
    )


def _above(end: Fence | None, intent: DeliveryIntended) -> DeliveryIntended:
    """The intent with its fence where the mailbox ended behind the batch before."""
    if end is None or end.uidvalidity != intent.uidvalidity:
        return intent
    return replace(intent, uidnext=max(intent.uidnext, end.uidnext))


def settle(context: Context, recorder: Recorder, mailbox: FencedMailbox) -> None:
    """Records what became of the deliveries whose outcome is open; nothing if none is.

    Raises Interrupted, DestinationError, BackupError.
    """
    recorded = context.journal.progress.open_intents(recorder.stream)
    if not recorded:
        return
    intents = _together(cast("DeliveryIntended", one.event) for one in recorded)
    settling = _Settling(context, mailbox)
    found = [settling.look(intent) for intent in intents]
    intended = sum(len(intent.items) for intent in intents)
    latest = max(one.recorded_at for one in recorded)
    storing = time.time() - latest / 1000 < _LONG_AGO
    while storing and (there := _there(found)) < intended:
        # A server may still be storing what the session that died had sent.
        context.stop.wait(mailbox.quiet)
        context.check_stop()
        found = [settling.look(intent) for intent in intents]
        storing = _there(found) > there
    reach(At.ARRIVALS_COMPARED)
    events: list[Event] = []
    for intent, recognised in zip(intents, found, strict=True):
        events += _outcomes(recorder, intent, recognised)
    recorder.append(*events, DeliveriesSettled())


def _there(found: Iterable[Recognised]) -> int:
    return sum(len(one.there) for one in found)


def _together(intents: Iterable[DeliveryIntended]) -> list[DeliveryIntended]:
    """One intent for each mailbox: of two that were under way at once, the fence of the second
    stands below what the first has put there, and either may hold the same content."""
    merged: dict[tuple[Path, int], DeliveryIntended] = {}
    for one in intents:
        known = merged.setdefault((one.path, one.uidvalidity), one)
        if known is not one:
            merged[one.path, one.uidvalidity] = replace(
                known, uidnext=min(known.uidnext, one.uidnext), items=known.items + one.items
            )
    return list(merged.values())


class _Settling:
    """Looks above fences."""

    def __init__(self, context: Context, mailbox: FencedMailbox) -> None:
        self._source = context.source
        self._mailbox = mailbox

    def look(self, intent: DeliveryIntended) -> Recognised:
        """What of the intent is there now."""
        fence = Fence(intent.path, intent.uidvalidity, intent.uidnext)
        arrivals = self._mailbox.arrivals(fence)
        if not arrivals.messages:
            return Recognised({}, {})
        intended = {one.step(): one for one in intent.items}
        prints = {step: known for step, one in intended.items() if (known := self._print(one))}
        unread = dict.fromkeys(intended.keys() - prints.keys(), _UNREAD)
        found = recognise(
            prints, arrivals.messages, lambda uid: self._mailbox.message(arrivals.path, uid)
        )
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
