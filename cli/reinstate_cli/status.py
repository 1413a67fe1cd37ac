"""`reinstate status`."""

from __future__ import annotations

from typing import Annotated

import typer

from reinstate_cli.console import moment, say, say_json, say_json_line, size, table
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, examples
from reinstate_journal import open_reader
from reinstate_service.operations.status import Status, journal_files, make_status

EPILOG = examples("reinstate status", "reinstate status --json", "reinstate status --follow")


def status(
    journal: Journal = DEFAULT_JOURNAL,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print again whenever the journal changes.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell where each restore stands; also while another process works on it."""
    with open_reader(journal) as reader:
        current = make_status(reader)
        _print(current, as_json=json, one_line=follow)
        if not follow:
            return
        from watchfiles import watch  # noqa: PLC0415 - only --follow pays for it

        names = {str(path.resolve()) for path in journal_files(journal)}
        for changes in watch(journal.resolve().parent, recursive=False, step=500, debounce=2000):
            if any(path in names for _, path in changes):
                _print(make_status(reader), as_json=json, one_line=True)


def _print(current: Status, *, as_json: bool, one_line: bool) -> None:
    if as_json:
        (say_json_line if one_line else say_json)(current)
    elif one_line:
        for one in current.restores:
            say(
                f"{one.restore.restore} {one.state} phase {one.run.phase}:"
                f" {one.items['done']:,} restored ({size(one.size)}),"
                f" {one.items['skipped']:,} skipped, {one.items['failed']:,} failed"
            )
    else:
        say(render(current))


def render(current: Status) -> str:
    """The status for people."""
    if not current.restores:
        return f"{current.journal}: no restore yet"
    lines = [f"{current.journal}: {current.writer or 'nobody'} writes to it now"]
    for one in current.restores:
        lines += [
            "",
            f"Restore {one.restore.restore}: {one.state}",
            f"  from  {one.restore.backup}",
            f"  to    {one.restore.destination}",
            f"  run   {one.run.run}, phase {one.run.phase}, since {moment(one.run.started_at)}",
            "",
            table(
                ("what", "number"),
                [
                    *((f"accounts {state}", count) for state, count in one.accounts.items()),
                    *((f"items {outcome}", count) for outcome, count in one.items.items() if count),
                ],
            ),
            f"{size(one.size)} restored",
        ]
        if one.state in {"cut off", "interrupted", "stopped"}:
            lines.append(f"Go on with: reinstate resume --journal {current.journal}")
    return "\n".join(lines)
