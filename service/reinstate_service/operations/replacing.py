"""Putting a file in another's place, so that nobody ever sees half of it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from reinstate_service import durable


def replace_file(path: Path, text: str, mode: int) -> None:
    """Puts `text` (UTF-8) at `path` in one step, durable on return. Raises OSError; nothing is
    left behind then."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, mode)
            file.write(text)
            file.flush()
            os.fsync(handle)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    durable.flush(path.parent)
