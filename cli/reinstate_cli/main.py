"""The command `reinstate`: its verbs, and the one switch from errors to exit codes."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from reinstate_cli.console import (
    ReaderGone,
    finish,
    say,
    tell,
    tell_json_line,
    tell_whoever_listens,
)
from reinstate_cli.documented import at_the_front
from reinstate_cli.options import EXIT_CODES
from reinstate_cli.verbs import Verbs
from reinstate_journal.errors import ReinstateError, UsageError
from reinstate_service.spelling import is_text

app = typer.Typer(
    name="reinstate",
    cls=Verbs,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        # It brings `email` and `zipfile`: a third of the time in which `--help` is there.
        from importlib.metadata import version as version_of  # noqa: PLC0415

        say(f"reinstate {version_of('reinstate')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Restores the backup of a mail infrastructure onto another one, resumably and provably."""


def main() -> None:
    """Runs the command line and ends the process with a code that tells the truth."""
    tell_whoever_listens()
    sys.exit(answer(sys.argv[1:]))


def answer(arguments: Sequence[str]) -> int:
    """Does what the arguments say; answers the exit code."""
    for argument in arguments:
        if not is_text(argument):
            detail = f"{argument!r} is no text in UTF-8, so neither journal nor JSON can hold it"
            return _explain(UsageError(detail=detail), arguments)
    arguments = at_the_front(arguments)
    try:
        code = app(arguments, prog_name="reinstate", standalone_mode=False)
        finish()
    except ReaderGone:
        return 0
    except ReinstateError as error:
        return _explain(error, arguments)
    except typer.TyperException as error:  # wrong options, before any command ran
        return _refuse(error, arguments)
    except Exception:  # the last resort: a fault of reinstate itself
        tell(traceback.format_exc())
        tell("This is a fault of reinstate. What the journal has recorded is not lost by it.")
        return 1
    return code if isinstance(code, int) else 0


def _refuse(error: typer.TyperException, arguments: Sequence[str]) -> int:
    show, message = getattr(error, "show", None), getattr(error, "format_message", None)
    if "--json" in arguments or show is None:
        return _explain(UsageError(detail=message() if message else str(error)), arguments)
    show()
    return UsageError.exit_code


def _explain(error: ReinstateError, arguments: Sequence[str]) -> int:
    advice = _with_journal(error.advice, arguments)
    if "--json" in arguments:
        record = {
            "error": type(error).__name__,
            "message": str(error),
            "hint": advice,
            "exit_code": error.exit_code,
            "retryable": error.retryable,
        }
        tell_json_line(record)
    else:
        tell(f"reinstate: {error}")
        if advice:
            tell(f"  {advice}")
    return error.exit_code


def _with_journal(advice: str, arguments: Sequence[str]) -> str:
    """The advice as this user can type it: with the journal that he named."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name != "--journal":
            continue
        named = shlex.quote(value if equals else "".join(arguments[place + 1 : place + 2]))
        for command in ("reinstate resume", "reinstate status", "reinstate report"):
            advice = advice.replace(command, f"{command} --journal {named}")
    return advice
