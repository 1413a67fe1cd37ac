"""`reinstate report`."""

from __future__ import annotations

import os
from collections.abc import Sized
from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import (
    duration,
    moment,
    plural,
    say,
    say_json,
    say_raw,
    size,
    table,
    tell,
)
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, RestoreId, examples
from reinstate_journal import open_reader
from reinstate_journal.errors import UsageError
from reinstate_service.operations.csv_report import Rows, csv_lines
from reinstate_service.operations.page import gather
from reinstate_service.operations.page import render as render_page
from reinstate_service.operations.report import Counts, Report, Saved, make_report
from reinstate_service.operations.verification import Verified

EPILOG = examples(
    "reinstate report",
    "reinstate report --failures 0",
    "reinstate report --html report.html",
    "reinstate report --csv items > items.csv",
    "reinstate report --json | jq '.failures[] | [.address, .item, .failure]'",
)


def report(
    restore: RestoreId = None,
    journal: Journal = DEFAULT_JOURNAL,
    failures: Annotated[
        int, typer.Option("--failures", metavar="N", min=0, help="List so many failures; 0: all.")
    ] = 20,
    csv: Annotated[
        Rows | None, typer.Option("--csv", help="Print CSV: a row for each account or item.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", dir_okay=False, help="Write one self-contained page."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Tell what was restored and what was not.

    And why; from the journal alone.

    Exits with 3 if something that was asked for is not restored.
    """
    if sum((json, csv is not None, html is not None)) > 1:
        raise UsageError(detail="--json, --csv and --html exclude each other")
    with open_reader(journal) as reader:
        if csv is not None:
            for line in csv_lines(reader, restore, csv):
                say_raw(line)
        if html is not None:
            _write(html, render_page(gather(reader, restore)))
        made = make_report(reader, restore)
    if json:
        say_json(made)
    elif csv is None and html is None:
        say(render(made, failures))
    raise typer.Exit(0 if made.whole else 3)


def _write(file: Path, page: str) -> None:
    """Writes the page, readable by its owner only, in place of an older one at once."""
    new = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with open(new, "x", encoding="utf-8", opener=_private) as out:
            out.write(page)
        new.replace(file)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise UsageError(detail=f"{file}: {error.strerror}") from None
    tell(f"Wrote {file}.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def render(report: Report, limit: int = 20) -> str:
    """The report for people; at most `limit` failures are listed, 0 for all."""
    known, totals = report.restore, report.totals
    last = report.runs[-1]
    ended = f"{last.outcome} {moment(last.ended_at)}" if last.ended_at else "not ended"
    busy = sum(((run.ended_at or run.started_at) - run.started_at) / 1000 for run in report.runs)
    lines = [
        f"Restore {known.restore}",
        f"  from     {known.backup} ({known.product})",
        f"  to       {known.destination}",
        f"  runs     {len(report.runs)}, {duration(busy)} in all; the last one: {ended}",
        f"  journal  {report.head[0]:,} events, chain {report.head[1][:16]}",
        "",
        _totals(totals),
        *_saved(report.saved),
        "",
        table(
            ("account", "state", "score", "items", "restored", "skipped", "failed", "size"),
            (
                (
                    account.address or account.account,
                    account.state,
                    account.score or "-",
                    account.counts.items,
                    account.counts.restored,
                    sum(account.counts.skipped.values()),
                    sum(account.counts.failed.values()),
                    size(account.counts.size),
                )
                for account in report.accounts
            ),
        ),
    ]
    lines += _why("Skipped", totals.skipped)
    lines += _why("Failed", totals.failed)
    lines += _broken_accounts(report)
    lines += _failures(report, limit)
    lines += _filter_notes(report, limit)
    lines += _keyword_notes(report, limit)
    lines += _verification(report.verification)
    lines += [
        "",
        _verdict(report),
    ]
    return "\n".join(lines)


def _verification(verified: Verified | None) -> list[str]:
    if verified is None:
        return []
    counts = ", ".join(f"{count:,} {name}" for name, count in verified.totals.items() if count)
    how = "by content" if verified.deep else "by name, size, date and flags"
    state = moment(verified.finished_at) if verified.finished_at else "cut off"
    return ["", f"Verified {state}, {how}: {counts or 'no items'}"]


def _verdict(report: Report) -> str:
    if report.whole:
        return "Everything asked for is restored."
    accounts = sum(account.state == "failed" for account in report.accounts)
    parts = [
        *([plural(len(report.failures), "step")] if report.failures else []),
        *([plural(accounts, "account")] if accounts else []),
    ]
    return f"Not everything is restored: {' and '.join(parts)} failed."


def _totals(totals: Counts) -> str:
    skipped, failed = sum(totals.skipped.values()), sum(totals.failed.values())
    doubt = f" + {totals.doubt:,} in doubt" if totals.doubt else ""
    return (
        f"{totals.items:,} items = {totals.restored:,} restored ({size(totals.size)})"
        f" + {skipped:,} skipped + {failed:,} failed{doubt}"
    )


def _saved(saved: Saved) -> list[str]:
    if not saved.messages:
        return []
    shared = f", {saved.shared:,} of them by sharing" if saved.shared else ""
    return [f"{size(saved.bytes)} saved by {plural(saved.messages, 'message')}{shared}"]


def _why(heading: str, counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    return ["", f"{heading}:", *(f"  {count:>8,}  {why}" for why, count in sorted(counts.items()))]


def _broken_accounts(report: Report) -> list[str]:
    broken = [account for account in report.accounts if account.state == "failed"]
    if not broken:
        return []
    return [
        "",
        "Accounts that could not be finished:",
        *(f"  {account.address or account.account}: {account.reason}" for account in broken),
    ]


def _failures(report: Report, limit: int) -> list[str]:
    if not report.failures:
        return []
    shown = report.failures[:limit] if limit else report.failures
    lines = ["", "Not restored:"]
    for one in shown:
        place = f", {'/'.join(one.path)}" if one.path else ""
        lines += [
            f"  {one.address or '-'}  {one.what}{place}",
            f"      {one.failure}: {one.reason}",
        ]
    return lines + _more(shown, report.failures)


def _keyword_notes(report: Report, limit: int) -> list[str]:
    if not report.keyword_notes:
        return []
    shown = report.keyword_notes[:limit] if limit else report.keyword_notes
    lines = ["", "Tags that the destination has no place for; the messages are there without them:"]
    lines += [f"  {one.address}  {'/'.join(one.path)}: {', '.join(one.tags)}" for one in shown]
    return lines + _more(shown, report.keyword_notes)


def _more(shown: Sized, of: Sized) -> list[str]:
    left = len(of) - len(shown)
    return [f"  and {left:,} more: --failures 0 lists all"] if left else []


def _filter_notes(report: Report, limit: int) -> list[str]:
    if not report.filter_notes:
        return []
    shown = report.filter_notes[:limit] if limit else report.filter_notes
    lines = ["", "In filters, for a person to look at:"]
    lines += [
        f"  {one.address}  {one.script}, line {one.line}: {one.text}: {one.reason}" for one in shown
    ]
    return lines + _more(shown, report.filter_notes)
