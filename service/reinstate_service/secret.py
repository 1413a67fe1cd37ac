"""Where secrets come from. They go into no argument list, event, log, error or repr."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
from pathlib import Path

from reinstate_journal.errors import UsageError
from reinstate_service.model import Frozen

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_COMMAND_SECONDS = 60


class SecretPlace(Frozen, frozen=True):
    """Where a secret comes from, one of the three: a file that nobody else may read, a variable
    of the environment, or a command whose output it is."""

    file: str = ""
    env: str = ""
    command: tuple[str, ...] = ()


class SecretMissing(UsageError):
    """A secret that the configuration names cannot be had."""

    message = "The secret of {where} cannot be had: {detail}"
    hint = "The configuration says where it comes from; the file of a secret must have mode 0600."


def secret(place: SecretPlace, address: str) -> str:
    """The secret; `{address}` in the arguments of a command becomes the account's address.

    Raises SecretMissing.
    """
    if place.file:
        return _private(place.file).rstrip("\r\n")
    if place.env:
        try:
            return os.environ[place.env]
        except KeyError:
            detail = "there is no such variable"
            raise SecretMissing(where=f"the variable {place.env}", detail=detail) from None
    return _output(tuple(word.replace("{address}", address) for word in place.command))


def passwords(file: str) -> dict[str, str]:
    """The passwords in a CSV file, by address in lower case. Raises SecretMissing."""
    found: dict[str, str] = {}
    for number, row in enumerate(csv.reader(_private(file).splitlines()), start=1):
        if not row or (number == 1 and row[0].strip().lower() == "address"):
            continue
        if len(row) != 2 or "@" not in row[0]:
            detail = f"line {number} is not: address,password"
            raise SecretMissing(where=file, detail=detail)
        found[row[0].strip().lower()] = row[1]
    return found


def _private(file: str) -> str:
    path = Path(file).expanduser()
    try:
        with path.open(encoding="utf-8") as opened:
            known = os.fstat(opened.fileno())
            if known.st_mode & _OTHERS or known.st_uid not in {0, os.geteuid()}:
                detail = "others than its owner may read it, or it is somebody else's"
                raise SecretMissing(where=file, detail=detail)
            return opened.read()
    except OSError as error:
        raise SecretMissing(where=file, detail=error.strerror) from None
    except UnicodeDecodeError:
        raise SecretMissing(where=file, detail="it is no text in UTF-8") from None


def _output(command: tuple[str, ...]) -> str:
    name = command[0]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_COMMAND_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or type(error).__name__
        raise SecretMissing(where=f"the command {name}", detail=detail) from None
    if done.returncode != 0:
        raise SecretMissing(where=f"the command {name}", detail=f"exit {done.returncode}")
    return done.stdout.rstrip("\r\n")
