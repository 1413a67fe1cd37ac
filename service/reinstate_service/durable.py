"""What is on the disk, whatever happens then.

A destination has its own (`destination.maildir.disk`), which never flushes again after a failure.
"""

from __future__ import annotations

import os


def flush(path: str | os.PathLike[str]) -> None:
    """Makes a file's content, or the names in a folder, durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
