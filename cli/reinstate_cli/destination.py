"""`reinstate destination dovecot-conf`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import say, tell
from reinstate_cli.options import EXIT_CODES, bare, examples
from reinstate_journal.errors import UsageError
from reinstate_service.destination.maildir.dovecot_conf import MAIN_FILE, SQL_FILE, dovecot_conf

app = typer.Typer(
    name="destination",
    help="What a destination needs around it.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)


@app.callback()
def group() -> None:
    """Keeps the verbs below `destination`, though there is only one yet."""


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
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(detail=f"{into}: {error.strerror}") from None
    for name, text in ((MAIN_FILE, configuration.main), (SQL_FILE, configuration.sql)):
        _write_new(into / name, text)
    tell(f"Wrote {into / MAIN_FILE} and {into / SQL_FILE}; try: doveconf -c {into / MAIN_FILE} -n")


def _write_new(file: Path, text: str) -> None:
    try:
        with open(file, "x", encoding="utf-8", opener=_private) as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(detail=f"{file} exists; move it away first") from None
    except OSError as error:
        raise UsageError(detail=f"{file}: {error.strerror}") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
