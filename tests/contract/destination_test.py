"""Every kind of destination keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.destination_contract import DestinationContract, Reopen
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.memory import MemoryDestination, State


class TestMemory(DestinationContract):
    """In memory."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Over the same state."""
        state = State()
        return lambda: MemoryDestination(state)


class TestMaildir(DestinationContract):
    """In a directory for Dovecot."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Reopen]:
        """Over the same directory."""
        opened: list[MaildirDestination] = []

        def reopen() -> MaildirDestination:
            opened.append(MaildirDestination(tmp_path / "mail"))
            return opened[-1]

        yield reopen
        for one in opened:
            one.close()
