"""From what a user names to the source that reads it."""

from __future__ import annotations

import re

from reinstate_journal.errors import UsageError
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.contract import Source

_SCHEME = re.compile(r"([a-z][a-z0-9+-]*):(.+)", re.DOTALL)


def open_source(location: str, at: int | None = None) -> Source:
    """The source at `location`: a path, or `backup:PATH`.

    `at` is the moment (milliseconds) whose states it answers with, None the latest.
    Reads nothing yet. Raises UsageError for a scheme that no source has.
    """
    match = _SCHEME.fullmatch(location)
    if match is None:
        return BackupPathSource(location, at)
    if match[1] == "backup":
        return BackupPathSource(match[2], at)
    raise UsageError(
        detail=f"{location} names no kind of backup that reinstate knows: use PATH or backup:PATH"
    )
