"""What one account holds, read back."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator

import msgspec

from reinstate_service.destination.contract import StoredItem
from reinstate_service.destination.maildir import keywords as kw
from reinstate_service.destination.maildir.collection import collections
from reinstate_service.destination.maildir.delivery import Sidecar
from reinstate_service.destination.maildir.disk import descended, listed, read_file, read_pieces
from reinstate_service.destination.maildir.folders import mailboxes
from reinstate_service.destination.maildir.layout import (
    delivery_of_file,
    delivery_of_message,
    folder_directory,
    info_letters,
)
from reinstate_service.model import Flag, ItemType, Path


def stored_items(home: int) -> Iterator[StoredItem]:
    """Every item of the account whose open directory is `home`."""
    for path in mailboxes(home):
        yield from _messages(home, path)
    for path, directories in collections(home):
        yield from _collected(home, path, directories)


def _messages(home: int, path: Path) -> Iterator[StoredItem]:
    with descended(home, "Maildir", folder_directory(path)) as folder:
        names = kw.parsed(read_file(folder, kw.FILE))
        for part in ("cur", "new"):
            with descended(folder, part) as directory:
                for file_name in listed(directory):
                    flags, keywords = kw.flags_and_keywords(info_letters(file_name), names)
                    yield _read_back(
                        directory,
                        file_name,
                        path=path,
                        name=delivery_of_message(file_name),
                        type_=ItemType.MESSAGE,
                        flags=flags,
                        keywords=keywords,
                    )


def _collected(home: int, path: Path, directories: tuple[str, ...]) -> Iterator[StoredItem]:
    with descended(home, *directories) as directory:
        with os.scandir(directory) as entries:
            file_names = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
            )
        for file_name in file_names:
            name, type_ = delivery_of_file(file_name)
            described = read_file(directory, f".{name}.json")
            sidecar = msgspec.json.decode(described, type=Sidecar) if described else Sidecar()
            yield _read_back(
                directory,
                file_name,
                path=path,
                name=name,
                type_=type_,
                flags=Flag(sidecar.flags),
                keywords=sidecar.keywords,
            )


def _read_back(
    directory: int,
    file_name: str,
    *,
    path: Path,
    name: str,
    type_: ItemType,
    flags: Flag,
    keywords: tuple[str, ...],
) -> StoredItem:
    hashed = hashlib.sha256()
    size = 0
    for piece in read_pieces(directory, file_name):
        hashed.update(piece)
        size += len(piece)
    modified = os.stat(file_name, dir_fd=directory, follow_symlinks=False).st_mtime_ns
    return StoredItem(
        path=path,
        name=name,
        type=type_,
        digest=base64.b64encode(hashed.digest()).decode().replace("/", ","),
        size=size,
        date=modified // 1_000_000,
        flags=flags,
        keywords=keywords,
    )
