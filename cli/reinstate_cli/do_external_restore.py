"""`reinstate doExternalRestore`: the documented command, as run books type it."""

from __future__ import annotations

from typing import Annotated

import typer

from reinstate_cli.console import tell, tell_json_line
from reinstate_cli.documented import translate
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Quiet, examples
from reinstate_journal.errors import UsageError

EPILOG = examples(
    "reinstate doExternalRestore /path/to/data/ accounts john@example.com,jack@example.com"
    " domains example.com filter_deleted false skip_system_accounts false"
    " --destination maildir:/srv/mail",
    "reinstate doExternalRestore /path domains example0.com,example1.com concurrent_accounts 5",
)


class NoDestination(UsageError):
    """The documented command restores onto the server that it runs on; here one is named."""

    message = "doExternalRestore does not say where to restore to"
    hint = (
        "Add --destination maildir:DIR or --destination imaps://HOST, or set"
        " REINSTATE_DESTINATION; nothing was started."
    )


def do_external_restore(
    context: typer.Context,
    source_path: Annotated[str, typer.Argument(metavar="SOURCE_PATH", help="The Backup Path.")],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="param VALUE[,VALUE]", help="The documented parameters, names in any case."
        ),
    ] = None,
    destination: Annotated[
        str | None,
        typer.Option(
            "--destination",
            envvar="REINSTATE_DESTINATION",
            help="Where to restore: maildir:DIR or imaps://HOST.",
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="How to log in to the accounts of a server."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="USER[:GROUP]", help="Who owns a tree that root makes."),
    ] = None,
    journal: Journal = DEFAULT_JOURNAL,
    progress: Annotated[
        bool, typer.Option("--progress", help="Follow the restore, which is done anyway.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Restore a backup as Carbonio's documented command does.

    It takes SOURCE_PATH and the 17 other parameters, says which `reinstate restore` is the same,
    and what is different here. docs/coming-from-carbonio.md has the whole table.
    """
    translation = translate((source_path, *(parameters or ())))
    if not destination:
        raise NoDestination
    source, *options = translation.words
    more = [("--config", config), ("--owner", owner), ("--journal", str(journal))]
    translation = translation._replace(
        words=(
            source,
            destination,
            *options,
            *(word for option, value in more if value for word in (option, value)),
        )
    )
    if not quiet or progress:
        notes = [f"the same as: {translation.command()}", *translation.remarks]
        for note in notes:
            tell_json_line({"note": note}) if json else tell(f"note: {note}")
    flags = [*(["--json"] if json else []), *(["--quiet"] if quiet else [])]
    assert context.parent is not None  # noqa: S101 - it is a verb of the command reinstate
    restore = context.parent.command.get_command(context.parent, "restore")  # type: ignore[attr-defined]
    with restore.make_context("restore", [*translation.words, *flags], context.parent) as inner:
        restore.invoke(inner)
