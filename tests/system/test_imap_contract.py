"""A live server keeps the contract that every destination keeps, as far as it is one of mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.destination_contract import ALICE, BOB, MailboxContract, Reopen
from contract.destination_fenced_contract import FencedContract
from contract.destination_moving_contract import MovingContract
from reinstate_service.destination.contract import Destination
from system.dovecot import needs_dovecot
from system.live import LiveServer, live_server

pytestmark = needs_dovecot


@pytest.fixture(scope="module")
def live() -> Iterator[LiveServer]:
    with live_server([ALICE.address, BOB.address]) as server:
        yield server


class TestImap(MailboxContract, MovingContract, FencedContract):
    """Dovecot, over IMAP."""

    @pytest.fixture
    def reopen(self, live: LiveServer) -> Iterator[Reopen]:
        """Over the same server, whose accounts are empty."""
        live.empty()
        opened: list[Destination] = []

        def reopen() -> Destination:
            opened.append(live.destination())
            return opened[-1]

        yield reopen
        for one in opened:
            one.close()
