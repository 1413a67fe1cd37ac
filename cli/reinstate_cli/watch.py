"""`reinstate watch`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reinstate_cli.console import duration, finish, plural, printable, say, say_json_line, size
from reinstate_cli.following import changes_of
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Metrics, RestoreId, examples
from reinstate_journal import open_reader
from reinstate_service.operations.metrics import write_metrics
from reinstate_service.operations.status import Status
from reinstate_service.operations.watching import View, Watcher

if TYPE_CHECKING:
    from rich.console import RenderableType

EPILOG = examples(
    "reinstate watch",
    "reinstate watch --journal /var/lib/reinstate/migration.db",
    "reinstate watch --stay --metrics /var/lib/prometheus/node-exporter/reinstate.prom",
)
#: At most this part of one core goes into looking, however large the restore is.
SHARE = 0.02
#: Milliseconds between two looks at a restore that proceeds, and at one that is quiet.
_BUSY, _QUIET = 2000, 5000
_IN_WORK = 8
_PHASES = {0: "reading", 1: "provisioning", 2: "items", 3: "mountpoints and data sources"}


def watch(
    restore: RestoreId = None,
    journal: Journal = DEFAULT_JOURNAL,
    stay: Annotated[
        bool, typer.Option("--stay", help="Go on when the run has ended, for the next one.")
    ] = False,
    metrics: Metrics = None,
    json: Json = False,
) -> None:
    """Watch a restore while it runs.

    From any shell; the journal is only read. Ends with the run, or with Ctrl-C.
    """
    with open_reader(journal) as reader, _screen(as_json=json) as show:
        watcher = Watcher(reader, restore)
        with suppress(KeyboardInterrupt):
            for view in _views(watcher, journal):
                show(view)
                if metrics:
                    write_metrics(metrics, Status(str(reader.path), view.writer, (view.status,)))
                if view.status.state != "running" and not stay:
                    return


def _views(watcher: Watcher, journal: Path) -> Iterator[View]:
    """Looks now, and then when the journal has changed, as often as `SHARE` allows."""
    used = time.thread_time()
    yield watcher.look()
    due = 0.0
    for _ in changes_of(journal, group=_BUSY, patience=_QUIET):
        if time.monotonic() >= due:
            yield watcher.look()
            used, before = time.thread_time(), used
            due = time.monotonic() + (used - before) / SHARE


@contextmanager
def _screen(*, as_json: bool) -> Iterator[Callable[[View], None]]:
    """What shows a view: in place on a terminal, as a line elsewhere."""
    if as_json:
        yield _say_json
        return
    if not sys.stdout.isatty():
        yield _say_line
        return
    from rich.live import Live  # noqa: PLC0415 - only terminals pay for it

    with Live(auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda view: live.update(render(view), refresh=True)


def _say_json(view: View) -> None:
    say_json_line(view)
    finish()


def _say_line(view: View) -> None:
    say(_line(view))
    finish()


def _line(view: View) -> str:
    status = view.status
    parts = [
        f"{status.restore.restore} {status.state}",
        f"phase {status.run.phase}",
        _items(view),
        size(status.size),
        f"{view.rate:,.0f}/s",
        f"{status.items['failed']:,} failed" if status.items["failed"] else "",
        f"{duration(view.left)} left" if view.left is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _items(view: View) -> str:
    of_all = f"/{view.status.expected:,}" if view.status.expected is not None else ""
    return f"{view.settled:,}{of_all} items"


def render(view: View) -> RenderableType:
    """A view as it stands on a terminal."""
    from rich.console import Group  # noqa: PLC0415 - only terminals pay for it
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    above, below = (
        Text(printable("\n".join(lines)), no_wrap=True, overflow="ellipsis")
        for lines in (_head(view), _details(view))
    )
    if view.status.expected is None:
        return Group(above, below)
    bar = ProgressBar(total=max(view.status.expected, 1), completed=view.settled, width=60)
    return Group(above, bar, below)


def _head(view: View) -> list[str]:
    status, run, items = view.status, view.status.run, view.status.items
    accounts = ", ".join(f"{count:,} {state}" for state, count in sorted(status.accounts.items()))
    doubt = f", {items['doubt']:,} in doubt" if items["doubt"] else ""
    left = f", {duration(view.left)} left" if view.left is not None else ""
    return [
        f"Restore {status.restore.restore}: {status.state}"
        + (f" ({run.reason})" if run.reason else ""),
        f"  from      {status.restore.backup}",
        f"  to        {status.restore.destination}",
        f"  run       {run.run}, {duration(view.elapsed)}, phase {run.phase}: {_PHASES[run.phase]}",
        f"  accounts  {accounts or 'none yet'}",
        f"  items     {items['done']:,} restored, {items['skipped']:,} skipped,"
        f" {items['failed']:,} failed{doubt}",
        f"  rate      {view.rate:,.0f} items/s, {size(status.size)} in all{left}",
        f"  {_items(view)}",
    ]


def _details(view: View) -> list[str]:
    lines = []
    if view.in_work:
        lines += ["", f"In work: {plural(len(view.in_work), 'account')}"]
        lines += [f"  {one.address}  {one.items:,}" for one in view.in_work[:_IN_WORK]]
    if view.troubles:
        lines += ["", "Not restored, newest last (reinstate report has all):"]
        lines += [f"  {one.address or '-'}  {one.what}: {one.reason}" for one in view.troubles]
    return lines
