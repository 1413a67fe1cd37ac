"""The deliveries of one account over several connections: each works on batches of its own.

While a server takes messages in it waits for its disk, and can take in others over another
connection meanwhile. What is sent over one is stored in its order; between two there is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.fence import Answered, ConnectionLost
from reinstate_service.destination.imap.delivery import Deliveries
from reinstate_service.destination.imap.ends import Ends
from reinstate_service.model import Path

T = TypeVar("T")
#: A folder, and a digest.
_Content = tuple[Path, str]

#: How often further connections are made for an account, also in place of those that broke.
_CHANCES = 5


class Lanes:
    """`first` can always be had; `further` makes another one, or answers None. There are at
    most so many as `most`. Used by one thread, as is the first connection when it has caught up;
    those that work for it call `as_one`."""

    def __init__(
        self,
        first: Deliveries,
        further: Callable[[], Deliveries | None],
        most: int,
        ends: Ends,
        as_one: Callable[[], None],
    ) -> None:
        self._first = first
        self._as_one = as_one
        self._lanes = [_Lane(first, as_one)]
        self._further = further
        self._most = most
        self._ends = ends
        self._chances = _CHANCES
        self._order: deque[_Lane] = deque()

    @property
    def ahead(self) -> int:
        """Each connection works on one batch and has another one waiting."""
        return 2 * self._most - 1

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Begins to send a batch over the connection that has the least to do. Raises
        ConnectionLost and Busy, after which the outcome of every batch under way is not known."""
        with self._all_or_nothing():
            lane = self._behind_twins(deliveries) or self._idlest()
            self._order.append(lane)
            lane.send(deliveries)

    def answers(self) -> Answered:
        """What became of the oldest batch under way. Raises as `send` does."""
        with self._all_or_nothing():
            return self._order.popleft().answers()

    def catch_up(self) -> None:
        """Lets the first connection be given other commands. Raises as `send` does."""
        with self._all_or_nothing():
            self._lanes[0].catch_up()

    def close(self) -> None:
        """Closes all connections."""
        for lane in self._lanes:
            lane.close()

    def _behind_twins(self, deliveries: Sequence[Delivery]) -> _Lane | None:
        """The connection over which the same content goes to the same folder. Which ones of such
        messages a server has stored, of whatever flags and dates, is told by their order alone."""
        contents = _contents_of(deliveries)
        found = [one for one in self._lanes if one.sends_any_of(contents)]
        for other in found[1:]:
            other.catch_up()
        return found[0] if found else None

    def _idlest(self) -> _Lane:
        lane = min(self._lanes, key=lambda one: one.under_way)
        if not lane.under_way or len(self._lanes) == self._most:
            return lane
        self._chances -= 1
        further = self._further() if self._chances >= 0 else None
        if further is None:
            self._most = len(self._lanes)
            return lane
        self._lanes.append(_Lane(further, self._as_one))
        return self._lanes[-1]

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._begin_anew(patiently=isinstance(error, ConnectionLost))
            raise

    def _begin_anew(self, *, patiently: bool) -> None:
        """Ends what is under way; who is patient waits until the server has stored what is."""
        for lane in self._lanes:
            if patiently:
                with suppress(ReinstateError):  # what went wrong first is told
                    lane.catch_up()
            lane.drop()
        self._lanes = [_Lane(self._first, self._as_one)]
        self._order.clear()
        self._ends.forget()


def _contents_of(deliveries: Sequence[Delivery]) -> frozenset[_Content]:
    return frozenset((one.path, one.item.digest) for one in deliveries)


class _Lane:
    """One connection, and the thread that waits for it. After an error nothing more is done."""

    def __init__(self, deliveries: Deliveries, as_one: Callable[[], None]) -> None:
        self._deliveries = deliveries
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lane", initializer=as_one)
        self._sent: deque[tuple[Future[None], frozenset[_Content]]] = deque()
        self._broken = False

    @property
    def under_way(self) -> int:
        """How many batches."""
        return len(self._sent)

    def sends_any_of(self, contents: frozenset[_Content]) -> bool:
        """Whether any of them is under way."""
        return any(not contents.isdisjoint(sent) for _, sent in self._sent)

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Begins to send a batch, behind those that are under way."""
        sending = self._begin(lambda: self._deliveries.send(deliveries))
        self._sent.append((sending, _contents_of(deliveries)))

    def answers(self) -> Answered:
        """See `Lanes`."""
        self._sent[0][0].result()
        answered = self._begin(self._deliveries.answers).result()
        self._sent.popleft()
        return answered

    def catch_up(self) -> None:
        """See `Lanes`."""
        if self._sent:
            self._begin(self._deliveries.catch_up).result()

    def drop(self) -> None:
        """Gives up the connection, whatever is under way."""
        self._deliveries.cut()
        self._thread.shutdown(cancel_futures=True)
        self._deliveries.drop()

    def close(self) -> None:
        """Logs out; not if anything is under way."""
        if self._sent:
            self.drop()
        self._thread.shutdown()
        self._deliveries.close()

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        return self._thread.submit(self._do, work)

    def _do(self, work: Callable[[], T]) -> T:
        if self._broken:
            raise ConnectionLost(destination="the server", detail="while something else was sent")
        try:
            return work()
        except BaseException:
            self._broken = True
            raise
