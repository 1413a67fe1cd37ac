"""`reinstate destination dovecot-conf` and `radicale-conf`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import say, tell
from reinstate_cli.options import EXIT_CODES, bare, examples
from reinstate_journal.errors import UsageError
from reinstate_service.destination.maildir.dovecot_conf import MAIN_FILE, SQL_FILE, dovecot_conf
from reinstate_service.destination.maildir.radicale_conf import FILE as RADICALE_FILE
from reinstate_service.destination.maildir.radicale_conf import radicale_conf

app = typer.Typer(
    name="destination",
    help="What a destination needs around it.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)


@app.callback()
def group() -> None:
    """Keeps the verbs below `destination`."""


@app.command(
    name="dovecot-conf",
    epilog=examples(
        "reinstate destination dovecot-conf /srv/mail",
        "reinstate destination dovecot-conf /srv/mail --into /etc/dovecot",
    ),
)
def dovecot_configuration(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The restored tree.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", file_okay=False, help="Write both files into this folder."),
    ] = None,
) -> None:
    """Print a configuration with which a stock Dovecot 2.3 serves a restored tree."""
    directory = bare(directory)
    if into is None:
        configuration = dovecot_conf(directory)
        say(configuration.main)
        say(f"# ---- {SQL_FILE} ----")
        say(configuration.sql)
        return
    configuration = dovecot_conf(directory, sql_file=into.absolute() / SQL_FILE)
    _write_new(into, {MAIN_FILE: configuration.main, SQL_FILE: configuration.sql})
    tell(f"Wrote {into / MAIN_FILE} and {into / SQL_FILE}; try: doveconf -c {into / MAIN_FILE} -n")


@app.command(
    name="radicale-conf",
    epilog=examples(
        "reinstate destination radicale-conf /srv/mail",
        "reinstate destination radicale-conf /srv/mail --into /etc/radicale",
    ),
)
def radicale_configuration(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The restored tree.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", file_okay=False, help="Write the file into this folder."),
    ] = None,
) -> None:
    """Print a configuration with which a stock Radicale 3.9 serves a restored tree.

    It serves calendars, tasks and address books. Logins and passwords are those of the
    Dovecot that dovecot-conf is for, which must be running.
    """
    configuration = radicale_conf(bare(directory))
    if into is None:
        say(configuration)
        return
    _write_new(into, {RADICALE_FILE: configuration}, mode=0o644)
    tell(f"Wrote {into / RADICALE_FILE}; try: radicale --config {into / RADICALE_FILE}")


def _write_new(folder: Path, files: Mapping[str, str], mode: int = 0o600) -> None:
    """Writes files by name. Raises UsageError if one is there already."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags, mode)

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(detail=f"{folder}: {error.strerror}") from None
    for name, text in files.items():
        file = folder / name
        try:
            with open(file, "x", encoding="utf-8", opener=opener) as out:
                out.write(text)
        except FileExistsError:
            raise UsageError(detail=f"{file} exists; move it away first") from None
        except OSError as error:
            raise UsageError(detail=f"{file}: {error.strerror}") from None
