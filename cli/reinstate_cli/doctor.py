"""`reinstate doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import say, say_json, table
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, bare, examples
from reinstate_journal.errors import UsageError
from reinstate_service.destination.open import is_server
from reinstate_service.operations.doctor import Finding, examine, examine_server
from reinstate_service.operations.preparation import advice_for

EPILOG = examples(
    "reinstate doctor",
    "reinstate doctor /srv/mail --json",
    "reinstate doctor imaps://mail.example.com --config restore.toml",
)


def doctor(
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="DESTINATION", help="Where a restore would write: DIR or imaps://HOST."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="How to log in to the server (TOML)."),
    ] = None,
    journal: Journal = DEFAULT_JOURNAL,
    json: Json = False,
) -> None:
    """Examine machine, journal and destination.

    Of a server: whether it is trusted and lets its accounts in, and what it cannot do.

    Exits with 1 if it finds a problem.
    """
    if place is not None and is_server(place):
        if config is None:
            raise UsageError(detail=f"{place} needs --config FILE: how to log in to its accounts")
        findings = list(examine_server(journal, place, str(config)))
        kind = place
    else:
        directory = bare(Path(place)) if place else None
        findings = list(examine(journal, directory))
        kind = f"maildir:{directory}" if directory else ""
    findings += [Finding("before", "note", one.before) for one in advice_for(kind) if one.before]
    if json:
        say_json(findings)
    else:
        say(table(("what", "state", "found"), ((f.what, f.state, f.text) for f in findings)))
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)
