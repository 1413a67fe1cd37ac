"""The pace that a server bears: how many accounts at once, and when a thing is tried again.

Who is told to come back later halves the number of accounts at once; each minute in which nobody
is told so raises it by one. What was refused is tried again later and later, for all of
`patience`, and no two clients alike.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from reinstate_journal.errors import DestinationError, Interrupted
from reinstate_service.destination.waiting import Waiting

#: Seconds between two tries: doubled each time, and jittered.
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0
#: After so many seconds without a refusal, one account more at once.
_QUIET = 60.0
#: Refusals within so many seconds are one.
_TOGETHER = 1.0
#: After so many seconds of waiting it is told, and so often again.
_TOLD_AFTER, _TOLD_EACH = 10.0, 600.0
#: How long a thread sleeps that waits for its turn, before it looks whether it is to stop.
_GLANCE = 0.5


class Threads(threading.local):
    """How many connections a thread has, with those that work for it."""

    def __init__(self) -> None:
        self.connections = [0]


class Entered(NamedTuple):
    """A connection's turn: one of a thread's `connections`, which count as one, save those that
    are `spare`."""

    connections: list[int]
    spare: bool = False


class Pace:
    """One server's, for all threads that speak to it."""

    def __init__(self, patience: float, waiting: Waiting) -> None:
        self._patience = patience
        self._waiting = waiting
        self._turn = threading.Condition()
        self._mine = Threads()
        self._working = 0
        self._most = math.inf
        self._changed = time.monotonic()
        self._told = -math.inf
        #: Whether anybody has been let in: who was there may come back.
        self.reached = False

    def enter(self) -> Entered:
        """Waits for the turn to make a connection; `leave` takes the answer. A thread that has one
        may have more: others' folders are looked at from within an account. Raises Interrupted."""
        mine = self._mine.connections
        if not mine[0]:
            with self._turn:
                while self._working >= self._bears():
                    self._turn.wait(_GLANCE)
                    if self._waiting.stop.is_set():
                        raise Interrupted
                self._working += 1
        mine[0] += 1
        return Entered(mine)

    def spare(self) -> Entered | None:
        """The turn to make a connection that can be done without, as if it were one more
        account's; None if the server has asked for less. `leave` takes the answer."""
        with self._turn:
            if self._working >= self._bears():
                return None
            self._working += 1
        self._mine.connections[0] += 1
        return Entered(self._mine.connections, spare=True)

    def as_one(self) -> Callable[[], None]:
        """What makes a thread that calls it one with this thread: it need not wait for its turn
        where this one need not."""
        connections = self._mine.connections

        def be_one() -> None:
            self._mine.connections = connections

        return be_one

    def notice(self, text: str) -> None:
        """Tells what an administrator should know."""
        self._waiting.notice(text)

    def leave(self, entered: Entered) -> None:
        """The connection is closed, or was not made."""
        with self._turn:
            entered.connections[0] -= 1
            self._working -= entered.spare + (not entered.connections[0])
            self._turn.notify_all()

    def _bears(self) -> float:
        """How many accounts at once the server bears, as far as is known."""
        minutes = int((time.monotonic() - self._changed) / _QUIET)
        if minutes:
            self._most += minutes
            self._changed += minutes * _QUIET
        return self._most

    def refused(self) -> None:
        """The server has asked to come back later."""
        with self._turn:
            now = time.monotonic()
            if self._most < math.inf and now - self._changed < _TOGETHER:
                return
            self._most = max(1, int(min(self._bears(), self._working + 1)) // 2)
            self._changed = now

    def spell(self) -> Spell:
        """The tries of one thing."""
        return Spell(self)

    def pause(self, seconds: float, since: float, error: DestinationError) -> None:
        """Waits so long, in a spell that has lasted `since` that moment. Raises the error when it
        has lasted too long, Interrupted when the run is to stop."""
        now = time.monotonic()
        if now - since >= self._patience:
            raise error
        if now - since >= _TOLD_AFTER:
            self._tell(now, error)
        if self._waiting.stop.wait(min(seconds, self._patience)):
            raise Interrupted

    def _tell(self, now: float, error: DestinationError) -> None:
        with self._turn:
            if now - self._told < _TOLD_EACH:
                return
            self._told = now
        self._waiting.notice(
            f"{error}. It is waited for, up to {self._patience / 60:.0f} minutes;"
            " who stops now goes on with: reinstate resume"
        )


class Spell:
    """Something that is tried until the server does it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._tries = 0
        self._since = 0.0

    def refused(self, error: DestinationError) -> None:
        """Waits until it is worth trying again, with fewer accounts at once. Raises the error when
        that has gone on for too long, Interrupted."""
        self._pace.refused()
        self.failed(error)

    def failed(self, error: DestinationError) -> None:
        """The same, with as many accounts."""
        if not self._tries:
            self._since = time.monotonic()
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._tries)
        self._tries += 1
        self._pace.pause(delay * random.uniform(0.5, 1.5), self._since, error)  # noqa: S311 - no secret
