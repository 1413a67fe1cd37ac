"""A small restore that passes every named point, in five variants, and the world around it.

`shared` and `symlink` restore onto a destination where mail has arrived in alice's account
before: in the place of her mountpoint, which her filters file into. `symlink` moves it
without renameat2. `fresh` restores onto nothing; `found` takes the accounts as they are.
`kept` restores onto nothing messages that are the backup's gzip files, equal ones as names of
one file.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from crash.killing import CONTEXT, Outcome, outcome_of
from crash.small import ADDRESSES, MIB, STRAY, put_strays, write_small_backup
from reinstate_journal.check import check
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_service.destination.maildir import linux
from reinstate_service.destination.maildir.removal import ASIDE
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account, Domain
from reinstate_service.restore import items, mountpoints
from reinstate_service.restore.options import Options
from running import restore_here
from team import ALICE, BOB, DAY

VARIANTS = ("shared", "symlink", "fresh", "found", "kept")
#: What `os._exit` is called with; no other exit code of ours is like it.
GONE = 77


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
            compress="keep" if variant == "kept" else "none",
            dedupe="link" if variant == "kept" else "none",
            concurrent_accounts=1,
        )
        write_small_backup(folder / "backup")
        if variant not in {"fresh", "kept"}:
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
        destination.set_quota("alice@example.test", 5 * MIB)
        if self._variant == "found":
            destination.put_account(Account(BOB, "bob@example.test"))
        else:
            put_strays(destination)
            with destination.mailbox("alice@example.test") as mailbox:
                for path in STRAY:
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
        linux.renameat2 = lambda: None  # type: ignore[assignment]
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


def lying(outcome: Outcome) -> Counter[tuple[str, tuple[str, ...]]]:
    """How many items each folder holds."""
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for one, number in outcome.destination.items():
        found[one.account, one.path] += number
    return found
