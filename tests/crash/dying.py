"""Dying at the k-th step of phase 3: before or after an effect, before or after an append."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reinstate_journal.sqlite.writer import SqliteJournal
from reinstate_service.destination.maildir.destination import MaildirDestination
from reinstate_service.destination.maildir.mailbox import MaildirMailbox
from reinstate_service.restore.options import Options
from running import restore_here

#: Everything that phase 3 does to the destination, and what it records.
BOUNDARIES: tuple[tuple[type, str], ...] = (
    (SqliteJournal, "append"),
    (MaildirMailbox, "create_folder"),
    (MaildirMailbox, "mount"),
    (MaildirMailbox, "replace_script"),
    (MaildirMailbox, "relocate"),
    (MaildirMailbox, "remove_folder"),
    (MaildirDestination, "set_quota"),
    (MaildirDestination, "configure_account"),
    (MaildirDestination, "put_data_source"),
)


def restore_dying(journal: Path, options: Options, boundary: int) -> None:
    """Restores in this process, which kills itself at the boundary of that number: each call
    has one before it and one after it."""
    passed = 0

    def pass_one() -> None:
        nonlocal passed
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            pass_one()
            answer = call(*arguments, **named)
            pass_one()
            return answer

        return wrapped

    for owner, name in BOUNDARIES:
        setattr(owner, name, around(getattr(owner, name)))
    restore_here(journal, options)
