"""Relocation where the server has no MOVE: by COPY and EXPUNGE, also cut off in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from contract.destination_contract import ALICE, BOB, Reopen, delivery, folder
from contract.destination_moving_contract import FULL_ACCESS, MovingContract, mail
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_service.destination.contract import Destination, Refused
from reinstate_service.destination.fence import FencedMailbox
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Flag
from system.dovecot import needs_dovecot
from system.lacking import Lacking
from system.live import LiveServer, live_server

pytestmark = needs_dovecot

STRAY, TARGET = ("Stray",), ("Team",)


class Died(BaseException):
    """The process is gone."""


@pytest.fixture(scope="module")
def live() -> Iterator[LiveServer]:
    with live_server([ALICE.address, BOB.address]) as server:
        server.configure(identity="the server")
        yield server


@pytest.fixture(scope="module")
def without_move(live: LiveServer) -> Iterator[str]:
    """Where the server seems to have neither MOVE nor UNSELECT."""
    with Lacking(live.imap_port, b"MOVE", b"UNSELECT") as proxy:
        yield f"imap://127.0.0.1:{proxy.port}"


def opened(live: LiveServer, location: str) -> Destination:
    return open_destination(location, config=str(live.config))


class TestWithoutMove(MovingContract):
    """Dovecot, over IMAP, without MOVE."""

    @pytest.fixture
    def reopen(self, live: LiveServer, without_move: str) -> Reopen:
        live.empty()
        return lambda: opened(live, without_move)


@pytest.fixture
def filled(live: LiveServer) -> LiveServer:
    """Alice's stray folder holds twins and others, the target one that is like one of them."""
    live.empty()
    destination = live.destination()
    with destination.mailbox(BOB.address) as bob:
        bob.create_folder(TARGET, folder())
        bob.grant(TARGET, FULL_ACCESS)
        bob.deliver([delivery("0", TARGET, mail(0))])
    with destination.mailbox(ALICE.address) as alice:
        contents = [mail(0), mail("twin"), mail("twin"), mail(3)]
        alice.deliver(
            [
                delivery(str(n), STRAY, content, flags=Flag.SEEN if n % 2 else Flag(0))
                for n, content in enumerate(contents)
            ]
        )
    return live


def must_be_whole(live: LiveServer) -> None:
    destination = live.destination()
    with destination.mailbox(ALICE.address) as alice:
        assert list(alice.item_names(STRAY)) == []
    with destination.mailbox(BOB.address) as bob:
        found = [(one.size, one.flags) for one in bob.contents() if one.path == TARGET]
    sizes = Counter(size for size, _ in found)
    assert sizes == Counter(map(len, [mail(0), mail(0), mail("twin"), mail("twin"), mail(3)]))
    assert Counter(flags for _, flags in found) == {Flag(0): 3, Flag.SEEN: 2}


def test_what_was_copied_and_not_expunged_is_not_copied_again(
    filled: LiveServer, without_move: str
) -> None:
    destination = opened(filled, without_move)
    with destination.mailbox(ALICE.address) as alice:
        assert isinstance(alice, FencedMailbox)
        names = list(alice.item_names(STRAY))
        fence = alice.relocation_fence(BOB.address, TARGET)

        def die(point: Point) -> None:
            if point is At.RELOCATION_COPIED:
                raise Died

        watch(die)
        try:
            with pytest.raises(Died):
                alice.relocate(STRAY, BOB.address, TARGET, names, fence)
        finally:
            watch(lambda _: None)
    with opened(filled, without_move).mailbox(ALICE.address) as alice:
        assert isinstance(alice, FencedMailbox)
        assert len(list(alice.item_names(STRAY))) == 4
        for _ in range(2):
            assert list(alice.relocate(STRAY, BOB.address, TARGET, names, fence)) == [True] * 4
    must_be_whole(filled)


def test_a_relocation_is_whole_and_expunges_nothing_else(
    filled: LiveServer, without_move: str
) -> None:
    destination = opened(filled, without_move)
    with destination.mailbox(ALICE.address) as alice:
        alice.deliver([delivery("9", STRAY, mail("deleted"), flags=Flag.DELETED)])
        assert isinstance(alice, FencedMailbox)
        names = list(alice.item_names(STRAY))[:4]
        fence = alice.relocation_fence(BOB.address, TARGET)
        assert list(alice.relocate(STRAY, BOB.address, TARGET, names, fence)) == [True] * 4
        (left,) = (one for one in alice.contents() if one.path == STRAY)
        assert left.flags == Flag.DELETED


def test_a_server_that_cannot_expunge_single_messages_keeps_them(filled: LiveServer) -> None:
    with Lacking(filled.imap_port, b"MOVE", b"UIDPLUS") as proxy:
        destination = opened(filled, f"imap://127.0.0.1:{proxy.port}")
        with destination.mailbox(ALICE.address) as alice:
            names = alice.item_names(STRAY)
            with pytest.raises(Refused, match="neither MOVE nor UIDPLUS"):
                alice.relocate(STRAY, BOB.address, TARGET, names)
            assert len(alice.item_names(STRAY)) == 4
