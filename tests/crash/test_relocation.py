"""A restore onto a live server that is killed while what filters had filed moves to its owner, by
MOVE and by COPY and EXPUNGE, ends with every message with its owner, once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.killing import CONTEXT
from crash.stage import Death
from reinstate_journal.check import check
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_service.restore import mountpoints
from reinstate_service.restore.options import Options
from running import restore_here
from system.dovecot import needs_dovecot
from system.lacking import Lacking
from system.live import LiveDovecot, live_server
from team import SECRET, restore_until_phase_3, write_backup

pytestmark = needs_dovecot

ALICE, BOB = "alice@example.test", "bob@example.test"
FILED = 7


def _die(journal: Path, options: Options, death: Death) -> None:
    mountpoints._BATCH = 3
    hits = Counter[str]()

    def look(reached: Point) -> None:
        hits[reached.name] += 1
        if reached.name == death.point and hits[death.point] == death.hit:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(look)
    restore_here(journal, options)


@pytest.fixture(scope="module")
def live() -> Iterator[LiveDovecot]:
    with live_server([ALICE, BOB]) as server:
        server.configure(identity="the server")
        write_backup(server.folder / "backup")
        yield server


@pytest.fixture(scope="module")
def places(live: LiveDovecot) -> Iterator[dict[bool, str]]:
    """Where the server has MOVE, and where it seems to have neither that nor UNSELECT."""
    with Lacking(live.imap_port, b"MOVE", b"UNSELECT") as proxy:
        yield {True: live.location, False: f"imap://127.0.0.1:{proxy.port}"}


@pytest.mark.parametrize(
    ("death", "moves"),
    [
        (Death(At.RELOCATION_STARTED.name, 1), True),
        (Death(At.RELOCATION_STARTED.name, 2), True),
        (Death(At.RELOCATED.name, 1), True),
        (Death(At.RELOCATED.name, 3), True),
        (Death(At.STRAY_EMPTIED.name, 1), True),
        (Death(At.RELOCATION_STARTED.name, 2), False),
        (Death(At.RELOCATION_COPIED.name, 1), False),
        (Death(At.RELOCATION_COPIED.name, 3), False),
        (Death(At.RELOCATED.name, 2), False),
        (Death(At.STRAY_REMOVED.name, 1), False),
    ],
    ids=str,
)
def test_every_message_lies_with_its_owner_once(
    live: LiveDovecot, places: dict[bool, str], tmp_path: Path, death: Death, moves: bool
) -> None:
    live.empty()
    options = live.options(live.folder / "backup", places[moves])
    journal = tmp_path / "reinstate.db"
    restore_until_phase_3(journal, options)
    # Two of them are the same, as if a list had sent it twice in one second.
    for number in (*range(FILED - 1), 0):
        message = f"Message-ID: <{number}@x>\r\nSubject: [team] {number}\r\n\r\nx\r\n"
        live.dovecot.lmtp("x@elsewhere.test", ALICE, message.encode())

    process = CONTEXT.Process(target=_die, args=(journal, options, death))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    restore_here(journal, options)

    assert check(journal) == []
    assert not restore_here(journal, options).began
    with live.dovecot.imap(BOB, SECRET) as client:
        client.select_folder("Team", readonly=True)
        told = client.fetch(client.search(), ["ENVELOPE"]).values()
    filed = [f"[team] {number}" for number in (*range(FILED - 1), 0)]
    found = Counter(one[b"ENVELOPE"].subject.decode() for one in told)
    assert found == Counter(["restored 1000", *filed])
    destination = live.destination()
    with destination.mailbox(ALICE) as alice:
        left = [one.path for one in alice.contents()]
        folders = {one.path for one in alice.folders()}
    assert left == [("Work",)]
    assert ("Team",) not in folders
