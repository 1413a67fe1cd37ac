"""Peak memory of a restore of 20,000 and of 200,000 items in 200 accounts.

The figure is VmHWM of the process that restores, read by itself at its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Goal, Table, goals

from reinstate_service.operations.sample import write_many

ACCOUNTS = 200
_RESTORE = """
import sys, threading
from pathlib import Path
from reinstate_service.operations.session import start_restore
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
options = Options(source=sys.argv[1], destination="maildir:" + sys.argv[2])
start_restore(Path(sys.argv[3]), options, Observer(), threading.Event())
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM"):
        print(line.split()[1])
"""


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Peak and rate of both, and what ten times the items cost. Raises SystemExit if a restore
    was not whole."""
    rows = []
    for items in (int(20_000 * asked.scale), int(200_000 * asked.scale)):
        with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
            memory, seconds, restored = peak(items, Path(folder))
        if restored != items:
            sys.exit(f"only {restored:,} of {items:,} items are there")
        rows.append((items, memory, seconds, items / seconds))
    yield Table("Memory", ("items", "peak MiB", "seconds", "items/s"), rows)
    (few, small, short, _), (many, large, long, _) = rows
    cost = (long / many) / (short / few)
    yield goals(
        [
            Goal("memory of ten times the items, over that of one", large / small, 1.15, True),
            Goal("peak MiB", large, 250, True),
            Goal("cost of an item among ten times as many", cost, 1.15, True),
        ]
    )


def peak(items: int, folder: Path) -> tuple[float, float, int]:
    """MiB at the peak, seconds, and files restored, for so many items."""
    write_many(folder / "backup", ACCOUNTS, items)
    began = time.monotonic()
    arguments = [str(folder / name) for name in ("backup", "mail", "journal.db")]
    done = subprocess.run(
        [sys.executable, "-c", _RESTORE, *arguments], check=True, capture_output=True, text=True
    )
    seconds = time.monotonic() - began
    restored = sum(1 for _ in (folder / "mail").glob("*/*/Maildir/**/cur/*"))
    return int(done.stdout) / 1024, seconds, restored
