"""`reinstate status`."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import Annotated

import typer

from reinstate_cli.console import moment, say, say_json, say_json_line, size
from reinstate_cli.following import changes_of
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Metrics, examples
from reinstate_journal import open_reader
from reinstate_service.operations.metrics import write_metrics
from reinstate_service.operations.status import RestoreStatus, Status, make_status

EPILOG = examples(
    "reinstate status",
    "reinstate status --json",
    "reinstate status --follow",
    "reinstate status --metrics /var/lib/prometheus/node-exporter/reinstate.prom",
)


def status(
    journal: Journal = DEFAULT_JOURNAL,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print again whenever the journal changes.")
    ] = False,
    metrics: Metrics = None,
    json: Json = False,
) -> None:
    """Tell where each restore stands.

    Also while another process works on it. --follow ends with Ctrl-C.
    """
    with open_reader(journal) as reader:
        current = make_status(reader)
        _print(current, as_json=json, one_line=follow)
        if metrics:
            write_metrics(metrics, current)
        if not follow:
            return
        with suppress(KeyboardInterrupt):
            for changed in changes_of(journal, group=2000, patience=10_000):
                if changed:
                    current = make_status(reader)
                    _print(current, as_json=json, one_line=True)
                    if metrics:
                        write_metrics(metrics, current)


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
    busy = f"{current.writer} writes to it now" if current.writer else "nobody writes to it now"
    return "\n".join(
        [f"{current.journal}: {busy}", *(_one(one, current) for one in current.restores)]
    )


def _one(one: RestoreStatus, current: Status) -> str:
    run, items = one.run, one.items
    ended = f", ended {moment(run.ended_at)}" if run.ended_at else ""
    rows = [
        *((f"accounts {state}", f"{count:,}") for state, count in sorted(one.accounts.items())),
        ("items restored", f"{items['done']:,}"),
        ("items skipped", f"{items['skipped']:,}"),
        ("items failed", f"{items['failed']:,}"),
        *([("items expected", f"{one.expected:,}")] if one.expected is not None else []),
        *([("items in doubt", f"{items['doubt']:,}")] if items["doubt"] else []),
    ]
    width = max(len(name) for name, _ in rows)
    numbers = max(len(count) for _, count in rows)
    lines = [
        "",
        f"Restore {one.restore.restore}: {one.state}",
        f"  from  {one.restore.backup}",
        f"  to    {one.restore.destination}",
        f"  run   {run.run}, phase {run.phase}, began {moment(run.started_at)}{ended}",
        "",
        *(f"  {name:<{width}}  {count:>{numbers}}" for name, count in rows),
        f"  {'bytes restored':<{width}}  {size(one.size)}",
    ]
    return "\n".join([*lines, *_next(one, current)])


def _next(one: RestoreStatus, current: Status) -> list[str]:
    """What to do now, where something is to be done."""
    name = f" {one.restore.restore}" if len(current.restores) > 1 else ""
    which = f"{name} --journal {shlex.quote(current.journal)}"
    if one.state in {"cut off", "interrupted", "stopped"}:
        why = f": {one.run.reason}" if one.state == "stopped" else ""
        return ["", f"It was {one.state}{why}", f"Go on with: reinstate resume{which}"]
    if one.state == "suspended":
        return [
            "",
            f"{one.run.reason}",
            f"What they are: reinstate report{which}",
            f"Accept them with: reinstate approve{which}, then go on with: reinstate resume{which}",
            f"Or try them again: reinstate retry{which}",
        ]
    if one.state == "incomplete":
        return ["", f"What could not be restored: reinstate report{which}"]
    return []
