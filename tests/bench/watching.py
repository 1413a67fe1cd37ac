"""What `reinstate watch` costs while 100,000 items are restored, with a terminal to draw on.

`python -m tests.bench.watching [ITEMS]` prints it: processor time of the watching process, from
its start to its end, as a part of the time that it ran.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

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


def main() -> None:
    """Prints the cost; fails above the limit."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="reinstate-watch-") as folder:
        cost = cost_of_watching(Path(folder), items)
    print(  # noqa: T201 - what a benchmark is for
        f"{items:,} items: watch used {cost.used:.2f} s in {cost.lasted:.0f} s,"
        f" {cost.share:.1%} of one core"
    )
    if cost.share >= LIMIT:
        sys.exit(f"that is more than {LIMIT:.0%}")


if __name__ == "__main__":
    main()
