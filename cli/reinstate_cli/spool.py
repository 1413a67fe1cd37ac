"""`reinstate spool list|check|suspend|resume`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import moment, say, say_json, table
from reinstate_cli.options import EXIT_CODES, JobName, Json, Spool, examples
from reinstate_journal.errors import UsageError
from reinstate_service.operations.spool.folder import SpoolFolder
from reinstate_service.operations.spool.job import read_job
from reinstate_service.operations.spool.outcome import Outcome
from reinstate_service.operations.spool.schedule import RESUME, SUSPEND

app = typer.Typer(
    name="spool",
    help="Look at the jobs of a service, pause them, let them go on.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)


@app.command("list", epilog=examples("reinstate spool list --spool /var/spool/reinstate"))
def list_jobs(spool: Spool, json: Json = False) -> None:
    """List the jobs, and what became of each so far."""
    folder = SpoolFolder(spool)
    known = [
        folder.outcome(file.name) or Outcome(file.name, file.stamp, reason="not looked at yet")
        for file in folder.jobs()
    ]
    if json:
        say_json(known)
        return
    rows = (
        (
            one.job,
            one.state,
            one.counts.restored if one.counts else 0,
            one.failed,
            moment(one.since or None),
            one.reason,
        )
        for one in known
    )
    say(table(("job", "state", "restored", "failed", "since", "reason"), rows))


@app.command(epilog=examples("reinstate spool check lisbon.toml"))
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A job file.")
    ],
) -> None:
    """Look at a job file before it is dropped into the spool, and name all its mistakes."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(detail=f"{file} cannot be read: {error}") from None
    read_job(file.stem, text)
    say(f"{file} is sound.")


@app.command(epilog=examples("reinstate spool suspend lisbon --spool /var/spool/reinstate"))
def suspend(job: JobName, spool: Spool) -> None:
    """Let a job pause after the batch in hand, or not begin."""
    SpoolFolder(spool).put_mark(job, SUSPEND)
    say(f"{job} pauses until: reinstate spool resume {job} --spool {shlex.quote(str(spool))}")


@app.command(epilog=examples("reinstate spool resume lisbon --spool /var/spool/reinstate"))
def resume(job: JobName, spool: Spool) -> None:
    """Let a job go on, or try one again that was suspended, stopped or is incomplete."""
    folder = SpoolFolder(spool)
    folder.put_mark(job, RESUME)
    folder.take_mark(job, SUSPEND)
    say(f"{job} goes on when its turn comes.")
