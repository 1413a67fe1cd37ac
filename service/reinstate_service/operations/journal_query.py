"""Which events of a journal somebody wants to see."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import takewhile

from reinstate_journal.catalogue import Event
from reinstate_journal.errors import UsageError
from reinstate_journal.events import CATALOGUE, account_stream
from reinstate_journal.journal import Reader, Recorded
from reinstate_service.model import Frozen


class Query(Frozen, frozen=True):
    """The events behind position `after` and before `before`, recorded from `since` on and before
    `until` (milliseconds), of an `account` (address or id) and of some `types` (names); None and
    empty narrow nothing."""

    after: int = 0
    before: int | None = None
    since: int | None = None
    until: int | None = None
    account: str | None = None
    types: tuple[str, ...] = ()

    @property
    def is_all_behind(self) -> bool:
        """Whether it is narrowed by nothing but `after`."""
        return self == Query(after=self.after)


def account_addresses(journal: Reader) -> dict[str, str]:
    """The address of every account's stream."""
    return {
        account_stream(restore.restore, account.account): account.address or account.account
        for restore in journal.progress.restores()
        for account in journal.progress.accounts(restore.restore)
    }


def query_events(journal: Reader, query: Query) -> Iterator[Recorded]:
    """The events, in order. Raises UsageError for a type or an account that is not known."""
    types = [_type(name) for name in query.types] or None
    after = query.after
    if query.since is not None:
        after = max(after, _last_before(journal, query.since))
    if query.account is None:
        found = journal.read(after=after, types=types)
    else:
        streams = _streams(journal, query.account)
        parts = [journal.read(stream=stream, after=after, types=types) for stream in streams]
        found = merge(*parts, key=lambda recorded: recorded.position)
    return takewhile(lambda recorded: _is_within(recorded, query), found)


def _is_within(recorded: Recorded, query: Query) -> bool:
    return (query.before is None or recorded.position < query.before) and (
        query.until is None or recorded.recorded_at < query.until
    )


def _last_before(journal: Reader, moment: int) -> int:
    """The position of the last event that was recorded before a moment; 0 if there is none."""
    low, high = 0, journal.head().position
    while low < high:
        middle = (low + high + 1) // 2
        (recorded,) = journal.read(after=middle - 1, limit=1)
        if recorded.recorded_at < moment:
            low = middle
        else:
            high = middle - 1
    return low


def _type(name: str) -> type[Event]:
    if name not in CATALOGUE.types:
        raise UsageError(detail=f"there is no event {name!r}; docs/events.md lists them")
    return CATALOGUE.types[name]


def _streams(journal: Reader, account: str) -> list[str]:
    wanted = account.lower()
    streams = [
        stream
        for stream, address in account_addresses(journal).items()
        if address.lower() == wanted or stream.rpartition("/")[2].lower() == wanted
    ]
    if not streams:
        raise UsageError(detail=f"the journal knows no account {account}")
    return streams
