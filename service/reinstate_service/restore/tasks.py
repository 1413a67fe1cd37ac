"""What is left to do of a batch of items: pure decisions over what the journal knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.events import (
    ItemFailed,
    ItemInDoubt,
    ItemReopened,
    ItemRestored,
    ItemSkipped,
    SpaceSaved,
    approved,
    item_step,
)
from reinstate_journal.progress import Ended
from reinstate_service.destination.contract import Delivered
from reinstate_service.model import Frozen, Item

#: Outcomes that stand: what is done, and what would be there twice if it were done again.
_SETTLED = frozenset({Outcome.DONE, Outcome.DOUBT})


class Task(Frozen, frozen=True):
    """What to do with one item's record: deliver it, or record the event at once, or neither.

    `reopens` are the earlier outcomes that no longer hold: that of this content, and that of
    the record while it could not be read.
    """

    id: str
    digest: str = ""
    event: ItemSkipped | ItemFailed | ItemRestored | ItemInDoubt | None = None
    item: Item | None = None
    reopens: tuple[ItemReopened, ...] = ()

    @property
    def step(self) -> str:
        """The identity of restoring this content of this item."""
        return item_step(self.id, self.digest)

    @property
    def unread_step(self) -> str:
        """The identity under which the item was recorded while its content was not known."""
        return item_step(self.id, "")


def still_open(tasks: Iterable[Task], ended: Mapping[str, Ended]) -> Iterator[Task]:
    """The tasks that the journal does not know as settled, with what they would reopen."""
    for task in tasks:
        reopens = []
        for digest in dict.fromkeys((task.digest, "")):
            known = ended.get(item_step(task.id, digest))
            if known is None:
                continue
            if known.outcome in _SETTLED:
                task = Task(task.id, task.digest)  # noqa: PLW2901 - nothing is left to do
            else:
                reopened = ItemReopened(
                    item=task.id,
                    was=known.outcome,
                    reason=known.reason,
                    digest=digest,
                    size=known.size,
                )
                reopens.append(reopened)
        if reopens or task.event or task.item:
            yield replace(task, reopens=tuple(reopens))


def events_of(task: Task, ended: Event | None) -> list[Event]:
    """What is recorded of a task that ended so; an outcome that the journal has already is not
    recorded again."""
    reopens = [one for one in task.reopens if ended is None or not _same(one, ended)]
    if ended is None or len(reopens) < len(task.reopens):
        return [*reopens]
    return [*reopens, ended]


def _same(reopened: ItemReopened, ended: Event) -> bool:
    """Whether the new outcome is the one that the journal has already."""
    match ended:
        case ItemSkipped():
            return reopened.was is Outcome.SKIPPED and reopened.reason == ended.reason
        case ItemFailed():
            return reopened.reason in {ended.failure, approved(ended.failure)}
        case _:
            return False


def saving(items: Sequence[Item], answers: Sequence[Delivered]) -> Iterator[SpaceSaved]:
    """What is recorded of the space that items take which were delivered."""
    stored = zip(items, answers, strict=True)
    taken = [(item.size, answer.taken) for item, answer in stored if answer.taken is not None]
    if taken:
        yield SpaceSaved(
            messages=len(taken),
            shared=sum(written == 0 for _, written in taken),
            saved=sum(size - written for size, written in taken),
        )


def outcome(item: Item, answer: Delivered) -> ItemRestored | ItemFailed:
    """What is recorded of an item that was delivered, or was not."""
    if answer.error is None:
        return ItemRestored(
            item=item.id,
            folder=item.folder,
            digest=item.digest,
            size=item.size,
            unrepresented=answer.unrepresented,
            served_digest=answer.served.digest if answer.served else "",
            served_size=answer.served.size if answer.served else 0,
        )
    return ItemFailed(
        item=item.id,
        folder=item.folder,
        failure=type(answer.error).__name__,
        reason=str(answer.error),
        digest=item.digest,
        size=item.size,
    )
