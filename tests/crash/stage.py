"""A small restore that passes every named point, in four variants, and the world around it.

`shared` and `symlink` restore onto a destination where mail has arrived in alice's account
before: in the place of her mountpoint, which her filters file into. `symlink` moves it
without renameat2. `fresh` restores onto nothing; `found` takes the accounts as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from crash.killing import CONTEXT, Outcome, outcome_of
from reinstate_journal.check import check
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.maildir import disk
from reinstate_service.destination.maildir.removal import ASIDE
from reinstate_service.destination.open import open_destination
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Flag,
    Folder,
    Grant,
    GranteeType,
    Item,
    ItemType,
    Mountpoint,
    Tag,
)
from reinstate_service.operations.sample_content import card
from reinstate_service.restore import items, mountpoints
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here
from team import ALICE, BOB, DAY, SCRIPT, SYSTEM_FOLDERS

VARIANTS = ("shared", "symlink", "fresh", "found")
ADDRESSES = ("alice@example.test", "bob@example.test")
STRAY = {("Team",): 3, ("Team", "Old"): 2}
#: What `os._exit` is called with; no other exit code of ours is like it.
GONE = 77
_MIB = 1 << 20


class Death(NamedTuple):
    """Where a process ends itself: at the `hit`-th time that it reaches the point."""

    point: str
    hit: int = 1
    by_signal: bool = True

    def __str__(self) -> str:
        return f"{self.point} {self.hit}, {'SIGKILL' if self.by_signal else 'os._exit'}"


class Stage:
    """The folder of one variant. Everything runs in `here`, so that paths are the same."""

    def __init__(self, folder: Path, variant: str) -> None:
        folder.mkdir()
        self._folder = folder
        self._variant = variant
        self.here = folder / "here"
        self.here.mkdir()
        self._options = Options(
            source=str(folder / "backup"),
            destination=f"maildir:{self.here / 'mail'}",
            mountpoints="symlink" if variant == "symlink" else "shared",
            skip_account_provisioning=variant == "found",
            concurrent_accounts=1,
        )
        write_backup(folder / "backup")
        if variant != "fresh":
            self._found()
        self.keep("before")
        #: What the restore reaches when nothing happens, each time that it does.
        self.trace = self.restore()
        self.whole = self.outcome()

    def _found(self) -> None:
        """What the destination has before the restore."""
        destination = open_destination(self._options.destination)
        destination.put_domain(Domain("d", "example.test"))
        destination.put_account(Account(ALICE, "alice@example.test"))
        destination.set_quota("alice@example.test", 5 * _MIB)
        if self._variant == "found":
            destination.put_account(Account(BOB, "bob@example.test"))
        else:
            with destination.mailbox("alice@example.test") as mailbox:
                for path, number in STRAY.items():
                    mailbox.deliver([_mail(path, one) for one in range(number)])
                    mailbox.subscribe(path)
        destination.close()

    def keep(self, name: str) -> None:
        """Keeps what is there."""
        _copy(self.here, self._folder / name)

    def back_to(self, name: str) -> None:
        """What was kept is there again."""
        _copy(self._folder / name, self.here)

    def die(self, death: Death) -> None:
        """Restores in a process that must end itself there."""
        code = self._run(death)
        assert code == (-signal.SIGKILL if death.by_signal else GONE), f"{death}: exit {code}"

    def restore(self) -> list[str]:
        """Restores, and then once more, which finds nothing to do; answers the names of the
        points that the first of the two reached, each time that it did."""
        assert self._run(None) == 0
        trace: list[str] = json.loads((self._folder / "trace").read_text(encoding="utf-8"))
        return trace

    def _run(self, death: Death | None) -> int | None:
        process = CONTEXT.Process(
            target=_restore,
            args=(self._variant, self.here, self._options, death, self._folder / "trace"),
        )
        process.start()
        process.join()
        return process.exitcode

    def outcome(self) -> Outcome:
        """What there is, after the journal was found whole."""
        journal = self.here / "reinstate.db"
        assert check(journal) == []
        return outcome_of(ADDRESSES, self.here / "mail", journal)


def _copy(source: Path, to: Path) -> None:
    """A message that is being moved may have two names: hard links stay what they are."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", source, to], check=True)


