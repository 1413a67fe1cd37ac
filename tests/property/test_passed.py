"""Laws of a pass over an account's items that is cut off again and again.

The real engine restores two items at a time onto a destination in memory. Between its runs,
which die before or after an append, scans add and change items, blobs vanish and come back,
and other items are chosen.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from property.stepping import Died, Pausing
from property.world import DAY
from reinstate_journal import open_journal
from reinstate_journal.events import ItemRestored, account_stream
from reinstate_journal.journal import Journal
from reinstate_service.destination.memory import MemoryDestination, State
from reinstate_service.model import Account, Domain, Folder, Item, Role
from reinstate_service.restore import items
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.restore.run import restore_id, run_restore
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.testing import law

ACCOUNT = "11111111-0000-4000-8000-00000000000a"
_APPENDS = frozenset({"append", "append_all"})

numbers = st.integers(1000, 1011)
#: A run that dies at its so manieth append (or is left alone), with a limit to an item's size.
runs = st.tuples(st.just("run"), st.integers(1, 60), st.sampled_from([0, 0, 100]))
#: What a scan finds: an item's content, by its version; larger than the limit if it is odd.
scans = st.tuples(st.just("scan"), numbers, st.integers(0, 3))
losses = st.tuples(st.sampled_from(["lose", "mend"]), numbers, st.just(0))
histories = st.lists(st.one_of(runs, runs, scans, losses), max_size=8)


class History:
    """A backup of one account, and the restore of it."""

    def __init__(self, folder: Path, first: set[int]) -> None:
        self._backup, self._journal, self._lost = (
            folder / "backup",
            folder / "j.db",
            folder / "lost",
        )
        self._lost.mkdir()
        self._state = State()
        self._scans = 0
        with BackupWriter(self._backup, clock=lambda: DAY, durable=False) as writer:
            writer.put_domain(Domain("d", "example.test"))
            writer.put_account(Account(ACCOUNT, "ann@example.test"))
            writer.put_folder(ACCOUNT, Folder("2", "", "Inbox", role=Role.INBOX))
            for number in first:
                self._put(writer, number, 0)
            writer.finish_scan()

    def _put(self, writer: BackupWriter, number: int, version: int) -> None:
        content = f"Subject: {number} {version}\r\n\r\n".encode() + b"x" * (version % 2 * 200)
        item = writer.put_item(ACCOUNT, str(number), content=content, folder="2", date=DAY)
        (self._lost / item.digest).unlink(missing_ok=True)

    def scan(self, number: int, version: int) -> None:
        self._scans += 1
        with BackupWriter(
            self._backup, clock=lambda: DAY + self._scans * 1000, durable=False
        ) as writer:
            self._put(writer, number, version)
            writer.finish_scan()

    def lose(self, number: int) -> None:
        """The blob of the item's state vanishes."""
        for record in BackupPathSource(self._backup).items(ACCOUNT):
            if record.id == str(number) and isinstance(record, Item):
                blob = self._backup / "items" / record.digest[:2] / record.digest
                if blob.exists():
                    shutil.move(blob, self._lost / record.digest)

    def mend(self) -> None:
        """Every blob that had vanished comes back."""
        for blob in self._lost.iterdir():
            shutil.move(blob, self._backup / "items" / blob.name[:2] / blob.name)

    def run(self, dies: int = 0, most: int = 0) -> None:
        """One run, which dies at that append, if it comes to it."""
        left = dies * 2  # before and after each

        def append() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Died

        options = Options(str(self._backup), "memory:", concurrent_accounts=1, max_file_size=most)
        with open_journal(self._journal) as journal:
            try:
                run_restore(
                    BackupPathSource(self._backup),
                    MemoryDestination(self._state),
                    cast("Journal", Pausing(journal, append, _APPENDS)),
                    options,
                    version="test",
                    observer=Observer(),
                    stop=threading.Event(),
                )
            except Died:
                event("died")

    def check(self) -> None:
        """Every item of the backup is restored as it is now; each that was lies there once."""
        source = BackupPathSource(self._backup)
        wanted = {(one.id, one.digest) for one in source.items(ACCOUNT) if isinstance(one, Item)}
        stream = account_stream(
            restore_id(source.identity().server_id, self._state.identity), ACCOUNT
        )
        with open_journal(self._journal) as journal:
            told = Counter(
                (one.event.item, one.event.digest)
                for one in journal.read(stream=stream, types=[ItemRestored])
                if isinstance(one.event, ItemRestored)
            )
        assert wanted <= told.keys()
        assert set(told.values()) <= {1}
        with MemoryDestination(self._state).mailbox("ann@example.test") as mailbox:
            lying = Counter(one.digest for one in mailbox.contents(lambda _name: True))
        assert lying == Counter(digest for _, digest in told)


@pytest.fixture(autouse=True)
def _two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "BATCH_ITEMS", 2)


@law(200)
@given(st.sets(numbers), histories)
def test_however_a_pass_is_cut_off_every_item_is_restored_as_it_is_in_the_end_and_once(
    first: set[int], steps: list[tuple[str, int, int]]
) -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        history = History(folder, first)
        for kind, number, detail in steps:
            match kind:
                case "run":
                    history.run(number, detail)
                case "scan":
                    history.scan(number, detail)
                case "lose":
                    history.lose(number)
                case _:
                    history.mend()
        history.mend()
        history.run()
        history.check()
    finally:
        shutil.rmtree(folder)
