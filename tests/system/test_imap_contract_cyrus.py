"""Cyrus IMAP keeps the contract that every destination keeps, as far as it is one of mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.destination_contract import ALICE, BOB, MailboxContract, Reopen
from contract.destination_fenced_contract import FencedContract
from contract.destination_moving_contract import MovingContract
from reinstate_service.destination.contract import Destination
from reinstate_service.model import Path
from system.cyrus import needs_cyrus
from system.live_cyrus import LiveCyrus, live_cyrus

pytestmark = needs_cyrus


@pytest.fixture(scope="module")
def slashes() -> Iterator[LiveCyrus]:
    with live_cyrus([ALICE.address, BOB.address]) as server:
        yield server


@pytest.fixture(scope="module")
def dots() -> Iterator[LiveCyrus]:
    with live_cyrus([ALICE.address, BOB.address], ".", "elsewhere.test") as server:
        yield server


class CyrusContract(MailboxContract, MovingContract):
    """Over IMAP and ManageSieve."""

    @pytest.fixture
    def reopen(self, live: LiveCyrus) -> Iterator[Reopen]:
        """Over one server, whose accounts are empty."""
        live.empty()
        opened: list[Destination] = []

        def reopen() -> Destination:
            opened.append(live.destination())
            return opened[-1]

        yield reopen
        for one in opened:
            one.close()


class TestCyrusWithSlashes(CyrusContract, FencedContract):
    """Folders stand beside the INBOX; accounts are of the default domain."""

    @pytest.fixture
    def live(self, slashes: LiveCyrus) -> LiveCyrus:
        return slashes


class TestCyrusWithDots(CyrusContract):
    """Folders stand below the INBOX; accounts are of a domain that is not the default one."""

    owned: Path = ("Projects", "Team x")

    @pytest.fixture
    def live(self, dots: LiveCyrus) -> LiveCyrus:
        return dots
