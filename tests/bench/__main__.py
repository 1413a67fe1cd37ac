"""`make bench`: peak memory of a restore of 20,000 and of 200,000 items in 200 accounts.

The figure is VmHWM of the process that restores, read by itself at its end.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main() -> None:
    """Prints both figures and their ratio; fails if a restore was not whole."""
    peaks = []
    for items in (20_000, 200_000):
        with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
            memory, seconds, restored = peak(items, Path(folder))
        print(  # noqa: T201 - what a benchmark is for
            f"{items:>7,} items: peak {memory:.1f} MiB, {seconds:.0f} s,"
            f" {restored / seconds:,.0f} items/s",
            flush=True,
        )
        if restored != items:
            sys.exit(f"only {restored:,} of {items:,} items are there")
        peaks.append(memory)
    print(f"ratio {peaks[1] / peaks[0]:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
