"""Where the file system shares blocks, nothing is copied, and nothing can be changed through it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.destination_contract import DATE, delivery
from mounting import SHARING, CannotMount, mounted
from odd_gzip import ADDRESS, BLOBS, digest, write_odd_backup
from reinstate_journal import open_reader
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account, Domain
from reinstate_service.operations.report import make_report
from reinstate_service.restore.options import Options
from running import restore_here, run

SAME = b"Subject: to everybody\r\n\r\n" + b"the same\r\n" * 5_000


@pytest.fixture(scope="module", params=list(SHARING))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder on a file system of that kind."""
    with contextlib.ExitStack() as stack:
        try:
            folder = tmp_path_factory.mktemp(request.param)
            found = stack.enter_context(mounted(request.param, folder, 512 << 20))
        except CannotMount as error:
            pytest.skip(str(error))
        yield found


def _state(file: Path) -> tuple[object, ...]:
    """Everything about a file but when it was read."""
    status = file.stat()
    owned = (status.st_ino, status.st_nlink, status.st_uid, status.st_gid, status.st_mode)
    return file.read_bytes(), *owned, status.st_mtime_ns, status.st_ctime_ns


def test_the_backups_gzip_files_share_their_blocks_and_stay_what_they_are(place: Path) -> None:
    backup, tree, journal = place / "backup", place / "mail", place / "reinstate.db"
    write_odd_backup(backup, BLOBS)
    blobs = {path: _state(path) for path in (backup / "items").glob("*/*")}
    asked = Options(str(backup), f"maildir:{tree}", compress="keep")
    told = run("plan", backup, f"maildir:{tree}", "--compress", "keep", "--dedupe", "reflink")
    assert "gzip files share their blocks" in told
    assert "equal messages share their blocks" in told
    restore_here(journal, asked)
    with open_reader(journal) as reader:
        saved = make_report(reader).saved
    kept = [blob for blob in BLOBS.values() if blob.kept]
    assert (saved.messages, saved.shared) == (len(kept), len(kept))
    destination = open_destination(f"maildir:{tree}", create=False)
    with destination.mailbox(ADDRESS) as mailbox:
        found = {item.digest for item in mailbox.contents()}
    destination.close()
    assert found == {digest(blob.content) for blob in BLOBS.values()}
    for file in tree.glob("**/cur/*"):
        with file.open("r+b") as opened:
            opened.write(b"changed")
    assert {path: _state(path) for path in blobs} == blobs


def test_equal_messages_share_blocks_whatever_their_dates(place: Path) -> None:
    destination = MaildirDestination(place / "twins", dedupe="reflink")
    destination.put_domain(Domain(id="d", name="example.test"))
    destination.put_account(Account(id="a", address=ADDRESS))
    with destination.mailbox(ADDRESS) as mailbox:
        first = mailbox.deliver([delivery("a", content=SAME)])
        more = mailbox.deliver(
            [delivery(f"b{one}", content=SAME, date=DATE + one) for one in (1, 2)]
        )
    destination.close()
    assert [one.taken for one in (*first, *more)] == [None, 0, 0]
    files = sorted((place / "twins").glob("**/cur/*"))
    assert [file.read_bytes() for file in files] == [SAME] * 3
    assert len({file.stat().st_ino for file in files}) == 3
    assert sorted(file.stat().st_mtime_ns // 1_000_000 for file in files) == [
        DATE,
        DATE + 1,
        DATE + 2,
    ]
