"""How people write sizes, times, owners and places, and what that is."""

from __future__ import annotations

import grp
import pwd
import re
from datetime import UTC, datetime
from pathlib import Path

from reinstate_journal.errors import UsageError

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
#: A user's or group's number: 32 bits, all of which set means nobody.
_ID = re.compile(r"[0-9]{1,9}|[1-3][0-9]{9}", re.ASCII)
_SCHEME = re.compile("[a-z][a-z0-9+-]*:")
_SIZE = re.compile(r"(\d{1,15})\s*([kmg]?)i?b?", re.IGNORECASE)


def is_text(argument: str) -> bool:
    """Whether an argument was UTF-8; Python escapes other bytes with halves of characters."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def moment_of(text: str | None) -> int | None:
    """Milliseconds of an ISO 8601 time. Raises UsageError."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        detail = f"{text!r} is no ISO 8601 time, such as 2026-05-03T14:00:00+02:00"
        raise UsageError(detail=detail) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return round(value.timestamp() * 1000)


def byte_count(text: str) -> int:
    """Bytes of a size such as `50M`; units are powers of 1,024. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(detail=f"{text!r} is no size, such as 50M or 1G")
    return int(match[1]) * _UNITS[match[2].lower()]


def source_of(text: str) -> str:
    """The location of a backup, its path absolute. Raises UsageError."""
    return _absolute(text, "backup", "archives") if _SCHEME.match(text) else absolute_path(text)


def destination_of(text: str) -> str:
    """The location of a destination, its path absolute. Raises UsageError."""
    return _absolute(text, "maildir")


def _absolute(location: str, *schemes: str) -> str:
    """The location with an absolute path, so that `resume` finds it from anywhere."""
    scheme, _, path = location.partition(":")
    return f"{scheme}:{absolute_path(path)}" if scheme in schemes and path else location


def absolute_path(text: str) -> str:
    """The path from the root. Raises UsageError."""
    if not text:
        raise UsageError(detail="the path of the backup is empty")
    try:
        path = str(Path(text).expanduser().absolute())
    except RuntimeError:  # ~name, of a name that nobody has
        raise UsageError(detail=f"{text!r} begins with the home of nobody") from None
    if not is_text(path):
        raise UsageError(detail=f"{path!r} is no text in UTF-8, so the journal cannot name it")
    return path


def owner_of(text: str | None) -> tuple[int, int] | None:
    """User and group of USER[:GROUP], names or numbers. Raises UsageError."""
    if text is None:
        return None
    user, _, group = text.partition(":")
    try:
        entry = pwd.getpwnam(user) if not _ID.fullmatch(user) else None
        uid = entry.pw_uid if entry else int(user)
        if not group:
            return uid, entry.pw_gid if entry else uid
        return uid, int(group) if _ID.fullmatch(group) else grp.getgrnam(group).gr_gid
    except KeyError:
        raise UsageError(detail=f"there is no user or group {text!r} on this machine") from None