def _restore(variant: str, here: Path, options: Options, death: Death | None, trace: Path) -> None:
    """What a process does: everything in twos, so that there is a middle."""
    items.BATCH_ITEMS = mountpoints._BATCH = 2
    if variant == "symlink":
        disk._renameat2 = lambda: None  # type: ignore[assignment]
    reached: list[str] = []

    def look(point: Point) -> None:
        reached.append(point.name)
        if point is At.STRAY_ASIDE:
            receive_late_mail(here)
        if death is not None and point.name == death.point:
            if reached.count(point.name) < death.hit:
                return
            if death.by_signal:
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(GONE)

    watch(look)
    restore_here(here / "reinstate.db", options)
    trace.write_text(json.dumps(reached), encoding="utf-8")
    assert not restore_here(here / "reinstate.db", options).began


def receive_late_mail(here: Path) -> None:
    """Twice in the life of a destination, mail arrives at the last moment in a folder that is
    being put aside; the second time Dovecot has made a new one by then, with mail in it."""
    arrived = here / "arrived"
    already = arrived.read_text(encoding="utf-8") if arrived.exists() else ""
    if len(already) == 2:
        return
    maildir = here / "mail" / "example.test" / "alice" / "Maildir"
    (aside,) = (maildir / ASIDE).iterdir()
    _arrive(aside, f"late{len(already)}")
    if already:
        made = maildir / ".Team.Old"
        for part in ("cur", "new", "tmp"):
            (made / part).mkdir(parents=True)
        (made / "maildirfolder").touch()
        _arrive(made, "anew")
    arrived.write_text(f"{already}x", encoding="utf-8")


def _arrive(folder: Path, name: str) -> None:
    message = folder / "new" / f"1767690000.{name}"
    message.write_bytes(f"Subject: {name}\r\n\r\nx\r\n".encode())
    os.utime(message, (DAY // 1000, DAY // 1000))


def write_backup(path: Path) -> None:
    """alice has a mountpoint of bob's folder Team, and a filter that files there; everything
    else is there once."""
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test", aliases=("example.invalid",)))
        writer.put_cos(ClassOfService("c", "staff", 3 * _MIB))
        writer.put_list(DistributionList("l", "all@example.test", members=ADDRESSES))
        for account in _accounts():
            writer.put_account(account)
            for folder in SYSTEM_FOLDERS:
                writer.put_folder(account.id, folder)
            writer.put_tag(account.id, Tag("64", "todo"))
        grants = (Grant(ALICE, GranteeType.USER, "rwidxc"),)
        writer.put_folder(BOB, Folder("257", "", "Team", grants=grants))
        writer.put_folder(ALICE, Folder("258", "", "Work"))
        writer.put_folder(ALICE, Folder("259", "", "People", ItemType.CONTACT, colour="red"))
        writer.put_mountpoint(ALICE, Mountpoint("300", "", "Team", BOB, "257"))
        _write_items(writer)
        writer.finish_scan(DAY)


def _accounts() -> Iterable[Account]:
    source = DataSource("s", "Old", "imap", host="old.test", port=993, user="alice", folder="258")
    yield Account(
        ALICE,
        "alice@example.test",
        cos="c",
        data_sources=(source,),
        filters=Filters(incoming=SCRIPT, outgoing='require "fileinto";\n'),
        attributes={"zimbraPrefWhenInFolderIds": ("258",)},
    )
    yield Account(BOB, "bob@example.test", quota=10 * _MIB, aliases=("robert@example.test",))


def _write_items(writer: BackupWriter) -> None:
    places = ((BOB, "257"), (BOB, "2"), (ALICE, "258"), (ALICE, "258"), (ALICE, "2"))
    for number, (account, folder) in enumerate(places, start=1000):
        content = f"Subject: restored {number}\r\n\r\nbody\r\n".encode()
        tags = ("todo",) if number % 2 == 0 else ()
        writer.put_item(account, str(number), content=content, folder=folder, date=DAY, tags=tags)
    writer.put_item(
        ALICE,
        "2000",
        content=card("Bob", "bob@example.test"),
        folder="259",
        date=DAY,
        type=ItemType.CONTACT,
        flags=Flag.FLAGGED,
    )


def _mail(path: tuple[str, ...], number: int) -> Delivery:
    content = f"Subject: {'/'.join(path)} {number}\n\nx\n".encode()
    item = Item("m", ItemType.MESSAGE, "", DAY + number * 1000, len(content), "", Flag.SEEN)
    name = f"M{number}P{len(path)}"
    return Delivery(name, path, item, ("todo",), lambda: iter([content]))


def lying(outcome: Outcome) -> Counter[tuple[str, tuple[str, ...]]]:
    """How many items each folder holds."""
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for one, number in outcome.destination.items():
        found[one.account, one.path] += number
    return found
