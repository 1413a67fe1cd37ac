"""Work for several threads: all of it is done, or it ends with what went wrong."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reinstate_service import threads
from reinstate_service.threads import Behind, Together, Turn

JOBS = 100


@pytest.mark.parametrize("processors", [1, 2, 4])
def test_every_job_is_done_once(processors: int) -> None:
    together, done = Together(processors), list[int]()
    together.do(done.append, range(JOBS))
    together.close()
    assert sorted(done) == list(range(JOBS))


def test_another_thread_helps() -> None:
    together = Together(2)
    meeting = threading.Barrier(2, timeout=60)
    met = set[int]()

    def meet(_job: int) -> None:
        met.add(threading.get_ident())
        meeting.wait()

    together.do(meet, range(JOBS))
    together.close()
    assert len(met) == 2


@pytest.mark.parametrize("failing", ["helper", "own"])
def test_what_goes_wrong_in_any_thread_is_raised_when_none_is_at_work(failing: str) -> None:
    together, own = Together(2), threading.get_ident()
    both, at_work = threading.Barrier(2, timeout=60), set[int]()

    def work(job: int) -> None:
        at_work.add(job)
        if job < 2:  # one for each of the threads
            both.wait()
            if (threading.get_ident() == own) is (failing == "own"):
                at_work.remove(job)
                raise OSError("it failed")
        at_work.remove(job)

    with pytest.raises(OSError, match="it failed"):
        together.do(work, range(JOBS))
    assert not at_work
    together.close()


def test_a_helper_at_another_ones_work_is_not_waited_for() -> None:
    together = Together(2)
    begun, end = threading.Event(), threading.Event()
    done = list[int]()

    def hold(_job: int) -> None:
        begun.set()
        end.wait(60)

    other = threading.Thread(target=together.do, args=(hold, range(JOBS)))
    other.start()
    assert begun.wait(60)
    together.do(done.append, range(JOBS))
    end.set()
    other.join()
    together.close()
    assert done == list(range(JOBS))


def test_what_goes_wrong_behind_ones_back_is_raised_wherever_it_is_waited_for() -> None:
    def fail() -> None:
        raise OSError("it failed")

    behind, done = Behind(), list[int]()
    ends = [behind.start(lambda: done.append(1)), behind.start(fail)]
    with pytest.raises(OSError, match="it failed"):
        behind.start(lambda: done.append(2))
    ends[0]()
    for _ in range(2):
        with pytest.raises(OSError, match="it failed"):
            ends[1]()
    behind.rest()
    behind.start(lambda: done.append(3))()
    behind.close()
    assert done == [1, 3]


def test_nothing_is_at_work_any_more_after_a_rest() -> None:
    behind, go_on, done = Behind(), threading.Event(), list[int]()

    def work() -> None:
        go_on.wait(60)
        done.append(1)

    behind.start(work)
    threading.Timer(0.01, go_on.set).start()
    behind.rest()
    assert done == [1]
    behind.close()


def at_work(turn: Turn, make: Callable[[int], list[int]]) -> None:
    """Two threads, each of which has twenty lists made in its turn."""
    with ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(lambda: list(turn.each(map(make, range(20))))) for _ in range(2)]
        assert [future.result() for future in begun] == [[[number] for number in range(20)]] * 2


def test_who_has_only_python_to_wait_for_waits_for_his_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "_SLOW", 60.0)
    inside: list[int] = []
    seen: list[int] = []

    def make(number: int) -> list[int]:
        inside.append(number)
        Path("/").stat()  # lets go of Python's lock
        seen.append(len(inside))
        inside.remove(number)
        return [number]

    at_work(Turn(), make)
    assert seen == [1] * 40


def test_who_waits_for_a_disk_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_SLOW", 0.0)
    together = threading.Barrier(2)

    def make(number: int) -> list[int]:
        if number:  # the first ones tell that it is slow
            together.wait(60)
        return [number]

    at_work(Turn(), make)


def test_who_reads_from_a_disk_holds_nobody_up(tmp_path: Path) -> None:
    file, together = tmp_path / "file", threading.Barrier(2)
    file.write_bytes(bytes(1 << 16))

    def read_from_disk() -> int:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            before = resource.getrusage(resource.RUSAGE_THREAD).ru_inblock
            opened.read()
            return resource.getrusage(resource.RUSAGE_THREAD).ru_inblock - before

    if not read_from_disk():
        pytest.skip(f"{tmp_path} is on no disk")

    def make(number: int) -> list[int]:
        read_from_disk()
        if number:  # the first ones tell that there is a disk
            together.wait(60)
        return [number]

    at_work(Turn(), make)
