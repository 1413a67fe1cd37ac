"""Whether this machine, the journal and the places named can do the job: facts, not guesses."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from reinstate_journal import lock_holder
from reinstate_journal.check import check
from reinstate_journal.errors import ReinstateError
from reinstate_service.model import Frozen

#: SQLite before this version can corrupt a WAL journal with several *writing* connections,
#: in rare cases; reinstate keeps one.
_SOUND_SQLITE = (3, 51, 3)
_FEW_FILES = 1024
_LITTLE_SPACE = 1024**3


class Finding(Frozen, frozen=True):
    """One thing that was looked at: `state` is ok, note or problem."""

    what: str
    state: str
    text: str


def examine(journal: Path, place: Path | None) -> Iterator[Finding]:
    """Looks at the machine, the journal if there is one, and the directory `place`, or the
    nearest one above it that exists, that a restore would write to."""
    yield from _machine()
    yield from _journal(journal)
    if place is not None:
        yield from _place(place)
    yield _dovecot()


def examine_server(journal: Path, location: str, config: str) -> Iterator[Finding]:
    """Looks at the machine, the journal, and the server that a restore would write to, which
    `config` says how to log in to. Raises UsageError."""
    # Only those who restore onto a server load what speaks to it.
    from reinstate_service.destination.imap.configuration import read_configuration  # noqa: PLC0415
    from reinstate_service.destination.imap.connection import server_of  # noqa: PLC0415
    from reinstate_service.destination.imap.examination import examine  # noqa: PLC0415

    server, imap = server_of(location), read_configuration(config)
    yield from _machine()
    yield from _journal(journal)
    for one in examine(server, imap):
        yield Finding(one.what, one.state, one.text)


def _machine() -> Iterator[Finding]:
    yield Finding("reinstate", "ok", version("reinstate"))
    yield Finding("python", "ok", sys.version.split()[0])
    sound = sqlite3.sqlite_version_info >= _SOUND_SQLITE
    yield Finding(
        "sqlite",
        "ok" if sound else "note",
        sqlite3.sqlite_version
        + ("" if sound else " (older than 3.51.3: never let two programs write to the journal)"),
    )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield Finding("open files", "ok" if files >= _FEW_FILES else "problem", str(files))


def _journal(journal: Path) -> Iterator[Finding]:
    if not journal.exists():
        yield Finding("journal", "note", f"{journal} does not exist yet; a restore makes it")
        return
    if (holder := lock_holder(journal)) is not None:
        yield Finding("journal", "note", f"{journal} is being written by {holder}")
    try:
        wrong = check(journal)
    except ReinstateError as error:
        yield Finding("journal", "problem", str(error))
        return
    for finding in wrong:
        yield Finding("journal", "problem", f"{journal}: {finding.message}")
    if not wrong:
        yield Finding("journal", "ok", f"{journal}: chain, numbering and projections are right")


def _place(place: Path) -> Iterator[Finding]:
    found = place.absolute()
    while not found.exists():
        found = found.parent
    if not found.is_dir():
        yield Finding("destination", "problem", f"{found} is no directory")
        return
    if not os.access(found, os.W_OK):
        yield Finding("destination", "problem", f"{found} cannot be written by this user")
        return
    free = shutil.disk_usage(found).free
    yield Finding(
        "space", "ok" if free > _LITTLE_SPACE else "problem", f"{free / 1024**3:,.1f} GiB free"
    )
    inodes = os.statvfs(found)
    if inodes.f_files:
        yield Finding("inodes", "ok", f"{inodes.f_favail:,} free")
    try:
        with tempfile.TemporaryDirectory(dir=found) as folder:
            (Path(folder) / "a").touch()
            sensitive = not (Path(folder) / "A").exists()
    except OSError as error:
        yield Finding("destination", "problem", f"nothing can be made in {found}: {error.strerror}")
        return
    yield Finding(
        "file names",
        "ok" if sensitive else "problem",
        "case-sensitive" if sensitive else "not case-sensitive: mail folders would merge",
    )
    if os.geteuid() == 0 and found.stat().st_uid == 0:
        yield Finding(
            "owner",
            "note",
            f"{found} belongs to root, whose mail Dovecot refuses: restore with --owner USER",
        )


def _dovecot() -> Finding:
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/sbin")
    if program is None:
        return Finding(
            "dovecot", "note", "not on this machine; a restored tree needs one to serve it"
        )
    answer = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False, timeout=10
    )
    return Finding("dovecot", "ok", answer.stdout.strip())
