"""`reinstate journal show|check|rebuild|backup|export`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer
from msgspec.structs import replace

from reinstate_cli import redaction
from reinstate_cli.console import finish, moment, plural, say, say_json, say_json_line, tell
from reinstate_cli.following import changes_of
from reinstate_cli.options import DEFAULT_JOURNAL, EXIT_CODES, Journal, Json, examples
from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check as check_journal
from reinstate_journal.check import check_redacted
from reinstate_journal.errors import JournalDamaged, UsageError
from reinstate_journal.journal import Reader, Recorded
from reinstate_service.operations.journal_query import Query, account_addresses, query_events
from reinstate_service.spelling import moment_of

app = typer.Typer(
    name="journal",
    help="Look at the journal, check it, copy it.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)

Account = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="NAME", help="Only the events of this account, by address or id."
    ),
]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="EVENT", help="Only events of this type.")
]
After = Annotated[
    int, typer.Option("--after", metavar="POSITION", min=0, help="Only events behind this one.")
]
Before = Annotated[
    int | None,
    typer.Option("--before", metavar="POSITION", min=0, help="Only events before this one."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only events from then on; ISO 8601, UTC."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only events before that time.")
]


@app.command(
    epilog=examples(
        "reinstate journal show --limit 20",
        "reinstate journal show --type ItemFailed --json",
        "reinstate journal show --account ann@example.com --last 50",
        "reinstate journal show --since 2026-05-03T14:00 --until 2026-05-03T15:00",
        "reinstate journal show --follow --type ItemFailed",
    )
)
def show(
    journal: Journal = DEFAULT_JOURNAL,
    account: Account = None,
    types: Types = None,
    after: After = 0,
    before: Before = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="The first so many; 0: all.")
    ] = 0,
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=0, help="The last so many; 0: all.")
    ] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes. Ends with Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Print events in their order, one a line: position, time, event, account, data."""
    if limit and last:
        raise UsageError(detail="--limit and --last exclude each other")
    if follow and limit:
        raise UsageError(detail="--limit and --follow exclude each other")
    query = Query(after, before, moment_of(since), moment_of(until), account, tuple(types or ()))
    with open_reader(journal) as reader:
        if last and query.is_all_behind:
            query = replace(query, after=max(after, reader.head().position - last))
        events = query_events(reader, query)
        shown = islice(events, limit or None) if not last else deque(events, maxlen=last)
        head = _print(reader, shown, as_json=json)
        if follow:
            query = replace(query, after=max(head, reader.head().position if last else head))
            _follow(journal, reader, query, as_json=json)


def _print(reader: Reader, events: Iterable[Recorded], *, as_json: bool) -> int:
    """Prints the events; answers the position of the last one, 0 if there was none."""
    addresses = account_addresses(reader)
    position = 0
    for recorded in events:
        position = recorded.position
        if as_json:
            say_json_line(_row(recorded))
        else:
            say(
                f"{recorded.position:>8}  {moment(recorded.recorded_at)}  {recorded.type:<26}"
                f"  {addresses.get(recorded.stream, '-')}  {recorded.data}"
            )
    return position


def _follow(journal: Path, reader: Reader, query: Query, *, as_json: bool) -> None:
    """Prints what is appended, until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        # What was appended before the watch began is shown with the first change, or now.
        for _ in changes_of(journal, group=800, patience=1000):
            position = _print(reader, query_events(reader, query), as_json=as_json)
            query = replace(query, after=max(query.after, position))
            finish()


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


@app.command(
    epilog=examples(
        "reinstate journal check",
        "reinstate journal check --journal shared.db --chains shared.db.chains",
    )
)
def check(
    journal: Journal = DEFAULT_JOURNAL,
    chains: Annotated[
        Path | None,
        typer.Option("--chains", dir_okay=False, help="What was written with a redacted copy."),
    ] = None,
    json: Json = False,
) -> None:
    """Verify the chain, the numbering and the projections; exits with 6 if anything is wrong."""
    with suppress(JournalDamaged):  # which is to be told in full
        open_reader(journal).close()  # what another version has derived would be compared in vain
    findings = check_journal(journal)
    with open_reader(journal) as reader:
        head = reader.head()
        if chains is not None:
            with _opened(chains) as lines:
                findings += check_redacted(reader, lines)
    if json:
        say_json({"position": head.position, "chain": head.chain.hex(), "findings": list(findings)})
    elif findings:
        for finding in findings:
            say(finding.message)
        say(f"{plural(len(findings), 'finding')}: the journal is damaged.")
    else:
        say(f"{head.position:,} events, chain {head.chain.hex()}: nothing is wrong.")
    if findings:
        raise typer.Exit(6)


def _opened(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise UsageError(detail=f"{file}: {error.strerror}") from None


@app.command(epilog=examples("reinstate journal rebuild"))
def rebuild(journal: Journal = DEFAULT_JOURNAL) -> None:
    """Throw the projections away and derive them from the events again."""
    open_reader(journal).close()  # a journal that is not there is not made
    with open_journal(journal) as writer:
        writer.rebuild()
        position = writer.head().position
    tell(f"Projections rebuilt from {plural(position, 'event')}.")


@app.command(
    epilog=examples(
        "reinstate journal backup /var/backups/reinstate.db",
        "reinstate journal backup --views /tmp/look.db",
    )
)
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make; must not exist.")],
    views: Annotated[
        bool, typer.Option("--views", help="With more SQL views: see docs/journal.md.")
    ] = False,
    journal: Journal = DEFAULT_JOURNAL,
) -> None:
    """Make a consistent copy, also while a restore writes to the journal."""
    if not file.absolute().parent.is_dir():
        raise UsageError(detail=f"{file.absolute().parent} is no directory")
    with open_reader(journal) as reader:
        reader.backup(file, views=views)
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
    account: Account = None,
    types: Types = None,
    after: After = 0,
    before: Before = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write the events as JSON Lines: one object with all columns a line."""
    query = Query(after, before, moment_of(since), moment_of(until), account, tuple(types or ()))
    with open_reader(journal) as reader:
        rows = map(_row, query_events(reader, query))
        if file is None:
            for row in rows:
                say_json_line(row)
            return
        try:
            with file.open("xb") as out:
                out.writelines(msgspec.json.encode(row) + b"\n" for row in rows)
        except FileExistsError:
            raise UsageError(detail=f"{file} exists; move it away first") from None
        except OSError as error:
            raise UsageError(detail=f"{file}: {error.strerror}") from None


app.command(epilog=redaction.EPILOG)(redaction.redact)
