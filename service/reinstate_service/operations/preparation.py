"""What to do before a restore and after it, by the kind of the destination; and whether there is
room for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reinstate_service.model import Frozen
from reinstate_service.operations.doctor import Finding

_GIB = 1024**3


class Advice(Frozen, frozen=True):
    """What to do before a restore, and what after it, also to undo the first; empty for nothing."""

    before: str = ""
    after: str = ""


_MAILDIR = (
    Advice(
        "Pause what scans or copies the mail tree at every change: virus scanners, snapshots,"
        " sync.",
        "Let virus scanners, snapshots and sync of the mail tree work again.",
    ),
    Advice(
        "Leave write barriers of disk and file system on: that nothing is lost or doubled rests on"
        " flushes that hold.",
    ),
    Advice(
        after="Build Dovecot's indexes before users come, full-text ones as well: doveadm index -A"
        " '*'",
    ),
    Advice(
        after="If quotas are counted by maildirsize (quota = maildir), count anew: doveadm quota"
        " recalc -A. The printed configuration (quota = count) needs none.",
    ),
)
_SERVER = (
    Advice(
        "Switch off full-text indexing of new messages (Dovecot: fts_autoindex = no).",
        "Switch full-text indexing on again, and index what came: doveadm index -A '*'",
    ),
    Advice(
        "Raise quotas that are too small, which plan names: they are left alone here.",
        "Put back the quotas that were raised.",
    ),
    Advice(
        "Let this machine open enough connections (Dovecot: mail_max_userip_connections), and keep"
        " it out of what bars addresses after many logins.",
        "Take back what was allowed to this machine.",
    ),
    Advice(
        "Pause replication and backups of the server, or they copy every message once more.",
        "Let replication and backups of the server work again.",
    ),
)


def advice_for(destination: str) -> tuple[Advice, ...]:
    """What belongs to the kind of the destination at that location."""
    scheme = destination.partition(":")[0]
    if scheme in {"imap", "imaps"}:
        return _SERVER
    return _MAILDIR if scheme == "maildir" else ()


def to_do_after(destination: str) -> tuple[str, ...]:
    """What to do when a restore has ended, in a line each."""
    return tuple(advice.after for advice in advice_for(destination) if advice.after)


def room_for(destination: str, size: int, files: int) -> tuple[Finding, ...]:
    """Whether `size` bytes in so many files fit into a tree at the location; nothing of a server,
    which does not tell."""
    scheme, _, path = destination.partition(":")
    if scheme != "maildir":
        return ()
    try:
        found = Path(path).absolute()
        while not found.exists():
            found = found.parent
        free, inodes = shutil.disk_usage(found).free, os.statvfs(found)
    except OSError:  # the destination itself says what is wrong with the place
        return ()
    findings = [
        Finding(
            "space",
            "ok" if size <= free else "problem",
            f"{size / _GIB:,.1f} GiB to restore, {free / _GIB:,.1f} GiB free",
        )
    ]
    if inodes.f_files:  # some file systems make them as they need them
        left = inodes.f_favail
        state = "ok" if files <= left else "problem"
        findings.append(Finding("inodes", state, f"{files:,} files to make, {left:,} inodes free"))
    return tuple(findings)
