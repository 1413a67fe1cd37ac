"""`reinstate demo`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import say
from reinstate_cli.options import Quiet, examples
from reinstate_cli.report import render
from reinstate_cli.running import NOTHING_TO_DO, restore_with_progress
from reinstate_journal import open_reader
from reinstate_service.operations.report import make_report
from reinstate_service.operations.sample import build_sample, demo_messages
from reinstate_service.restore.options import Options

EPILOG = examples("reinstate demo", "reinstate demo /tmp/reinstate-demo")


def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", file_okay=False, help="Where everything goes.")
    ] = Path("demo"),
    quiet: Quiet = False,
) -> None:
    """Make a small backup and restore it.

    Leaves backup, mail tree, journal and report behind.

    Run again, it shows that a second restore of the same backup does nothing. The sample
    has two shares that lead nowhere, so that the report has something to tell; the demo
    exits with 0 all the same.
    """
    directory = directory.absolute()
    backup, tree, journal = directory / "backup", directory / "mail", directory / "reinstate.db"
    if not backup.exists():
        directory.mkdir(parents=True, exist_ok=True)
        build_sample(backup, demo_messages())
    options = Options(source=str(backup), destination=f"maildir:{tree}")
    finished = restore_with_progress(journal, options, silent=quiet)
    with open_reader(journal) as reader:
        text = render(make_report(reader, finished.restore))
    (directory / "report.txt").write_text(text + "\n", encoding="utf-8")
    if quiet:
        return
    if not finished.began:
        say(NOTHING_TO_DO)
    say(text)
    say("\nWhat failed is meant to: shares that lead nowhere, as backups have them.")
    say("\nLook at what was made:")
    say(f"  find {shlex.quote(str(tree))} -name '*,S=*' | head")
    say(f"  reinstate report --journal {shlex.quote(str(journal))}")
    say(f"  reinstate journal show --limit 20 --journal {shlex.quote(str(journal))}")
