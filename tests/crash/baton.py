"""Threads of which one at a time goes on; which one follows from a seed alone.

Whoever holds the baton runs. He gives it on at every effect and append, where he would wait for
a lock or for others to end, and at his own end; the seed then names who has it next. The threads
are those that the engine makes, and so is all that they do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from reinstate_service import threads
from reinstate_service.restore import context, recorder

_PATIENCE = 60.0


class _Turn:
    """A thread that waits for the baton: not before `at`, and not unless `ready`."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.at = 0
        self.ready: Callable[[], bool] = _always


class Baton:
    """Who goes on. `given` counts how often that was decided."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._waiting: list[_Turn] = []
        self._mine = threading.local()
        self.given = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """This thread is the first to hold it. The engine's threads and locks are under it."""
        self._mine.turn = _Turn()
        with pytest.MonkeyPatch.context() as patch:
            for module in (context, threads):
                patch.setattr(
                    module, "ThreadPoolExecutor", lambda *args, **kw: _Pool(self, *args, **kw)
                )
                patch.setattr(module, "wait", self._wait_for)
            patch.setattr(recorder, "threading", SimpleNamespace(Lock=lambda: _Lock(self)))
            yield
        assert not self._waiting, "a thread is left that nobody waits for"

    def give(self, delay: int = 0) -> None:
        """Whoever comes next goes on; this thread when its turn comes, which is not among the
        next `delay` unless all others wait as well."""
        turn = self._mine.turn
        turn.at, turn.ready = self.given + delay, _always
        self._await(turn)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Goes on when it is so."""
        if not ready():
            turn = self._mine.turn
            turn.at, turn.ready = self.given, ready
            self._await(turn)

    def expect(self) -> _Turn:
        """A new thread's turn, which may come from now on."""
        turn = _Turn()
        self._waiting.append(turn)
        return turn

    def begin(self, turn: _Turn) -> None:
        """A new thread waits until it is its turn."""
        self._mine.turn = turn
        assert turn.go.acquire(timeout=_PATIENCE), "the baton is lost"

    def leave(self) -> None:
        """Gives it away for good."""
        self._next().go.release()

    def _await(self, turn: _Turn) -> None:
        self._waiting.append(turn)
        self._next().go.release()
        assert turn.go.acquire(timeout=_PATIENCE), "the baton is lost"

    def _next(self) -> _Turn:
        self.given += 1
        able = [turn for turn in self._waiting if turn.ready()]
        awake = [turn for turn in able if turn.at <= self.given]
        # Who waited for something has it before it can be another thing.
        first = [turn for turn in awake if turn.ready is not _always]
        if awake:
            chosen = self._random.choice(first or awake)
        else:
            chosen = min(able, key=lambda turn: turn.at)
        self._waiting.remove(chosen)
        return chosen

    def _wait_for(self, futures: Iterable[Future[Any]], return_when: str) -> Any:
        futures = set(futures)
        self.wait_until(lambda: any(future.done() for future in futures))
        return wait_for(futures, return_when=return_when)


class _Pool(ThreadPoolExecutor):
    """A pool whose threads hold the baton while they work."""

    def __init__(self, baton: Baton, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._baton = baton
        self._futures: list[Future[Any]] = []

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """See `ThreadPoolExecutor`."""
        turn = self._baton.expect()

        def worked() -> Any:
            self._baton.begin(turn)
            return work(*arguments, **named)

        future = super().submit(worked)
        # Called when the future is done and whoever waits for it would see it.
        future.add_done_callback(lambda _: self._baton.leave())
        self._futures.append(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `ThreadPoolExecutor`."""
        self._baton.wait_until(lambda: all(future.done() for future in self._futures))
        super().shutdown(wait, cancel_futures=cancel_futures)


class _Lock:
    """A lock; who would wait for it gives the baton on."""

    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self._held = False

    def __enter__(self) -> None:
        self._baton.wait_until(lambda: not self._held)
        self._held = True

    def __exit__(self, *exception: object) -> None:
        self._held = False


def _always() -> bool:
    return True
