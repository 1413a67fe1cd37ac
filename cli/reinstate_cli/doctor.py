"""`reinstate doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import say, say_json, table
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, bare, examples
from reinstate_service.operations.doctor import Finding, examine
from reinstate_service.operations.preparation import advice_for

EPILOG = examples("reinstate doctor", "reinstate doctor /srv/mail --json")


def doctor(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where a restore would write.")
    ] = None,
    journal: Journal = DEFAULT_JOURNAL,
    json: Json = False,
) -> None:
    """Examine machine, journal and destination.

    Exits with 1 if it finds a problem.
    """
    findings = list(examine(journal, bare(directory) if directory else None))
    if directory is not None:
        advice = (one.before for one in advice_for(f"maildir:{bare(directory)}"))
        findings += [Finding("before", "note", text) for text in advice if text]
    if json:
        say_json(findings)
    else:
        say(table(("what", "state", "found"), ((f.what, f.state, f.text) for f in findings)))
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)
