"""The command `reinstate`: its verbs, and the one switch from errors to exit codes."""

from __future__ import annotations

import sys
import traceback

import msgspec
import typer

from reinstate_cli import (
    abort,
    backup,
    demo,
    destination,
    doctor,
    journal,
    plan,
    report,
    restore,
    resume,
    status,
)
from reinstate_cli.console import tell
from reinstate_cli.options import EXIT_CODES
from reinstate_journal.errors import ReinstateError

app = typer.Typer(
    help="Restores the backup of a mail infrastructure onto another one, resumably and provably.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for verb in (demo, plan, restore, resume, abort, status, report, doctor):
    app.command(epilog=verb.EPILOG)(getattr(verb, verb.__name__.rpartition(".")[2]))
for group in (backup, journal, destination):
    app.add_typer(group.app)


def main() -> None:
    """Runs the command line and ends the process with a code that tells the truth."""
    try:
        app()
    except ReinstateError as error:
        sys.exit(_explain(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception:  # the last resort: a fault of reinstate itself
        tell(traceback.format_exc())
        tell("This is a fault of reinstate. Nothing that was recorded is lost: reinstate resume")
        sys.exit(1)


def _explain(error: ReinstateError) -> int:
    if "--json" in sys.argv:
        record = {
            "error": type(error).__name__,
            "message": str(error),
            "hint": error.advice,
            "exit_code": error.exit_code,
            "retryable": error.retryable,
        }
        tell(msgspec.json.encode(record).decode())
    else:
        tell(f"reinstate: {error}")
        if error.advice:
            tell(f"  {error.advice}")
    return error.exit_code
