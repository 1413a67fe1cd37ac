"""How far each restore is: the questions that the `progress` projection answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from reinstate_journal.catalogue import Moment, Outcome
from reinstate_journal.events import DeliveryIntended

if TYPE_CHECKING:
    from reinstate_journal.journal import Recorded


class Restore(msgspec.Struct, frozen=True):
    """A backup that is restored to a destination."""

    restore: str
    backup: str
    server_id: str
    product: str
    destination: str
    destination_id: str
    created_at: Moment


class Run(msgspec.Struct, frozen=True):
    """A process that worked on a restore.

    `outcome` is empty and `ended_at` None while it works, or when it was cut
    off. `phase` is the last one started and `completed` the last one completed
    in this run, 0 for none.
    """

    restore: str
    run: int
    epoch: int
    version: str
    options: dict[str, Any]
    last_scan: int | None
    started_at: Moment
    ended_at: Moment | None
    outcome: str
    reason: str
    phase: int
    completed: int


class Account(msgspec.Struct, frozen=True):
    """An account of a restore: `state` is open, completed, skipped or failed.

    `failure` (a class), `reason` and `phase` tell of the failure, `reason` and
    `items` of why it was skipped and how much it holds. `items_state` is the
    stamp at which all its items had ended, None when some are open.
    `quota_due` is the quota (bytes, 0 for none) to be put back, None when none
    is due.
    """

    restore: str
    account: str
    address: str
    state: str
    failure: str
    reason: str
    phase: int | None
    items_state: str | None
    quota_due: int | None
    items: int | None


class Ended(msgspec.Struct, frozen=True):
    """How a step ended, in the event at `position`.

    For a step that is done, `reason` is empty and `size` 0; for one that
    failed, `reason` is the class of the failure.
    """

    outcome: Outcome
    reason: str
    size: int
    position: int


class Tally(msgspec.Struct, frozen=True):
    """How many items of an account, of how many bytes together, ended alike."""

    account: str
    outcome: Outcome
    reason: str
    count: int
    bytes: int


class QuotaDue(msgspec.Struct, frozen=True):
    """A quota (bytes, 0 for none) that was lifted and must be put back."""

    account: str
    address: str
    quota: int


class OpenIntent(msgspec.Struct, frozen=True):
    """An intent whose outcome is not recorded: what stands at `uidnext` or above it may be of it,
    except for the UIDs in `settled`, a sequence-set (RFC 3501 §9)."""

    intent: DeliveryIntended
    recorded_at: Moment
    uidnext: int
    settled: str


class Progress(Protocol):
    """Answers from the journal as it is at the moment of the question.

    What the asking thread has appended is always in the answer.
    """

    def restores(self) -> list[Restore]:
        """All restores of the journal, oldest first."""

    def restore(self, restore: str) -> Restore | None:
        """One restore."""

    def runs(self, restore: str) -> list[Run]:
        """All runs of a restore by their number."""

    def last_run(self, restore: str) -> Run | None:
        """The run with the highest number."""

    def ended(self, stream: str, steps: Sequence[str]) -> dict[str, Ended]:
        """Those of the `steps` that have ended, and how."""

    def any_ended(self, stream: str, prefix: str) -> bool:
        """Whether a step of the stream has ended whose identity begins with `prefix` (ASCII)."""

    def account(self, restore: str, account: str) -> Account | None:
        """One account; None when no event has told of it."""

    def accounts(self, restore: str, state: str | None = None) -> Iterator[Account]:
        """The accounts of a restore (in that state), by account id."""

    def tallies(self, stream: str) -> list[Tally]:
        """What became of the items in one account's stream."""

    def all_tallies(self, restore: str) -> Iterator[Tally]:
        """What became of the items in each account of a restore, by account id."""

    def quotas_due(self, restore: str) -> list[QuotaDue]:
        """The quotas that must be put back, by account id."""

    def open_intents(self, stream: str) -> list[OpenIntent]:
        """The intents of a stream whose outcome is not recorded, in their order."""

    def failures_of(self, stream: str) -> Iterator[Recorded]:
        """The events of all steps of one stream that failed or are in doubt now, in their order.
        Looks at every step of the stream."""

    def failures(self, restore: str, after: int = 0) -> Iterator[Recorded]:
        """The events behind position `after` of all steps that failed or are in doubt now, in
        their order."""
