"""A journal of 10,000 accounts, one of which has a name that means harm."""

from __future__ import annotations

from pathlib import Path

from reinstate_journal import open_journal
from reinstate_journal.catalogue import Event
from reinstate_journal.events import (
    AccountCompleted,
    AccountCreated,
    AccountVerified,
    FolderMapped,
    ItemFailed,
    ItemRestored,
    PhaseCompleted,
    PhaseStarted,
    RestoreCreated,
    RunEnded,
    RunStarted,
    VerificationFinding,
    VerificationFinished,
    VerificationStarted,
    account_stream,
    restore_stream,
    verification_stream,
)
from reinstate_journal.journal import Journal

RESTORE = "5b7b35ceb061"
ACCOUNTS = 10_000
HOSTILE = "~</script><script>alert(1)</script><img src=x onerror=alert(1)>&\u202e\x07"
NOON = 1_767_700_000_000


class _Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


def _append(journal: Journal, stream: str, *events: Event) -> None:
    journal.append(stream, journal.version(stream), events)


def _item(number: int, place: int) -> Event:
    digest = f"{number:08}{place}".ljust(44, "x")
    if number % 100 == 7 and place == 0:
        reason = f"blob {number} is not in the backup"
        return ItemFailed(
            item="1000", folder="2", failure="BlobMissing", reason=reason, digest=digest, size=9
        )
    size = 1000 + number * 7 % 5000
    return ItemRestored(item=str(1000 + place), folder="2", digest=digest, size=size)


def write_large_journal(path: Path) -> None:
    """Writes the journal of a finished restore of 10,000 accounts over some hours, which has been
    verified in part."""
    clock = _Clock()
    with open_journal(path, clock=clock) as journal:
        _write(journal, clock)


def _write(journal: Journal, clock: _Clock) -> None:
    whole = restore_stream(RESTORE)
    began = RunStarted(run=1, epoch=1, version="0.1.0", options={"source": "/b"}, last_scan=None)
    _append(
        journal,
        whole,
        RestoreCreated(
            restore=RESTORE,
            backup="/b",
            server_id="s",
            product="carbonio",
            destination="maildir:/m",
            destination_id="d",
        ),
        began,
        PhaseStarted(run=1, phase=2),
    )
    for first in range(0, ACCOUNTS, 50):
        clock.now += 16_000 + first % 700 * 40 if first < ACCOUNTS // 2 else 11_000
        appends = []
        for number in range(first, first + 50):
            account = f"{number:08}-0000-4000-8000-000000000000"
            address = f"user{number:05}@example.com" if number else f"{HOSTILE}@example.com"
            mapped = FolderMapped(folder="2", source=("Inbox",), path=("INBOX",), reason="system")
            named = FolderMapped(folder="257", source=(HOSTILE,), path=(HOSTILE,), reason="created")
            events = [
                AccountCreated(account=account, address=address),
                mapped,
                *([named] if number == 0 else []),
                *(_item(number, place) for place in range(2)),
                AccountCompleted(run=1),
            ]
            appends.append((account_stream(RESTORE, account), 0, events))
        journal.append_all(appends)
    clock.now += 60_000
    _append(journal, whole, PhaseCompleted(run=1, phase=2), RunEnded(run=1, outcome="incomplete"))
    account = f"{1:08}-0000-4000-8000-000000000000"
    _append(
        journal,
        verification_stream(RESTORE),
        VerificationStarted(verification=1, run=1, deep=True),
        VerificationFinding(1, "missing", "item", "1001", "", account, ("INBOX",)),
        AccountVerified(1, account, "user00001@example.com", there=1, missing=1),
        VerificationFinished(verification=1, whole=False),
    )
