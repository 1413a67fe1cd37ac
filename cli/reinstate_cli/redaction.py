"""`reinstate journal redact`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import plural, tell
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, examples
from reinstate_journal import open_reader
from reinstate_journal.errors import UsageError
from reinstate_journal.redaction import redact_journal

EPILOG = examples(
    "reinstate journal redact shared.db",
    "reinstate journal redact shared.db --key-file pseudonyms.key",
)
_KEY_BYTES = 16


def redact(
    file: Annotated[Path, typer.Argument(help="The copy to make; must not exist.")],
    journal: Journal = DEFAULT_JOURNAL,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            dir_okay=False,
            help="The key of the pseudonyms, made if it is not there. Default: one that nobody"
            " keeps.",
        ),
    ] = None,
) -> None:
    """Make a copy without personal data, to share.

    Addresses, paths, names and texts become pseudonyms. The copy is a journal with a chain of its
    own; FILE.chains has the chain of the original beside it, event by event.
    """
    if not file.absolute().parent.is_dir():
        raise UsageError(detail=f"{file.absolute().parent} is no directory")
    chains = file.with_name(f"{file.name}.chains")
    with open_reader(journal) as reader:
        key = secrets.token_bytes(32) if key_file is None else _key(key_file)
        head = redact_journal(reader, file, chains, key)
    tell(f"{plural(head.position, 'event')} redacted into {file}; the chains are in {chains}.")


def _key(file: Path) -> bytes:
    """The key in the file, which is made for its owner alone if it is not there."""
    try:
        if not file.exists():
            with open(file, "xb", opener=_private) as out:
                out.write(secrets.token_bytes(32))
        key = file.read_bytes()
    except OSError as error:
        raise UsageError(detail=f"{file}: {error.strerror}") from None
    if len(key) < _KEY_BYTES:
        raise UsageError(detail=f"{file} is no key: it has less than {_KEY_BYTES} bytes")
    return key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
