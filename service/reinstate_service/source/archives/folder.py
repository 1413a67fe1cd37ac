"""The folder of archives: whose archive is which, and what the directory beside them says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reinstate_journal.errors import BackupError
from reinstate_service.model import Account, Frozen
from reinstate_service.source.archives.account import ArchiveFile
from reinstate_service.source.archives.directory import (
    Directory,
    accounts_from_addresses,
    read_directory,
    with_accounts,
)
from reinstate_service.source.archives.naming import address_of_stem, stem_of
from reinstate_service.source.contract import NotABackup

_DIRECTORY = frozenset({".ldif", ".ldf", ".csv", ".tsv"})


class ArchivesFolder(Frozen, frozen=True):
    """What lies in the folder: the archives by account's id, oldest first; the directory with
    an account for every archive; which accounts only an archive names, with their addresses;
    and files whose name tells no account. `described` is when the directory was first
    written, None without one. Moments are milliseconds."""

    directory: Directory
    archives: Mapping[str, tuple[ArchiveFile, ...]]
    undescribed: Mapping[str, str]
    nameless: tuple[str, ...]
    described: int | None
    newest: int


def read_folder(path: str) -> ArchivesFolder:
    """Lists the folder and reads the directory. Raises NotABackup, BackupError."""
    files = _files(path)
    entries = [file for file in files if file.path.suffix.lower() in _DIRECTORY]
    stems = {file.path: stem_of(file.path.name) for file in files}
    if not entries and not any(stems.values()):
        raise NotABackup(path=path, detail="it holds no archive (.tgz, .tar, .zip) and no .ldif")
    directory = read_directory([file.path for file in entries])
    by_address: dict[str, list[ArchiveFile]] = {}
    nameless = []
    for file in sorted(files, key=lambda one: (one.moment, one.path.name)):
        stem = stems[file.path]
        if stem is None:
            continue
        address = address_of_stem(stem, directory.by_address.__contains__)
        if address is None:
            nameless.append(file.path.name)
        else:
            by_address.setdefault(address, []).append(file)
    further = accounts_from_addresses(
        address for address in by_address if address not in directory.by_address
    )
    nameless += [problem.file for problem in further.problems]
    added: list[Account] = list(further.accounts.values())
    directory = with_accounts(directory, added)
    archives: dict[str, tuple[ArchiveFile, ...]] = {}
    for address, held in by_address.items():
        account = directory.account_of(address)
        if account is not None:
            archives[account.id] = (*archives.get(account.id, ()), *held)
    return ArchivesFolder(
        directory,
        {key: tuple(sorted(held, key=_age)) for key, held in archives.items()},
        {account.id: account.address for account in added},
        tuple(sorted(nameless)),
        min((file.moment for file in entries), default=None),
        max(file.moment for file in files if stems[file.path] or file in entries),
    )


def _age(file: ArchiveFile) -> tuple[int, str]:
    return file.moment, file.path.name


def _files(path: str) -> list[ArchiveFile]:
    try:
        with os.scandir(path) as entries:
            return [
                ArchiveFile(Path(entry.path).absolute(), entry.stat().st_mtime_ns // 1_000_000)
                for entry in entries
                if entry.is_file() and not entry.name.startswith(".")
            ]
    except FileNotFoundError as error:
        raise NotABackup(path=path, detail="there is no folder of that name") from error
    except NotADirectoryError as error:
        raise NotABackup(path=path, detail="it is no folder") from error
    except OSError as error:
        raise BackupError(path=path, detail=error.strerror) from error
