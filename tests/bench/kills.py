"""Tools that are killed the same way, and what becomes of the messages.

Each gets SIGKILL at a random moment of its work and is then started again with the same
command, which is how each of them is resumed. What then lies on the destination is compared
with what was to be there.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.comparing import Difference, compare
from tests.bench.tools import Sources, Tool
from tests.system.dovecot import reachable_folder

REAL_MESSAGES = Path(__file__).parents[3] / "shared" / "data" / "messages"
_MEMORY = Path("/dev/shm")


class Case(NamedTuple):
    """One destination at its end. `standing` is how many messages lay there when the tool was
    killed; `added` is how many more another, whole run made of them."""

    standing: int
    difference: Difference
    added: int


class Measured(NamedTuple):
    """What became of a tool's destinations. `started` counts also the runs that ended before
    their moment came: they are no case."""

    tool: type[Tool]
    whole: Case
    killed: list[Case]
    started: int

    @property
    def cases(self) -> list[Case]:
        """All of them."""
        return [self.whole, *self.killed]


def real_messages() -> list[bytes]:
    """Those of the data that nobody here wrote; none where it is not there."""
    return [path.read_bytes() for path in sorted(REAL_MESSAGES.glob("*.eml"))]


def messages(number: int) -> list[bytes]:
    """So many: the real ones, then made ones of about 1 to 8 KiB."""
    return list(itertools.islice(itertools.chain(real_messages(), _made()), number))


def made_messages(number: int) -> list[bytes]:
    """So many of the made ones."""
    return list(itertools.islice(_made(), number))


def _made() -> Iterator[bytes]:
    chosen = random.Random(4)
    words = [bytes(chosen.choices(b"abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(500)]
    for number in itertools.count():
        lines = [b" ".join(chosen.choices(words, k=8)) for _ in range(chosen.randint(16, 128))]
        header = (
            b"From: Old <old@example.org>\r\nTo: Ann <ann@example.test>\r\n"
            b"Subject: message %d\r\nMessage-ID: <%d.made@example.org>\r\n"
            b"Date: Tue, 6 Jan 2026 09:00:00 +0000\r\n\r\n"
        )
        yield header % (number, number) + b"\r\n".join([*lines, b""])


def measure(kind: type[Tool], sources: Sources, wanted: Sequence[bytes], kills: int) -> Measured:
    """Runs the tool once to its end, then until it was killed so many times: every other time
    at a random moment, else when a random number of the messages lies there."""
    whole, seconds = _not_killed(kind, sources, wanted)
    chosen = random.Random(kind.name)
    killed: list[Case] = []
    started = 0
    while len(killed) < kills:
        started += 1
        after, when_there = chosen.uniform(0, seconds), chosen.randrange(1, len(wanted))
        moment = (0.0, when_there) if len(killed) % 2 else (after, 0)
        with _fresh(kind, sources) as tool:
            if run_and_kill(tool, *moment):
                standing = tool.standing()
                tool.settle()
                run_to_its_end(tool)
                killed.append(_case(tool, wanted, standing))
    return Measured(kind, whole, killed, started)


@contextlib.contextmanager
def _fresh(kind: type[Tool], sources: Sources) -> Iterator[Tool]:
    """In memory where the system has it: what SIGKILL leaves is the same there."""
    with (
        reachable_folder(_MEMORY if _MEMORY.is_dir() else None) as folder,
        kind(sources, folder) as tool,
    ):
        yield tool


def _not_killed(kind: type[Tool], sources: Sources, wanted: Sequence[bytes]) -> tuple[Case, float]:
    """What the tool does when nobody kills it, and its seconds from the first message on."""
    with _fresh(kind, sources) as tool:
        with _started(tool) as process:
            began = time.monotonic()
            process.wait()
            seconds = time.monotonic() - began
        if process.returncode != 0:
            sys.exit(f"{kind.name}: exit {process.returncode}")
        return _case(tool, wanted, tool.standing()), seconds


def _case(tool: Tool, wanted: Sequence[bytes], standing: int) -> Case:
    difference = compare(wanted, tool.messages())
    before = tool.standing()
    run_to_its_end(tool)
    return Case(standing, difference, tool.standing() - before)


def run_and_kill(tool: Tool, after: float, standing: int) -> bool:
    """Starts it; so many seconds after so many messages are there (0: after the first was
    begun) its whole group of processes gets SIGKILL. Answers whether that hit."""
    with _started(tool, standing) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def _started(tool: Tool, standing: int = 0) -> subprocess.Popen[bytes]:
    """The tool at work: before its first message there is nothing to lose or to double."""
    process = subprocess.Popen(
        tool.command(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not (
        tool.standing() >= standing if standing else tool.begun()
    ):
        time.sleep(0.001)
    return process


def run_to_its_end(tool: Tool) -> None:
    """Raises SystemExit, with what it said, if it does not end well."""
    done = subprocess.run(tool.command(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{tool.name}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
