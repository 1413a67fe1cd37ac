"""Places for restores that are killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def memory_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: what SIGKILL leaves is the same there, and
    a thousand flushes cost nothing."""
    memory = Path("/dev/shm")
    folder = Path(
        tempfile.mkdtemp(prefix="reinstate-kill-", dir=memory if memory.is_dir() else None)
    )
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def workplace(memory_folder: Path) -> Path:
    """A folder for one test."""
    return Path(tempfile.mkdtemp(dir=memory_folder))
