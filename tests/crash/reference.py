"""A backup, and what a restore of it that nobody disturbs makes of an empty destination."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import oracle
from crash.killing import Outcome, outcome_of
from reinstate_journal.check import check
from reinstate_service.destination.open import open_destination
from reinstate_service.operations.sample import build_sample, demo_messages
from reinstate_service.restore.options import Options
from running import COMMAND, restore_here


class Reference:
    """Restores of the backup are compared with `outcome`; all begin with the same empty tree."""

    def __init__(self, folder: Path, backup: str, addresses: list[str]) -> None:
        self.backup = backup
        self._addresses = addresses
        self._empty = folder / "empty"
        #: The undisturbed restore: `mail` and `reinstate.db`.
        self.whole = folder / "whole"
        open_destination(f"maildir:{self._empty}").close()
        self.whole.mkdir()
        restore_here(self.whole / "reinstate.db", self.begin(self.whole))
        self.outcome = self._outcome(self.whole, self.whole / "reinstate.db")

    def begin(self, folder: Path) -> Options:
        """The options of a restore to the empty tree that is now in `folder`."""
        shutil.copytree(self._empty, folder / "mail")
        return Options(source=self.backup, destination=f"maildir:{folder / 'mail'}")

    def must_equal(
        self, folder: Path, journal: Path | None = None, *, behind: bool = False
    ) -> None:
        """The oracle: everything is as in the undisturbed restore, and the journal is whole.

        One that was `behind` the destination says of what it has found that it was there.
        """
        journal = journal or folder / "reinstate.db"
        assert check(journal) == []
        told = {"journal": {}} if behind else {}
        outcome = self._outcome(folder, journal)
        assert outcome._replace(**told) == self.outcome._replace(**told)
        leftovers = [path for path in (folder / "mail").rglob("tmp/*") if path.is_file()]
        assert leftovers == []
        assert not restore_here(
            journal, Options(source=self.backup, destination=f"maildir:{folder / 'mail'}")
        ).began

    def _outcome(self, folder: Path, journal: Path) -> Outcome:
        return outcome_of(self._addresses, folder / "mail", journal)


def sample_reference(folder: Path) -> Reference:
    """The reference of the demo's backup, made in `folder`."""
    sample = build_sample(folder / "backup", demo_messages())
    addresses = [account.address for account in oracle.restored_accounts(sample)]
    return Reference(folder, sample.path, addresses)


def command(*arguments: str | Path) -> tuple[int, str]:
    """Runs `reinstate`; answers its exit code and what it told on stderr, without traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr
