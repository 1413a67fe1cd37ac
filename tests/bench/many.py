"""Backups of very many small items, and where they are measured.

Every item is a message of its own, of one KiB before it is gzipped, with a blob of its own; an
account has a thousand of them in four folders. `write_many` makes the backup.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.bench.ending import END

from reinstate_service.operations.sample import write_many

#: Items of each account, and bytes of each item.
EACH = 1_000
SIZE = 1_024


def arguments(parser: argparse.ArgumentParser, items: int) -> None:
    """Of what is measured with so many items, unless somebody says otherwise."""
    parser.add_argument("--items", type=int, default=items, help=f"so many items; {items:,}")
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep everything there, and use the backups that are there from an earlier time;"
        " best on a file system of its own",
    )


def place(folder: Path | None) -> Path:
    """The folder to work in; one that is removed at the end, if none is given."""
    if folder is None:
        made = tempfile.TemporaryDirectory(prefix="reinstate-bench-", dir="/var/tmp")
        return Path(END.enter_context(made))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def backup_of(items: int, folder: Path) -> Path:
    """The backup of so many items in `folder`, made if it is not there."""
    backup = folder / f"backup-{items}"
    if not backup.exists():
        making = folder / f"backup-{items}.new"
        write_many(making, len(accounts_of(items)), items, size=SIZE)
        making.rename(backup)
    return backup


def accounts_of(items: int) -> list[str]:
    """The addresses of the accounts that so many items are spread over, in order."""
    return [f"user{number:05}@example.com" for number in range(max(1, items // EACH))]


def fresh(folder: Path) -> Path:
    """A folder for one restore, that nobody has used."""
    return Path(tempfile.mkdtemp(prefix="restore-", dir=folder))
