"""Exactly once where the destination names messages itself: an intent, the effect, the outcome.

The intent is durable before anything is sent: where each mailbox ended, and what goes there.
When the process or the connection dies before the outcome is recorded, what stands above the
fence is compared with the intent, by content. What is there is recorded as restored; what is
not there is delivered; what cannot be told is recorded as in doubt and left.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from reinstate_journal.catalogue import Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    DeliveriesSettled,
    DeliveryIntended,
    IntendedItem,
    ItemInDoubt,
    ItemRestored,
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


def deliver_fenced(
    recorder: Recorder, mailbox: FencedMailbox, deliveries: Sequence[Delivery]
) -> Sequence[Delivered]:
    """Delivers, with the intent recorded before. Raises ConnectionLost."""
    by_path: dict[Path, list[Delivery]] = defaultdict(list)
    for one in deliveries:
        if is_mail(one.item):
            by_path[one.path].append(one)
    fences = [mailbox.fence(path) for path in by_path]
    recorder.append(*(_intent(fence, by_path[fence.path]) for fence in fences))
    reach(At.DELIVERY_INTENDED)
    return mailbox.deliver(deliveries)


def is_mail(item: Item | None) -> bool:
    """Whether the item is one that is delivered behind a fence: others are none of a mailbox."""
    return item is not None and item.type in MAIL_TYPES


def _intent(fence: Fence, deliveries: Iterable[Delivery]) -> DeliveryIntended:
    items = (one.item for one in deliveries)
    return DeliveryIntended(
        path=fence.path,
        uidvalidity=fence.uidvalidity,
        uidnext=fence.uidnext,
        items=tuple(IntendedItem(one.id, one.folder, one.digest, one.size) for one in items),
    )


def settle(context: Context, recorder: Recorder, mailbox: FencedMailbox) -> None:
    """Records what became of the deliveries whose outcome is open; nothing if none is.

    Raises Interrupted, DestinationError, BackupError.
    """
    recorded = context.journal.progress.open_intents(recorder.stream)
    if not recorded:
        return
    intents = [cast("DeliveryIntended", one.event) for one in recorded]
    settling = _Settling(context, mailbox)
    found = [settling.look(intent) for intent in intents]
    latest = max(one.recorded_at for one in recorded)
    if time.time() - latest / 1000 < _LONG_AGO and not all(
        len(one.there) == len(intent.items) for one, intent in zip(found, intents, strict=True)
    ):
        # A server may still be storing what the session that died had sent.
        context.stop.wait(mailbox.quiet)
        context.check_stop()
        found = [settling.look(intent) for intent in intents]
    reach(At.ARRIVALS_COMPARED)
    events: list[Event] = []
    for intent, recognised in zip(intents, found, strict=True):
        events += _outcomes(recorder, intent, recognised)
    recorder.append(*events, DeliveriesSettled())


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
