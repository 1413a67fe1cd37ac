"""`reinstate serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import tell
from reinstate_cli.options import Spool, examples
from reinstate_cli.running import stop_on_signal
from reinstate_service.operations.spool.folder import SpoolFolder
from reinstate_service.operations.spool.service import SpoolService
from reinstate_service.operations.spool.settings import read_settings

EPILOG = examples(
    "reinstate serve --spool /var/spool/reinstate",
    "reinstate serve --spool /var/spool/reinstate --concurrent-jobs 1",
)


def serve(
    spool: Spool,
    concurrent_jobs: Annotated[
        int, typer.Option("--concurrent-jobs", min=1, max=16, help="How many at once.")
    ] = 2,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="How to notify; SPOOL/service.toml unless it is named.",
        ),
    ] = None,
) -> None:
    """Work through the jobs of a folder, for as long as it runs.

    Job files that are dropped into it are noticed; what becomes of each stands beside it. SIGTERM
    ends every job after its batch in hand; the next start goes on with all of them, also after
    kill -9. docs/operations.md has the keys of a job, and a systemd unit.
    """
    folder = SpoolFolder(spool)
    service = SpoolService(
        folder, read_settings(settings or folder.settings), concurrent_jobs, tell
    )
    with stop_on_signal() as stop:
        service.run(stop)
