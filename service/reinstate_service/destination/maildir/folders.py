"""The mailboxes of one account, and its subscriptions."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.dotlock import change_file
from reinstate_service.destination.maildir.layout import (
    INBOX,
    NAMESPACE,
    folder_directory,
    folder_path,
    subscription,
)
from reinstate_service.destination.maildir.looking import descended, exists, is_link, listed, opened
from reinstate_service.model import Path

PARTS = ("cur", "new", "tmp")
#: What tells delivery agents that a directory is a folder and not an account.
_MARK = "maildirfolder"
#: What the system says of a name that no directory has; of a symlink one or the other.
_NO_DIRECTORY = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
#: How a `subscriptions` file begins whose segments are told apart by tabs.
_VERSION_2 = "V\t2\n\n"


def make_home(disk: Disk, root: int, domain: str, local: str) -> None:
    """Makes an account's home with its system folders, subscribed."""
    disk.make_directory(root, domain)
    with opened(domain, root) as inside:
        disk.make_directory(inside, local)
        reach(At.HOME_DIRECTORY_MADE)
        with opened(local, inside) as home:
            for name in ("Maildir", "sieve", "collections", "files"):
                disk.make_directory(home, name)
            with opened("Maildir", home) as maildir:
                make_parts(disk, maildir)
                for path in NAMESPACE.roles.values():
                    if path != INBOX:
                        name = folder_directory(path)
                        disk.make_directory(maildir, name)
                        reach(At.SYSTEM_FOLDER_MADE)
                        with opened(name, maildir) as folder:
                            make_parts(disk, folder)
                            os.close(disk.new_file(folder, _MARK))
            reach(At.HOME_NOT_SUBSCRIBED)
            subscribe(disk, home, *NAMESPACE.roles.values())
            reach(At.HOME_SUBSCRIBED)
            disk.flush_all(home, inside, root)


def make_mailbox(disk: Disk, home: int, path: Path) -> bool:
    """Makes the mailbox with what is missing above it; False if it was there."""
    made = changed = False
    with descended(home, "Maildir") as maildir:
        for depth in range(1, len(path) + 1):
            name = folder_directory(path[:depth])
            if name == "." or (depth < len(path) and is_link(maildir, name)):
                continue
            made = disk.make_directory(maildir, name)
            changed |= made
            with opened(name, maildir) as folder:
                if made or not all(exists(folder, part) for part in (*PARTS, _MARK)):
                    reach(At.MAILBOX_DIRECTORY_MADE)
                    make_parts(disk, folder)
                    reach(At.MAILBOX_NOT_MARKED)
                    os.close(disk.new_file(folder, _MARK))
                    reach(At.MAILBOX_MARKED)
                    disk.flush(folder)
                    reach(At.MAILBOX_FLUSHED)
        if changed:
            disk.flush(maildir)
    return made


def mailboxes(home: int) -> Iterator[Path]:
    """Every mailbox, the INBOX first."""
    yield INBOX
    with descended(home, "Maildir") as maildir:
        for name in listed(maildir):
            if name.startswith(".") and is_mailbox(maildir, name):
                yield folder_path(name)


def is_mailbox(maildir: int, name: str) -> bool:
    """Whether the directory `name` of the open directory Maildir is a folder; not yet, while
    Dovecot is making it."""
    try:
        with opened(name, maildir) as folder:
            return all(exists(folder, part) for part in PARTS)
    except OSError as error:
        if error.errno in _NO_DIRECTORY:
            return False
        raise


def mailbox_directory(home: int, path: Path) -> tuple[str, ...] | None:
    """The directories that lead to an existing mailbox, None if there is none."""
    with descended(home, "Maildir") as maildir:
        name = folder_directory(path)
        return ("Maildir", name) if is_mailbox(maildir, name) else None


def subscribe(disk: Disk, home: int, *paths: Path) -> None:
    """Adds `paths` to the subscriptions, whatever else stands there."""

    def change(content: bytes | None) -> bytes | None:
        text = (content or b"").decode("utf-8", "surrogateescape")
        lines = _lines(text, paths)
        present = set(text.splitlines())
        lines = [line for line in lines if line not in present]
        if not lines:
            return None
        if text and not text.endswith("\n"):
            text += "\n"
        added = "".join(f"{line}\n" for line in lines)
        return (text + added).encode("utf-8", "surrogateescape")

    with descended(home, "Maildir") as maildir:
        change_file(disk, maildir, "subscriptions", change)


def unsubscribe(disk: Disk, home: int, path: Path) -> None:
    """Takes `path` out of the subscriptions."""

    def change(content: bytes | None) -> bytes | None:
        text = (content or b"").decode("utf-8", "surrogateescape")
        (gone,) = _lines(text, (path,))
        kept = [line for line in text.splitlines(keepends=True) if line.rstrip("\n") != gone]
        after = "".join(kept)
        return None if after == text else after.encode("utf-8", "surrogateescape")

    with descended(home, "Maildir") as maildir:
        change_file(disk, maildir, "subscriptions", change)


def _lines(subscriptions: str, paths: Sequence[Path]) -> list[str]:
    """The lines for `paths`, in the format that the file has."""
    lines = [subscription(path) for path in paths]
    if subscriptions.startswith(_VERSION_2.rstrip("\n")):
        return [line.replace(".", "\t") for line in lines]
    return lines


def make_parts(disk: Disk, folder: int) -> None:
    """Makes what a mailbox's open directory lacks of cur/, new/ and tmp/."""
    for name in PARTS:
        disk.make_directory(folder, name)
        reach(At.MAILBOX_PART_MADE)
