"""Every kind of destination keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contract.destination_contract import DestinationContract, Reopen
from contract.destination_moving_contract import MountingInPlaceContract, MovingContract
from contract.destination_reading_contract import ReadingContract
from reinstate_service.destination.maildir import MaildirDestination, Mountpoints
from reinstate_service.destination.memory import MemoryDestination, State


class TestMemory(DestinationContract, MovingContract, ReadingContract):
    """In memory."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Over the same state."""
        state = State()
        return lambda: MemoryDestination(state)


class TestMemoryInPlace(MovingContract, MountingInPlaceContract):
    """In memory, with mountpoints at their own paths."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Over the same state."""
        state = State()
        namespace = msgspec.structs.replace(MemoryDestination().namespace(), mounts_in_place=True)
        return lambda: MemoryDestination(state, namespace)


class TestMaildir(DestinationContract, MovingContract, ReadingContract):
    """In a directory for Dovecot."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Reopen]:
        """Over the same directory."""
        yield from _reopening(tmp_path / "mail", "shared")


class TestMaildirWithSymlinks(MovingContract, MountingInPlaceContract):
    """In a directory for Dovecot, with mountpoints at their own paths."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Reopen]:
        """Over the same directory."""
        yield from _reopening(tmp_path / "mail", "symlink")


def _reopening(location: Path, mountpoints: Mountpoints) -> Iterator[Reopen]:
    opened: list[MaildirDestination] = []

    def reopen() -> MaildirDestination:
        opened.append(MaildirDestination(location, mountpoints=mountpoints))
        return opened[-1]

    yield reopen
    for one in opened:
        one.close()
