"""What lies in an account, read back without changing anything."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple

import msgspec

from reinstate_service.destination.contract import StoredItem
from reinstate_service.destination.maildir import keywords as kw
from reinstate_service.destination.maildir.delivery import Sidecar
from reinstate_service.destination.maildir.layout import (
    base_name,
    delivery_of_file,
    delivery_of_message,
    folder_directory,
    info_letters,
)
from reinstate_service.destination.maildir.looking import descended, listed, read_file, read_pieces
from reinstate_service.destination.maildir.packed import Damaged, plain_size, unpacked
from reinstate_service.model import Flag, ItemType, Path

Read = Callable[[str], bool]
#: Of the letters of a file name, in one mailbox.
Meaning = Callable[[str], tuple[Flag, tuple[str, ...]]]


def messages(home: int, path: Path, read: Read, *, unpacks: bool) -> Iterator[StoredItem]:
    """The messages of a mailbox, as a server shows them that unpacks them or does not. Their type
    is MESSAGE: Maildir does not tell a chat from it."""
    reading = _Reading(read, unpacks)
    with descended(home, "Maildir", folder_directory(path)) as folder:
        names = kw.parsed(read_file(folder, kw.FILE))
        meaning = lru_cache(partial(kw.flags_and_keywords, names=names))
        for part in ("cur", "new"):
            with descended(folder, part) as directory:
                for file_name in listed(directory):
                    found = _message(directory, file_name, path, meaning, reading)
                    if found is None and (renamed := _renamed(directory, file_name)):
                        found = _message(directory, renamed, path, meaning, reading)
                    if found is not None:
                        yield found


def collected(
    home: int, path: Path, directories: tuple[str, ...], read: Read
) -> Iterator[StoredItem]:
    """The items of a collection or folder of files, to which `directories` lead from the home."""
    with descended(home, *directories) as directory:
        with os.scandir(directory) as entries:
            file_names = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
            )
        for file_name in file_names:
            name, type_ = delivery_of_file(file_name)
            facts = _Reading(read).facts(directory, file_name, name)
            if facts is None:
                continue
            sidecar = _sidecar(read_file(directory, f".{name}.json"))
            digest, size, date = facts
            flags = Flag(sidecar.flags)
            yield StoredItem(path, name, type_, digest, size, date, flags, sidecar.keywords)


def _message(
    directory: int, file_name: str, path: Path, meaning: Meaning, reading: _Reading
) -> StoredItem | None:
    name = delivery_of_message(file_name)
    facts = reading.facts(directory, file_name, name)
    if facts is None:
        return None
    digest, size, date = facts
    flags, keywords = meaning(info_letters(file_name))
    return StoredItem(path, name, ItemType.MESSAGE, digest, size, date, flags, keywords)


def _renamed(directory: int, file_name: str) -> str | None:
    """What a message's file is called since its flags were changed, None if it is gone."""
    base = base_name(file_name)
    return next((name for name in listed(directory) if base_name(name) == base), None)


class _Reading(NamedTuple):
    """What is read whole, and whether files count as what the server unpacks them to."""

    whole: Read
    unpacks: bool = False

    def facts(self, directory: int, file_name: str, name: str) -> tuple[str, int, int] | None:
        """Digest (empty unless it is read whole), size, and modification time in milliseconds of
        a regular file, the delivery `name`; None if there is no such file any more."""
        try:
            status = os.stat(file_name, dir_fd=directory, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                return None
            date = status.st_mtime_ns // 1_000_000
            if self.whole(name):
                return (*self._digested(directory, file_name), date)
            size = status.st_size
            return "", plain_size(directory, file_name, size) if self.unpacks else size, date
        except FileNotFoundError:
            return None

    def _digested(self, directory: int, file_name: str) -> tuple[str, int]:
        """A file that does not unpack is what it is, which is no message of the backup."""
        if self.unpacks:
            with suppress(Damaged):
                return _digested(unpacked(read_pieces(directory, file_name)))
        return _digested(read_pieces(directory, file_name))


def _digested(pieces: Iterator[bytes]) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    for piece in pieces:
        hashed.update(piece)
        size += len(piece)
    return base64.b64encode(hashed.digest()).decode().replace("/", ","), size


def _sidecar(described: bytes | None) -> Sidecar:
    """What stands beside an item; somebody else's scribble counts as nothing."""
    try:
        return msgspec.json.decode(described, type=Sidecar) if described else Sidecar()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Sidecar()
