"""Sieve scripts of one account: in sieve/, the active one behind `.dovecot.sieve`."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Sequence

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import Missing, Refused
from reinstate_service.destination.maildir.disk import Disk, unlink_if_there
from reinstate_service.destination.maildir.looking import descended, read_file
from reinstate_service.model import Filters

ACTIVE = ".dovecot.sieve"
FOLDER = "sieve"
_SUFFIX = ".sieve"
_OURS = f"{FOLDER}/incoming{_SUFFIX}"
#: Pigeonhole compiles a script anew if it is not older than what was compiled of it. A
#: script from a moment ahead is newer than whatever is still being compiled of the old one.
_AHEAD_SECONDS = 3.0

#: A script's place: the directories that lead to it from the home, and its file.
_Place = tuple[tuple[str, ...], str]


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
    with descended(home, FOLDER) as folder:
        for name, text in stored.items():
            content = text.encode("utf-8", "surrogateescape")
            if read_file(folder, f"{name}{_SUFFIX}") != content:
                disk.replace_file(folder, f"{name}{_SUFFIX}", content)
                reach(At.SCRIPT_STORED)
    if filters.incoming:
        reach(At.SCRIPTS_STORED)
        _activate(disk, home)
    return list(stored)


def scripts(home: int) -> dict[str, str]:
    """Every script by its file's name without `.sieve`: those in sieve/, and the active one, as
    `.dovecot`, if it is elsewhere in the home. Bytes that are no UTF-8 are escaped
    (surrogateescape). Symlinks are not followed but for the one that tells what is active."""
    found = {}
    for name, (directories, file_name) in _places(home):
        content = _content(home, directories, file_name)
        if content is not None:
            found[name] = content.decode("utf-8", "surrogateescape")
    return found


def replace(disk: Disk, home: int, name: str, text: str) -> None:
    """Puts `text` in a script's place at once, wherever the active one is. What was compiled
    of the old one goes. Raises Missing."""
    place = dict(_places(home)).get(name)
    if place is None or _content(home, *place) is None:
        raise Missing(what=f"Sieve script {name!r}")
    directories, file_name = place
    content = text.encode("utf-8", "surrogateescape")
    with descended(home, *directories) as folder:
        if read_file(folder, file_name) != content:
            disk.replace_file(folder, file_name, content, time.time() + _AHEAD_SECONDS)
            reach(At.SCRIPT_REPLACED)
        unlink_if_there(folder, f"{file_name.removesuffix(_SUFFIX)}.svbin")
    reach(At.COMPILED_DROPPED)
    unlink_if_there(home, f"{ACTIVE.removesuffix(_SUFFIX)}.svbin")


def _places(home: int) -> Iterator[tuple[str, _Place]]:
    """Where scripts are, by their names."""
    with descended(home, FOLDER) as folder, os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False)
        )
    for name in names:
        if name != ACTIVE:
            yield name.removesuffix(_SUFFIX), ((FOLDER,), name)
    active = _active(home)
    if active is not None and not (active[0] == (FOLDER,) and active[1] in names):
        yield ACTIVE.removesuffix(_SUFFIX), active


def _active(home: int) -> _Place | None:
    """The place of the active script; None if there is none inside the home."""
    try:
        target = os.readlink(ACTIVE, dir_fd=home)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return (), ACTIVE  # a plain file
    parts = _inside(home, target)
    return None if not parts else (parts[:-1], parts[-1])


def _inside(home: int, target: str) -> tuple[str, ...] | None:
    """The way from the home to where a link in it leads; None if it leads out."""
    parts = tuple(os.path.normpath(target).split("/"))
    if parts[0] == "..":
        return None
    if parts[0]:
        return parts
    for depth in range(2, len(parts)):
        try:
            above = os.stat("/".join(parts[:depth]))  # noqa: PTH116 compared, not opened
        except OSError:
            return None
        if os.path.samestat(above, os.fstat(home)):
            return parts[depth:]
    return None


def _content(home: int, directories: tuple[str, ...], file_name: str) -> bytes | None:
    """A script's bytes; None if it is no regular file that is reached without symlinks."""
    try:
        with descended(home, *directories) as folder:
            return read_file(folder, file_name)
    except OSError as error:
        if error.errno in {None, errno.ELOOP, errno.ENOTDIR, errno.ENOENT}:
            return None
        raise


def _activate(disk: Disk, home: int) -> None:
    try:
        target = os.readlink(ACTIVE, dir_fd=home)
    except FileNotFoundError:
        disk.replace_link(home, ACTIVE, _OURS)
        return
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise _other_active() from error  # a plain file: the user's own script
    if target != _OURS:
        raise _other_active()


def _other_active() -> Refused:
    return Refused(
        detail="the user has activated another Sieve script; the restored one lies beside it"
    )
