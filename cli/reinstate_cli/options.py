"""Options that several commands share, and the texts that stand in every help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXIT_CODES = """\b
Exit codes:
  0    everything asked for is restored (or was already)
  1    a fault of reinstate itself
  2    wrong usage
  3    finished, but some things could not be restored: see reinstate report
  4    the backup cannot be read
  5    the destination cannot be reached or refuses
  6    the journal is broken, too new, or in use
  130  interrupted; reinstate resume goes on
"""

Journal = Annotated[
    Path,
    typer.Option(
        "--journal",
        envvar="REINSTATE_JOURNAL",
        help="The journal's file.",
        show_default=True,
        dir_okay=False,
    ),
]
DEFAULT_JOURNAL = Path("reinstate.db")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Metrics = Annotated[
    Path | None,
    typer.Option(
        "--metrics",
        metavar="FILE",
        dir_okay=False,
        help="Also write it for node_exporter's textfile collector; FILE ends in .prom.",
    ),
]
Spool = Annotated[
    Path,
    typer.Option(
        "--spool",
        metavar="DIR",
        envvar="REINSTATE_SPOOL",
        help="The folder of jobs.",
        file_okay=False,
    ),
]
JobName = Annotated[
    str, typer.Argument(metavar="JOB", help="The job's name: that of its file, without .toml.")
]
RestoreId = Annotated[
    str | None,
    typer.Argument(metavar="RESTORE", help="The restore's id, if the journal has several."),
]


def bare(directory: Path) -> Path:
    """The directory, also where it was named as a destination: `maildir:DIR`."""
    return Path(str(directory).removeprefix("maildir:"))


def examples(*lines: str) -> str:
    """The end of a command's help: how to use it, and what its exit code says."""
    return "\b\nExamples:\n" + "".join(f"  {line}\n" for line in lines) + "\n" + EXIT_CODES
