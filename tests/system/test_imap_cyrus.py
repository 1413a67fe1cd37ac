"""A live Cyrus keeps the contract of a mailbox, as Dovecot does; run where one is unpacked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.destination_contract import ALICE, BOB, MailboxContract, Reopen
from contract.destination_fenced_contract import FencedContract
from contract.destination_moving_contract import MovingContract
from reinstate_service.destination.contract import Destination
from system.cyrus import Cyrus, cyrus, needs_cyrus

pytestmark = needs_cyrus


@pytest.fixture(scope="module")
def server() -> Iterator[Cyrus]:
    with cyrus([ALICE.address, BOB.address]) as made:
        yield made


class TestCyrus(MailboxContract, MovingContract, FencedContract):
    """Over IMAP and ManageSieve."""

    @pytest.fixture
    def reopen(self, server: Cyrus) -> Iterator[Reopen]:
        """Over the same server, whose accounts are empty."""
        server.empty()
        opened: list[Destination] = []

        def reopen() -> Destination:
            opened.append(server.destination())
            return opened[-1]

        yield reopen
        for one in opened:
            one.close()
