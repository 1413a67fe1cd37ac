"""A journal of its own for every test, and a clock that tests set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reinstate_journal import open_journal
from reinstate_journal.journal import Journal


class HandClock:
    """Milliseconds that go where they are told."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path, clock: HandClock) -> Iterator[Journal]:
    with open_journal(path, clock=clock) as opened:
        yield opened
