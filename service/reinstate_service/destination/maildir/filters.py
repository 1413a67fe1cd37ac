"""Sieve scripts of one account: in sieve/, the active one behind `.dovecot.sieve`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.maildir.disk import Disk, descended, read_file
from reinstate_service.model import Filters

ACTIVE = ".dovecot.sieve"
_OURS = "sieve/incoming.sieve"


def install(disk: Disk, home: int, filters: Filters) -> Sequence[str]:
    """Stores the scripts byte for byte, and activates the incoming one.

    A script that the user has activated since, and that is not ours, stays active and
    untouched: Refused tells of it, and the scripts lie in sieve/ for the user to choose.
    `before` and `after` are run by Dovecot's sieve_before and sieve_after around
    whatever is active; `outgoing` is kept, as Dovecot has no use for it.
    """
    scripts = {
        "before": filters.before,
        "after": filters.after,
        "outgoing": filters.outgoing,
        "incoming": filters.incoming,
    }
    stored = {name: text for name, text in scripts.items() if text}
    with descended(home, "sieve") as folder:
        for name, text in stored.items():
            content = text.encode("utf-8", "surrogateescape")
            if read_file(folder, f"{name}.sieve") != content:
                disk.replace_file(folder, f"{name}.sieve", content)
    if filters.incoming:
        _activate(disk, home)
    return list(stored)


def _activate(disk: Disk, home: int) -> None:
    try:
        target = os.readlink(ACTIVE, dir_fd=home)
    except FileNotFoundError:
        disk.replace_link(home, ACTIVE, _OURS)
        return
    except OSError as error:  # a plain file: the user's own script
        raise _other_active() from error
    if target != _OURS:
        raise _other_active()


def _other_active() -> Refused:
    return Refused(
        detail="the user has activated another Sieve script; the restored one lies beside it"
    )
