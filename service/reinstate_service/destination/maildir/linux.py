"""System calls of Linux that Python does not have."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
from collections.abc import Callable
from functools import cache

#: RENAME_NOREPLACE of renameat2(2).
_NOREPLACE = 1


@cache
def syncfs() -> Callable[[int], int] | None:
    """The system call that flushes a file system, where it also tells of errors."""
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    if platform.system() != "Linux" or release is None:
        return None
    if (int(release[1]), int(release[2])) < (5, 8):
        return None
    function: Callable[[int], int] | None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return function


def renamed_if_free(parent: int, name: str, new_parent: int, new_name: str) -> bool:
    """Renames a file if nothing has its new name (FileExistsError); False if the system or the
    file system cannot do both in one step."""
    function = renameat2()
    if function is None:
        return False
    if function(parent, os.fsencode(name), new_parent, os.fsencode(new_name), _NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}:
        return False
    raise OSError(code, os.strerror(code), name)


@cache
def renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """The system call that renames without replacing, where there is one."""
    if platform.system() != "Linux":
        return None
    function: Callable[[int, bytes, int, bytes, int], int] | None
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return function
