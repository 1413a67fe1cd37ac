"""What a process costs."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

#: How often is looked at the peak of memory, in milliseconds.
_LOOK = 20


class Cost(NamedTuple):
    """Wall and processor seconds, and MiB handed to the file system to be written, of a process
    and all that it started and waited for; the peak of its own memory in MiB, as it was seen
    every 20 milliseconds."""

    seconds: float
    processor: float
    peak: float
    written: float

    def __add__(self, other: object) -> Cost:
        """One after the other."""
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(
            self.seconds + other.seconds,
            self.processor + other.processor,
            max(self.peak, other.peak),
            self.written + other.written,
        )


def run(command: Sequence[str], **environment: str) -> Cost:
    """Runs it, silent. Raises SystemExit with what it said when it does not end well."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **environment}
        )
        peak = _peak_until_the_end(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace")
            sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{said}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak, usage.ru_oublock / 2048)


def _peak_until_the_end(process: int) -> float:
    """VmHWM: what the kernel tells after the end counts this process before it became that."""
    status, peak = Path(f"/proc/{process}/status"), 0.0
    ended = os.pidfd_open(process)
    try:
        ends = select.poll()
        ends.register(ended, select.POLLIN)
        while not ends.poll(_LOOK):
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM"):
                    peak = int(line.split()[1]) / 1024
        return peak
    finally:
        os.close(ended)
