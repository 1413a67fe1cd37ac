"""`reinstate journal show|check|rebuild|backup|export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from reinstate_cli.console import moment, say, say_json, say_json_line, tell
from reinstate_cli.options import DEFAULT_JOURNAL, EXIT_CODES, Journal, Json, examples
from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check as check_journal
from reinstate_journal.errors import UsageError
from reinstate_journal.events import CATALOGUE
from reinstate_journal.journal import Recorded

app = typer.Typer(
    name="journal",
    help="Look at the journal, check it, copy it.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)

Stream = Annotated[
    str | None,
    typer.Option("--account", metavar="ID", help="Only the events of this account (its id)."),
]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="EVENT", help="Only events of this type.")
]
After = Annotated[
    int, typer.Option("--after", metavar="POSITION", min=0, help="Only events behind this one.")
]


@app.command(
    epilog=examples(
        "reinstate journal show --limit 20",
        "reinstate journal show --type ItemFailed --json",
        "reinstate journal show --account 4a217bb3-6861-4c9f-80f8-f345ae2897b5",
    )
)
def show(
    journal: Journal = DEFAULT_JOURNAL,
    account: Stream = None,
    types: Types = None,
    after: After = 0,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="At most so many; 0: all.")
    ] = 0,
    json: Json = False,
) -> None:
    """Print events in their order, one a line."""
    with open_reader(journal) as reader:
        chosen = None if types is None else [_event_type(name) for name in types]
        events = reader.read(after=after, types=chosen)
        shown = 0
        for recorded in events:
            if account is not None and not recorded.stream.endswith(f"/{account}"):
                continue
            if json:
                say_json_line(_row(recorded))
            else:
                say(
                    f"{recorded.position:>8}  {moment(recorded.recorded_at)}"
                    f"  {recorded.type}  {recorded.data}"
                )
            shown += 1
            if shown == limit:
                return


def _event_type(name: str) -> Any:
    if name not in CATALOGUE.types:
        raise UsageError(detail=f"there is no event {name!r}; docs/events.md lists them")
    return CATALOGUE.types[name]


def _row(recorded: Recorded) -> dict[str, object]:
    """An event as JSON: the columns of the journal, its data as an object."""
    at = datetime.fromtimestamp(recorded.recorded_at / 1000, UTC)
    return {
        "position": recorded.position,
        "stream": recorded.stream,
        "version": recorded.version,
        "type": recorded.type,
        "schema": recorded.schema,
        "recorded_at": at.isoformat(timespec="milliseconds"),
        "data": msgspec.Raw(recorded.data.encode()),
        "chain": recorded.chain.hex(),
    }


@app.command(epilog=examples("reinstate journal check", "reinstate journal check --json"))
def check(journal: Journal = DEFAULT_JOURNAL, json: Json = False) -> None:
    """Verify the chain, the numbering and the projections; exits with 6 if anything is wrong."""
    findings = check_journal(journal)
    with open_reader(journal) as reader:
        head = reader.head()
    if json:
        say_json({"position": head.position, "chain": head.chain.hex(), "findings": list(findings)})
    elif findings:
        for finding in findings:
            say(finding.message)
        say(f"{len(findings)} findings: the journal is damaged.")
    else:
        say(f"{head.position:,} events, chain {head.chain.hex()}: nothing is wrong.")
    if findings:
        raise typer.Exit(6)


@app.command(epilog=examples("reinstate journal rebuild"))
def rebuild(journal: Journal = DEFAULT_JOURNAL) -> None:
    """Throw the projections away and derive them from the events again."""
    with open_journal(journal) as writer:
        writer.rebuild()
        position = writer.head().position
    tell(f"Projections rebuilt from {position:,} events.")


@app.command(epilog=examples("reinstate journal backup /var/backups/reinstate.db"))
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make; must not exist.")],
    journal: Journal = DEFAULT_JOURNAL,
) -> None:
    """Make a consistent copy, also while a restore writes to the journal."""
    with open_reader(journal) as reader:
        reader.backup(file)
    tell(f"Copied to {file}.")


@app.command(
    epilog=examples(
        "reinstate journal export > events.jsonl", "reinstate journal export --file events.jsonl"
    )
)
def export(
    journal: Journal = DEFAULT_JOURNAL,
    file: Annotated[
        Path | None, typer.Option("--file", "-o", help="Where to; must not exist. Default: stdout.")
    ] = None,
    after: After = 0,
) -> None:
    """Write the events as JSON Lines: one object with all columns a line."""
    with open_reader(journal) as reader:
        lines = (
            msgspec.json.encode(_row(recorded)) + b"\n" for recorded in reader.read(after=after)
        )
        if file is None:
            _write(lines)
        else:
            try:
                with file.open("xb") as out:
                    out.writelines(lines)
            except OSError as error:
                raise UsageError(detail=f"{file}: {error.strerror}") from error


def _write(lines: Iterator[bytes]) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.writelines(lines)
    sys.stdout.buffer.flush()
