"""What `reinstate watch` costs while 100,000 items are restored, with a terminal to draw on.

Told is the processor time of the watching process, from its start to its end, as a part of the
time that it ran.
"""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.figures import Goal, Table, goals
from tests.running import COMMAND, start
from tests.unit.cli.waiting import wait_for_the_first_item

from reinstate_service.operations.sample import write_many

ACCOUNTS = 200
#: What acceptance asks for.
LIMIT = 0.03


class Cost(NamedTuple):
    """Processor seconds of the watching process, and how long it ran."""

    used: float
    lasted: float

    @property
    def share(self) -> float:
        """Of one core."""
        return self.used / self.lasted


def cost_of_watching(folder: Path, items: int) -> Cost:
    """Watches a restore of so many items from its first item to its end."""
    write_many(folder / "backup", ACCOUNTS, items)
    journal = folder / "journal" / "r.db"
    journal.parent.mkdir()
    destination = f"maildir:{folder / 'mail'}"
    restoring = start("restore", folder / "backup", destination, "--journal", journal, "--quiet")
    try:
        wait_for_the_first_item(journal, restoring)
        return _watch(journal)
    finally:
        restoring.wait()


def _watch(journal: Path) -> Cost:
    terminal, end = pty.openpty()
    began = time.monotonic()
    with subprocess.Popen([*COMMAND, "watch", "--journal", str(journal)], stdout=end) as watching:
        os.close(end)
        reader = threading.Thread(target=_drain, args=(terminal,))
        reader.start()
        _, status, usage = os.wait4(watching.pid, 0)
        lasted = time.monotonic() - began
        watching.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if watching.returncode != 0:
        sys.exit(f"watch ended with {watching.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, lasted)


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # the other end is closed
        os.close(terminal)


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """The cost, and whether it is below the limit."""
    items = int(100_000 * asked.scale)
    with tempfile.TemporaryDirectory(prefix="reinstate-watch-") as folder:
        cost = cost_of_watching(Path(folder), items)
    yield Table(
        "Watching a restore",
        ("items", "processor s", "seconds"),
        [(items, cost.used, cost.lasted)],
    )
    yield goals([Goal("watching, percent of one core", cost.share * 100, LIMIT * 100, True)])
