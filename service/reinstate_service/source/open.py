"""From what a user names to the source that reads it."""

from __future__ import annotations

import re

from reinstate_journal.errors import UsageError
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.contract import Export, Source

_SCHEME = re.compile(r"([a-z][a-z0-9+-]*):(.+)", re.DOTALL)


def open_source(location: str, at: int | None = None) -> Source:
    """The source at `location`: a path, `backup:PATH` or `archives:DIR`.

    `at` is the moment (milliseconds) whose states it answers with, None the latest.
    Reads nothing yet. Raises UsageError for a scheme that no source has.
    """
    match = _SCHEME.fullmatch(location)
    scheme, path = (match[1], match[2]) if match else ("backup", location)
    match scheme:
        case "backup":
            return BackupPathSource(path, at)
        case "archives":
            return _archives(path, at)
    raise UsageError(
        detail=f"{location} names no kind of backup that reinstate knows:"
        " use PATH, backup:PATH or archives:DIR"
    )


def open_export(location: str) -> Export:
    """The source at `location`, `archives:DIR`, to build a Backup Path from. Reads nothing yet.

    Raises UsageError.
    """
    if (match := _SCHEME.fullmatch(location)) and match[1] == "archives":
        return _archives(match[2])
    raise UsageError(detail=f"{location} is nothing that a backup is built from: use archives:DIR")


def _archives(path: str, at: int | None = None) -> Export:
    # Calendars take a tenth of a second to import.
    from reinstate_service.source.archives import ArchivesSource  # noqa: PLC0415

    return ArchivesSource(path, at)
