"""Runs of the real command, and of the engine in this process, for tests."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from reinstate_service.operations.session import start_restore
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import Finished

COMMAND = [str(Path(sys.executable).parent / "reinstate")]


def run(*arguments: str | Path, expect: int | None = 0, **environment: str) -> str:
    """Runs `reinstate` as a user would and answers what it printed on stdout; `expect` is the
    exit code it must have, None for any."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=300,
    )
    shown = f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, shown
    assert expect is None or done.returncode == expect, shown
    return done.stdout


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """Starts `reinstate` in the background, silent."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def restore_here(journal: Path, options: Options, observer: Observer | None = None) -> Finished:
    """Restores in this process."""
    return start_restore(journal, options, observer or Observer(), threading.Event())
