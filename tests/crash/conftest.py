"""Places for restores that are killed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _server() -> None:
    """The server that processes come from. Before Python 3.13 it looks for what it is told to
    import beforehand in its own path only, and without that each process takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


@pytest.fixture(scope="module")
def memory_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: what SIGKILL leaves is the same there, and
    a thousand flushes cost nothing."""
    memory = Path("/dev/shm")
    folder = Path(
        tempfile.mkdtemp(prefix="reinstate-kill-", dir=memory if memory.is_dir() else None)
    )
    folder.chmod(0o711)  # servers that run as somebody else pass through it
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def workplace(memory_folder: Path) -> Path:
    """A folder for one test."""
    return Path(tempfile.mkdtemp(dir=memory_folder))
