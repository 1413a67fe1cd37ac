"""Ways in which a restored Maildir tree becomes another, each applied to one on the disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def message(folder: Path, place: int = 0) -> Path:
    """One of the messages of a mailbox's directory, in order of their names."""
    return sorted((folder / "cur").iterdir())[place]


def remove_message(folder: Path) -> None:
    """A message is gone."""
    message(folder).unlink()


def flip_byte(folder: Path) -> None:
    """One bit of a message is another; its size and time stay."""
    path = message(folder)
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def move_message(folder: Path, to: Path) -> None:
    """A message lies in another folder under a new name, as after a MOVE over IMAP."""
    path = message(folder)
    flags = path.name.partition(":2,")[2]
    path.rename(to / "cur" / f"1790000000.M1P2.host,S={path.stat().st_size}:2,{flags}")


def flag_message(folder: Path) -> None:
    """A message has the flag \\Flagged."""
    path = message(folder)
    front, _, letters = path.name.partition(":2,")
    path.rename(path.with_name(f"{front}:2,{''.join(sorted({*letters, 'F'}))}"))


def copy_message(folder: Path) -> None:
    """A message is there twice."""
    path = message(folder)
    copy = folder / "cur" / f"1790000000.M3P4.host,S={path.stat().st_size}:2,"
    shutil.copy2(path, copy)


def rename_folder(folder: Path, name: str) -> None:
    """A mailbox has another name, and so has what is below it."""
    for path in folder.parent.glob(f"{folder.name}*"):
        path.rename(path.with_name(name + path.name.removeprefix(folder.name)))


def edit_filter(home: Path) -> None:
    """The user has changed the active script."""
    with (home / "sieve" / "incoming.sieve").open("a") as script:
        script.write("keep;\n")


def remove_grant(folder: Path, identifier: str) -> None:
    """A grant on a folder is gone."""
    acl = folder / "dovecot-acl"
    lines = acl.read_text().splitlines(keepends=True)
    acl.write_text("".join(line for line in lines if not line.startswith(identifier)))


def change_directory(tree: Path, statement: str, *values: object) -> None:
    """Something in directory.sqlite is changed by hand."""
    with closing(sqlite3.connect(tree / "directory.sqlite")) as db, db:
        assert db.execute(statement, values).rowcount == 1


def tamper_in_ten_ways(tree: Path) -> None:
    """Everything above to a restored sample, once each."""
    anna, bruno, dieter = (tree / "example.com" / name for name in ("anna", "bruno", "dieter"))
    mail = anna / "Maildir"
    remove_message(mail / ".Work")
    flip_byte(mail / ".Junk")
    move_message(mail / ".Sent", mail / ".Workshop")
    flag_message(mail / ".Drafts")
    copy_message(dieter / "Maildir")
    rename_folder(bruno / "Maildir" / ".B&APw-ro", ".Kontor")
    edit_filter(bruno)
    remove_grant(mail / ".Work.Projects", "user=bruno@example.com")
    change_directory(
        tree,
        "INSERT INTO list_members VALUES (?, ?, 9)",
        "team@example.com",
        "spy@elsewhere.example",
    )
    change_directory(tree, "UPDATE accounts SET quota = 5 WHERE address = ?", "chiara@example.com")
