"""How long `reinstate --help` and `reinstate status` take, beside Python itself.

The journal that `status` reads is of a finished restore of 10,000 accounts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Goal, Table, goals
from tests.bench.processes import run
from tests.running import COMMAND

from large_journal import write_large_journal

_STARTS = 15


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def tables(_asked: argparse.Namespace) -> Iterator[Table]:
    """Medians of some starts in turn, in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
        journal = Path(folder) / "r.db"
        write_large_journal(journal)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "reinstate --help": [*COMMAND, "--help"],
            "reinstate status": [*COMMAND, "status", "--journal", str(journal)],
        }
        costs = [{name: run(command) for name, command in commands.items()} for _ in range(_STARTS)]
    taken = {
        name: statistics.median(each[name].seconds * 1000 for each in costs) for name in commands
    }
    processor = {
        name: statistics.median(each[name].processor * 1000 for each in costs) for name in commands
    }
    rows = [(name, taken[name], processor[name]) for name in commands]
    yield Table("Start", ("command", "ms", "processor ms"), rows)
    yield goals(
        [
            Goal("start of reinstate --help, ms", taken["reinstate --help"], 150, True),
            Goal("start of reinstate status, ms", taken["reinstate status"], 300, True),
        ]
    )
