"""Mountpoints that stand in place: symlinks from the grantee's Maildir to the owner's folder.

Dovecot follows such a link as it follows any directory; reinstate never does. A
relative link keeps leading there when the whole tree is moved. To Dovecot the grantee
is the owner of whatever stands in the grantee's own namespace, with all rights unless
`dovecot-acl` has a line for this very user: what was granted to a group only, or to
everybody, is not mounted in place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import Missing, Refused
from reinstate_service.destination.maildir.collection import collection_directory
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.folders import (
    mailbox_directory,
    make_mailbox,
    subscribe,
)
from reinstate_service.destination.maildir.layout import INBOX, folder_directory, folder_path
from reinstate_service.destination.maildir.looking import (
    descended,
    exists,
    is_link,
    listed,
    read_file,
)
from reinstate_service.destination.maildir.sharing import ACL, identifiers
from reinstate_service.model import Path


def need_mailbox(home: int, owner: str, path: Path) -> None:
    """Raises Missing if the account whose open directory is `home` has no such mailbox."""
    if mailbox_directory(home, path) is None:
        raise Missing(what=f"folder {'/'.join(path)} of {owner}")


def need_grant(home: int, path: Path, grantee: str, *, by_name: bool) -> None:
    """Raises Refused if the mailbox `path` of the open home is not granted to `grantee`: by name,
    or to anything but other users."""
    with descended(home, "Maildir", folder_directory(path)) as folder:
        granted = identifiers(read_file(folder, ACL))
    by_its_name = f"user={grantee}" in granted
    if by_name and not by_its_name:
        raise Refused(
            detail=f"{'/'.join(path)!r} is not granted to {grantee} by name: as a symlink it"
            " would give all rights"
        )
    if not by_its_name and all(one.startswith("user=") for one in granted):
        raise Refused(detail=f"{'/'.join(path)!r} is not granted to {grantee}")


def mount_in_place(disk: Disk, home: int, path: Path, owner: tuple[str, str], target: Path) -> None:
    """Lets `path` show folder `target` of the account `owner` (local part, domain).

    Raises Refused if anything else stands there.
    """
    if path == INBOX or collection_directory(home, path):
        raise _stands_there("a folder of the user's own", path)
    name = folder_directory(path)
    leads_to = _link(owner, target)
    with descended(home, "Maildir") as maildir:
        _check_free(maildir, name, path, leads_to)
        if len(path) > 1:
            make_mailbox(disk, home, path[:-1])
        if not exists(maildir, name):
            disk.new_link(maildir, name, leads_to)
            reach(At.MOUNT_LINKED)
        disk.flush(maildir)
    reach(At.MOUNT_NOT_SUBSCRIBED)
    subscribe(disk, home, path)


def mountpoints(home: int) -> Iterator[Path]:
    """The paths where links stand, wherever they lead."""
    with descended(home, "Maildir") as maildir:
        for name in listed(maildir):
            if name.startswith(".") and is_link(maildir, name):
                yield folder_path(name)


def refuse_mounted(home: int, path: Path) -> None:
    """Raises Refused if `path` shows somebody else's folder."""
    with descended(home, "Maildir") as maildir:
        if is_link(maildir, folder_directory(path)):
            raise Refused(detail=f"{'/'.join(path)!r} shows a folder of another user")


def _link(owner: tuple[str, str], target: Path) -> str:
    """From the grantee's Maildir to the owner's folder, whose root is the INBOX."""
    local, domain = owner
    maildir = f"../../../{domain}/{local}/Maildir"
    return maildir if target == INBOX else f"{maildir}/{folder_directory(target)}"


def _check_free(maildir: int, name: str, path: Path, leads_to: str) -> None:
    if not exists(maildir, name):
        return
    if not is_link(maildir, name):
        raise _stands_there("a folder of the user's own", path)
    if os.readlink(name, dir_fd=maildir) != leads_to:
        raise _stands_there("another mountpoint", path)


def _stands_there(what: str, path: Path) -> Refused:
    return Refused(detail=f"{what} stands at {'/'.join(path)!r}")
