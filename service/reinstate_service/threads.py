"""Work for as many threads as there are processors, and work behind the back of one.

Reading, un-gzipping, hashing and writing let go of Python's lock, so that two threads deliver
half as much again as one does on two processors; not so of small items, with which little
is done without it.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from functools import partial
from typing import Final, TypeVar

T = TypeVar("T")
Made = TypeVar("Made", bound=Sized)

#: Fewer are done before another thread has begun.
_WORTH = 16
#: Seconds; a message of a few KiB that lies in memory is read and checked in a tenth of it. What
#: comes over a network is no block that was read.
_SLOW = 0.001


class Together:
    """Threads that help whoever has much to do, one such at a time on each other processor."""

    def __init__(self, processors: int | None = None) -> None:
        """`processors` are as many as this process may use if that is not told."""
        self._helpers = (processors or len(os.sched_getaffinity(0))) - 1
        self._pool = ThreadPoolExecutor(max(1, self._helpers), thread_name_prefix="helper")

    def close(self) -> None:
        """Ends the threads. Nothing is at work any more."""
        self._pool.shutdown()

    def do(self, work: Callable[[T], object], jobs: Iterable[T]) -> None:
        """Does `work` for every job, in this thread and in others. Raises what it raised for one
        of them; no other is begun then, and none is at work when this returns."""
        left = deque(jobs)

        def go_on() -> None:
            try:
                while left:
                    try:
                        job = left.popleft()
                    except IndexError:  # another thread was faster
                        return
                    work(job)
            except BaseException:
                left.clear()
                raise

        helpers = self._helpers if len(left) >= _WORTH else 0
        futures = [self._pool.submit(go_on) for _ in range(helpers)]
        try:
            go_on()
        finally:
            # Who has not begun is at another account's work, and is not waited for.
            begun = [future for future in futures if not future.cancel()]
            failures = [failure for future in begun if (failure := future.exception())]
        if failures:
            raise failures[0]


class Turn:
    """Lets threads that have only Python to wait for go on one after the other.

    Who opens a file or makes a digest lets go of Python's lock and takes it again; several such
    threads on several processors take it from each other each time, which costs as much as
    all else that they do. Who waits for a disk does not hold up the others: what was read from
    there, or took longer than `_SLOW` for each, is followed by what does not wait for its turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits = False

    def each(self, lists: Iterator[list[T]]) -> Iterator[list[T]]:
        """The lists, each made when it is this thread's turn."""
        while (made := self.do(lambda: next(lists, None))) is not None:
            yield made

    def do(self, make: Callable[[], Made | None]) -> Made | None:
        """What is made when it is this thread's turn. It must not wait for another thread that may
        have to wait for its own."""
        with nullcontext() if self._waits else self._lock:
            began, blocks = time.monotonic(), _blocks_read()
            made = make()
            if made:
                took, read = time.monotonic() - began, _blocks_read() - blocks
                self._waits = took > _SLOW * len(made) or read > len(made)
            return made


def _blocks_read() -> int:
    """How many blocks of 512 bytes this thread has waited for a disk to read (getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_inblock


#: Python has one lock for all threads of a process.
TURN: Final = Turn()


class Behind:
    """One thing at a time that another thread does meanwhile."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="behind")
        self._last: Future[None] | None = None

    def close(self) -> None:
        """Ends the thread, when nothing is at work any more."""
        self._pool.shutdown()

    def start(self, work: Callable[[], None]) -> Callable[[], None]:
        """Begins with `work`, if what was begun before went well; raises what that raised. What
        is answered waits for the end and raises what `work` raised."""
        if self._last is not None:
            _end(self._last)
        self._last = future = self._pool.submit(work)
        return partial(_end, future)

    def rest(self) -> None:
        """Waits until nothing is at work any more, whatever became of it."""
        if self._last is not None:
            wait((self._last,), return_when=FIRST_COMPLETED)
            self._last = None


def _end(future: Future[None]) -> None:
    wait((future,), return_when=FIRST_COMPLETED)
    future.result()
