"""Places for what is fuzzed, and a place that nothing may touch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory where the system has one: no law here is about the disk."""
    shared = Path("/dev/shm")
    folder = Path(
        tempfile.mkdtemp(prefix="reinstate-fuzz-", dir=shared if shared.is_dir() else None)
    )
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def outside(memory: Path) -> Path:
    """A folder beside everything, in which nothing may be touched."""
    folder = memory / "outside"
    (folder / "cur").mkdir(parents=True)
    (folder / "secret").write_text("nobody reads this")
    (folder / "cur" / "1.m:2,S").write_text("nor this")
    return folder
