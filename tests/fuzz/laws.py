"""How a law is tried: in this process, against the clock, with an eye on what lies outside."""

from __future__ import annotations

import ctypes
import io
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from typer.main import get_command

from reinstate_cli import main

LONG = "REINSTATE_LONG" in os.environ
#: How long each law is tried in the long runs.
BUDGET_SECONDS = 120
#: What is not done by then hangs. Ordinarily everything here takes well below a second.
PATIENCE_SECONDS = 60

#: Exit codes with which bad input may end: everything but a fault of reinstate itself.
HONEST = {0, 2, 3, 4, 5, 6}


def holds(law: Callable[[Any], None], drawn: st.SearchStrategy[Any], examples: int) -> None:
    """Tries the law on so many examples; in the long runs again and again until time is up."""
    end = time.monotonic() + BUDGET_SECONDS

    def timely(example: Any) -> None:
        with in_time():
            law(example)

    rounds = 0
    while True:
        trial = settings(
            max_examples=examples,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )(given(drawn)(timely))
        (seed(rounds)(trial) if LONG else trial)()
        rounds += 1
        if not LONG or time.monotonic() > end:
            return


@contextmanager
def in_time() -> Iterator[None]:
    """Whatever hangs inside ends as an error, with the place where it hung."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not done after {PATIENCE_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


#: The command line, made once: making it takes longer than most answers.
_made = get_command(main.app)


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def ask(*arguments: str | Path) -> Answer:
    """Asks the command in this process. A traceback, or exit code 1, is always wrong."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    before = sys.stdout, sys.stderr, main.app
    sys.stdout, sys.stderr, main.app = out, err, _made  # type: ignore[assignment]
    try:
        code = main.answer([str(argument) for argument in arguments])
    finally:
        sys.stdout, sys.stderr, main.app = before
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    told = Answer(code, *texts)
    assert "Traceback" not in told.err, told.err
    assert code in HONEST, told
    return told


_IN_ALL = 0xFFF  # inotify(7): every event, from IN_ACCESS to IN_MOVE_SELF


@contextmanager
def untouched(outside: Path) -> Iterator[None]:
    """Nothing in the folder is opened, read, listed or changed meanwhile: the kernel tells
    (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert watch >= 0
    try:
        for path in (outside, *outside.rglob("*")):
            assert libc.inotify_add_watch(watch, os.fsencode(path), _IN_ALL) >= 0
        yield
        try:
            heard = os.read(watch, 1 << 16)
        except BlockingIOError:
            return
        _, mask, _, length = struct.unpack_from("iIII", heard)
        name = heard[16 : 16 + length].rstrip(b"\0")
        raise AssertionError(f"{outside} was touched: event {mask:#x} {os.fsdecode(name)}")
    finally:
        os.close(watch)
