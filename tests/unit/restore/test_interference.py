"""What users do while a restore goes on, and what it does about it.

The state machine in tests/property found these; here each stands by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from reinstate_journal import open_journal
from reinstate_journal.events import (
    AccountFailed,
    ItemsRelocated,
    MountpointRefused,
    account_stream,
)
from reinstate_service.destination.contract import AccessGrant, Delivery
from reinstate_service.destination.memory import MemoryDestination, State
from reinstate_service.destination.memory.mailbox import MemoryMailbox
from reinstate_service.model import Item, ItemType
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import run_restore
from reinstate_service.source.open import open_source
from team import ALICE, BOB, write_backup

IN_PLACE = replace(MemoryDestination().namespace(), mounts_in_place=True)
SHARED = MemoryDestination().namespace()
ALICES, BOBS = "alice@example.test", "bob@example.test"


@dataclass
class Between(Observer):
    """Users who do something when a phase begins."""

    at: int
    happens: Callable[[], None]

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002 - only the phase counts
        if phase == self.at:
            self.happens()


@dataclass
class Restoring:
    """A backup, a destination and a journal; `run` restores once."""

    folder: Path
    state: State
    in_place: bool = False

    def run(self, observer: Observer | None = None) -> list[object]:
        """Answers the new events."""
        namespace = IN_PLACE if self.in_place else SHARED
        destination = MemoryDestination(self.state, namespace)
        options = Options(str(self.folder / "backup"), "memory:", concurrent_accounts=1)
        source = open_source(options.source)
        with open_journal(self.folder / "r.db") as journal:
            before = journal.head().position
            done = run_restore(
                source,
                destination,
                journal,
                options,
                version="test",
                observer=observer or Observer(),
                stop=threading.Event(),
            )
            self.stream = account_stream(done.restore, ALICE)
            return [recorded.event for recorded in journal.read(after=before)]

    def mail(self, path: tuple[str, ...]) -> None:
        """Mail arrives in a folder of alice's."""
        item = Item("m", ItemType.MESSAGE, "", 1_000_000, 4, "")
        with MemoryDestination(self.state).mailbox(ALICES) as mailbox:
            mailbox.deliver([Delivery("M1", path, item, (), lambda: iter([b"mail"]))])


@pytest.fixture(params=["shared", "in place"])
def restoring(request: pytest.FixtureRequest, tmp_path: Path) -> Restoring:
    write_backup(tmp_path / "backup", owner=BOB)
    return Restoring(tmp_path, State(), in_place=request.param == "in place")


def test_an_owner_who_deletes_the_folder_has_the_mountpoint_refused_and_nothing_else(
    restoring: Restoring,
) -> None:
    def delete() -> None:
        restoring.mail(("Team",))
        del restoring.state.accounts[BOBS].folders["Team",]

    events = restoring.run(Between(3, delete))
    (refused,) = (one for one in events if isinstance(one, MountpointRefused))
    assert "is not on the destination" in refused.reason
    assert not any(isinstance(one, AccountFailed) for one in events)
    assert len(restoring.state.accounts[ALICES].items["Team",]) == 1
    assert restoring.run() == []


def test_nothing_moves_to_an_owner_who_has_taken_the_grant_back(restoring: Restoring) -> None:
    def take_back() -> None:
        restoring.mail(("Team",))
        restoring.state.accounts[BOBS].grants.clear()

    events = restoring.run(Between(3, take_back))
    assert [one.reason for one in events if isinstance(one, MountpointRefused)] == [
        "'Team' is not granted to alice@example.test" + (" by name" if restoring.in_place else "")
    ]
    assert not any(isinstance(one, ItemsRelocated) for one in events)
    assert len(restoring.state.accounts[ALICES].items["Team",]) == 1
    assert restoring.run() == []


def test_a_mountpoint_that_was_refused_is_made_once_it_can_be(restoring: Restoring) -> None:
    kept: dict[tuple[str, ...], dict[str, str]] = {}

    def take_back() -> None:
        kept.update(restoring.state.accounts[BOBS].grants)
        restoring.state.accounts[BOBS].grants.clear()

    restoring.run(Between(3, take_back))
    restoring.state.accounts[BOBS].grants.update(kept)
    events = restoring.run()
    assert [type(one).__name__ for one in events if "Mountpoint" in type(one).__name__] == [
        "MountpointMapped",
        "MountpointRestored",
    ]
    assert restoring.run() == []


def test_a_user_who_deletes_a_folder_before_it_is_granted_stops_the_account_only_for_this_run(
    restoring: Restoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = MemoryMailbox.grant

    def deleted_just_before(
        mailbox: MemoryMailbox, path: tuple[str, ...], grants: Sequence[AccessGrant]
    ) -> None:
        monkeypatch.undo()
        del restoring.state.accounts[BOBS].folders["Team",]
        grant(mailbox, path, grants)

    monkeypatch.setattr(MemoryMailbox, "grant", deleted_just_before)
    first = restoring.run()
    assert any(isinstance(one, AccountFailed) for one in first)
    restoring.run()
    assert len(restoring.state.accounts[BOBS].items["Team",]) == 1
    assert restoring.state.accounts[BOBS].grants["Team",]
