"""Where restores begin that a system call ends."""

from __future__ import annotations

import shutil
from pathlib import Path

from crash.killing import Outcome, outcome_of
from crash.small import ADDRESSES, put_strays, write_small_backup
from reinstate_service.destination.open import open_destination
from reinstate_service.restore.options import Options
from team import restore_until_phase_3


def _restore_until_strays_lie(folder: Path, options: Options) -> None:
    restore_until_phase_3(folder / "reinstate.db", options)
    destination = open_destination(options.destination)
    put_strays(destination)
    destination.close()


class Scene:
    """A backup, and where its restore begins: `whole` with nothing there; `shared` and
    `symlink` before phase 3, with mail in the way of a mountpoint of that kind."""

    def __init__(self, kind: str, folder: Path) -> None:
        """Makes it in the new folder."""
        self.kind = kind
        self.backup = folder / "backup"
        self._template = folder / "template"
        self._template.mkdir(parents=True)
        write_small_backup(self.backup)
        if kind != "whole":
            _restore_until_strays_lie(self._template, self.options(self._template))

    def options(self, folder: Path) -> Options:
        """The options of the restore in `folder`."""
        return Options(
            str(self.backup),
            f"maildir:{folder / 'mail'}",
            mountpoints="shared" if self.kind == "whole" else self.kind,
            concurrent_accounts=1,
        )

    def begin(self, folder: Path) -> list[str]:
        """Puts in `folder` what is there before; answers the arguments of the command."""
        if self.kind != "whole":
            shutil.copytree(self._template / "mail", folder / "mail", symlinks=True)
            shutil.copy(self._template / "reinstate.db", folder / "reinstate.db")
        options = self.options(folder)
        where = ["--journal", str(folder / "reinstate.db"), "--mountpoints", options.mountpoints]
        how = ["--concurrent-accounts", "1", "--quiet"]
        return ["restore", options.source, options.destination, *where, *how]


def settled(folder: Path) -> Outcome:
    """Everything that there is in `folder`. Grants that were given while a grantee could not be
    read, and then anew, count as one step."""
    outcome = outcome_of(ADDRESSES, folder / "mail", folder / "reinstate.db")
    steps = {(stream, _unrevised(step)) for stream, step in outcome.journal["steps"]}
    return outcome._replace(journal=outcome.journal | {"steps": sorted(steps)})


def _unrevised(step: str) -> str:
    return step.rpartition(" ")[0] if step.startswith("grants ") else step
