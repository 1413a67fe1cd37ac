"""How many accounts a server is given at once, and for how long it is waited for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from reinstate_journal.errors import Interrupted
from reinstate_service.destination.imap import pace as pace_module
from reinstate_service.destination.imap.errors import Busy
from reinstate_service.destination.imap.pace import Pace
from reinstate_service.destination.waiting import Waiting

BUSY = Busy(destination="imaps://x", detail="[LIMIT] not now")


class Clock:
    """A monotonic clock that only goes when it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace_module, "time", clock)
    return clock


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Set at the end, so that no thread waits for ever."""
    stop = threading.Event()
    yield stop
    stop.set()


def enter_as_somebody_else(pace: Pace) -> threading.Thread:
    """A thread that waits for its turn, and keeps it."""

    def enter() -> None:
        with contextlib.suppress(Interrupted):
            pace.enter()

    thread = threading.Thread(target=enter)
    thread.start()
    return thread


def entered(thread: threading.Thread, seconds: float = 0.3) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


def test_as_many_as_like_are_at_work_as_long_as_nothing_is_refused(stop: threading.Event) -> None:
    pace = Pace(60, Waiting(stop))
    assert all(entered(enter_as_somebody_else(pace), 5) for _ in range(20))


def test_a_connection_that_can_be_done_without_takes_nobodys_turn(stop: threading.Event) -> None:
    pace = Pace(60, Waiting(stop))
    first = pace.enter()
    spare = pace.spare()
    assert spare is not None
    pace.refused()  # 2 at work and the one that was refused: 1
    assert pace.spare() is None
    pace.leave(first)
    first = pace.enter()  # it is made anew, and does not wait for its own spare one
    waiting = enter_as_somebody_else(pace)
    assert not entered(waiting)
    pace.leave(spare)
    assert not entered(waiting)
    pace.leave(first)
    assert entered(waiting, 5)


def test_a_thread_that_works_for_another_waits_no_more_than_that(stop: threading.Event) -> None:
    pace = Pace(60, Waiting(stop))
    pace.enter()
    pace.refused()
    as_one = pace.as_one()
    helping = threading.Thread(target=lambda: (as_one(), pace.enter()))
    helping.start()
    assert entered(helping, 5)
    assert not entered(enter_as_somebody_else(pace))


def test_a_refusal_halves_how_many_are_let_in_and_a_quiet_minute_lets_one_more_in(
    clock: Clock, stop: threading.Event
) -> None:
    pace = Pace(60, Waiting(stop))
    for _ in range(3):
        assert entered(enter_as_somebody_else(pace), 5)
    mine = pace.enter()
    pace.refused()  # 4 at work and the one that was refused: 2
    pace.refused()  # the same refusal, told to another
    pace.leave(mine)
    waiting = enter_as_somebody_else(pace)
    assert not entered(waiting)
    clock.now += 61
    assert not entered(waiting)  # 3 of 3 are at work
    clock.now += 60
    assert entered(waiting, 5)


def test_whoever_has_a_connection_may_have_another(stop: threading.Event) -> None:
    pace = Pace(60, Waiting(stop))
    mine = pace.enter()
    pace.refused()
    assert pace.enter() == mine
    other = enter_as_somebody_else(pace)
    pace.leave(mine)
    assert not entered(other)
    pace.leave(mine)
    assert entered(other, 5)


def test_who_waits_for_a_turn_or_for_the_server_stops_when_the_run_does() -> None:
    stop = threading.Event()
    pace = Pace(3600, Waiting(stop))
    spell = pace.spell()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):  # noqa: PT012 - which of them it is, chance decides
        while True:
            spell.refused(BUSY)
    assert time.monotonic() - began < 5
    assert entered(enter_as_somebody_else(pace), 5)


def test_the_waiting_is_told_once_and_ends_with_the_patience(
    clock: Clock, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "_FIRST_DELAY", 0.0)
    told: list[str] = []
    pace = Pace(120, Waiting(stop, told.append))
    spell = pace.spell()
    for _ in range(6):
        spell.refused(BUSY)
        clock.now += 20
    with pytest.raises(Busy):
        spell.refused(BUSY)
    assert told == [
        "imaps://x asks to come back later: [LIMIT] not now. It is waited for, up to 2 minutes;"
        " who stops now goes on with: reinstate resume"
    ]
