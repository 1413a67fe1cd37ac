"""`reinstate journal show|check|rebuild|backup|export`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from reinstate_cli.console import moment, plural, say, say_json, say_json_line, tell
from reinstate_cli.options import DEFAULT_JOURNAL, EXIT_CODES, Journal, Json, examples
from reinstate_journal import open_journal, open_reader
from reinstate_journal.check import check as check_journal
from reinstate_journal.errors import UsageError
from reinstate_journal.events import CATALOGUE, account_stream
from reinstate_journal.journal import Reader, Recorded

app = typer.Typer(
    name="journal",
    help="Look at the journal, check it, copy it.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)

Stream = Annotated[
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


@app.command(
    epilog=examples(
        "reinstate journal show --limit 20",
        "reinstate journal show --type ItemFailed --json",
        "reinstate journal show --account ann@example.com --last 50",
    )
)
def show(
    journal: Journal = DEFAULT_JOURNAL,
    account: Stream = None,
    types: Types = None,
    after: After = 0,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="The first so many; 0: all.")
    ] = 0,
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=0, help="The last so many; 0: all.")
    ] = 0,
    json: Json = False,
) -> None:
    """Print events in their order, one a line: position, time, event, account, data."""
    if limit and last:
        raise UsageError(detail="--limit and --last exclude each other")
    with open_reader(journal) as reader:
        chosen = None if types is None else [_event_type(name) for name in types]
        addresses = _addresses(reader)
        if last and chosen is None and account is None:
            after = max(after, reader.head().position - last)
        events = _events(reader, _streams(account, addresses), after, chosen)
        shown = islice(events, limit or None) if not last else deque(events, maxlen=last)
        for recorded in shown:
            if json:
                say_json_line(_row(recorded))
            else:
                say(
                    f"{recorded.position:>8}  {moment(recorded.recorded_at)}  {recorded.type:<26}"
                    f"  {addresses.get(recorded.stream, '-')}  {recorded.data}"
                )


def _addresses(reader: Reader) -> dict[str, str]:
    """The address of every account stream."""
    return {
        account_stream(restore.restore, account.account): account.address or account.account
        for restore in reader.progress.restores()
        for account in reader.progress.accounts(restore.restore)
    }


def _streams(account: str | None, addresses: dict[str, str]) -> list[str] | None:
    """The streams of the account that was named, None for all."""
    if account is None:
        return None
    wanted = account.lower()
    streams = [
        stream
        for stream, address in addresses.items()
        if address.lower() == wanted or stream.rpartition("/")[2].lower() == wanted
    ]
    if not streams:
        raise UsageError(detail=f"the journal knows no account {account}")
    return streams


def _events(
    reader: Reader, streams: list[str] | None, after: int, types: list[Any] | None
) -> Iterable[Recorded]:
    if streams is None:
        return reader.read(after=after, types=types)
    parts = [reader.read(stream=stream, after=after, types=types) for stream in streams]
    return merge(*parts, key=lambda recorded: recorded.position)


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
        say(f"{plural(len(findings), 'finding')}: the journal is damaged.")
    else:
        say(f"{head.position:,} events, chain {head.chain.hex()}: nothing is wrong.")
    if findings:
        raise typer.Exit(6)


@app.command(epilog=examples("reinstate journal rebuild"))
def rebuild(journal: Journal = DEFAULT_JOURNAL) -> None:
    """Throw the projections away and derive them from the events again."""
    open_reader(journal).close()  # a journal that is not there is not made
    with open_journal(journal) as writer:
        writer.rebuild()
        position = writer.head().position
    tell(f"Projections rebuilt from {plural(position, 'event')}.")


@app.command(epilog=examples("reinstate journal backup /var/backups/reinstate.db"))
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make; must not exist.")],
    journal: Journal = DEFAULT_JOURNAL,
) -> None:
    """Make a consistent copy, also while a restore writes to the journal."""
    if not file.absolute().parent.is_dir():
        raise UsageError(detail=f"{file.absolute().parent} is no directory")
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
        rows = map(_row, reader.read(after=after))
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
