"""A journal's status as node_exporter's textfile collector reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from reinstate_journal.errors import UsageError
from reinstate_service.operations.replacing import replace_file
from reinstate_service.operations.status import RestoreStatus, Status

_STATES = (
    "running",
    "cut off",
    "interrupted",
    "suspended",
    "stopped",
    "aborted",
    "incomplete",
    "finished",
)

#: Labels and value of one line.
_Sample = tuple[dict[str, str], float]


class MetricsUnwritable(UsageError):
    """The file for the metrics cannot be made where it was asked for."""

    message = "The metrics cannot be written to {path}: {detail}"
    hint = "Name a file in a directory that exists and that this user may write to."


def write_metrics(path: Path, status: Status) -> None:
    """Puts the metrics into `path`, which is never seen half-written. Raises MetricsUnwritable."""
    try:
        # The collector runs as another user.
        replace_file(path, render_metrics(status), 0o644)
    except OSError as error:
        raise MetricsUnwritable(path=path, detail=error.strerror or error) from error


def render_metrics(status: Status) -> str:
    """The status in Prometheus' text format 0.0.4."""
    return "".join(_metrics(status))


def _metrics(status: Status) -> Iterator[str]:
    known = status.restores
    yield from _gauge(
        "writing", "Whether a process writes to the journal.", [({}, bool(status.writer))]
    )
    yield from _gauge(
        "state",
        "1 for the state of the restore's last run.",
        (
            (_of(one, state=state.replace(" ", "_")), one.state == state)
            for one in known
            for state in _STATES
        ),
    )
    yield from _gauge(
        "phase",
        "The last phase that the last run began.",
        ((_of(one), one.run.phase) for one in known),
    )
    yield from _gauge(
        "run_started_timestamp_seconds",
        "When the last run began.",
        ((_of(one), one.run.started_at / 1000) for one in known),
    )
    yield from _gauge(
        "run_ended_timestamp_seconds",
        "When the last run ended, if it did.",
        ((_of(one), one.run.ended_at / 1000) for one in known if one.run.ended_at),
    )
    yield from _gauge(
        "accounts",
        "Accounts by state.",
        ((_of(one, state=state), count) for one in known for state, count in one.accounts.items()),
    )
    yield from _gauge(
        "items",
        "Items by what became of them.",
        ((_of(one, outcome=name), count) for one in known for name, count in one.items.items()),
    )
    yield from _gauge(
        "items_expected",
        "Items that the last run set out with.",
        ((_of(one), one.expected) for one in known if one.expected is not None),
    )
    yield from _gauge(
        "restored_bytes", "Bytes of the items restored.", ((_of(one), one.size) for one in known)
    )


def _of(one: RestoreStatus, **labels: str) -> dict[str, str]:
    return {"restore": one.restore.restore, **labels}


def _gauge(name: str, text: str, samples: Iterable[_Sample]) -> Iterator[str]:
    lines = [
        f"reinstate_{name}{_labels(labels)} {float(value):.15g}\n" for labels, value in samples
    ]
    if lines:
        yield f"# HELP reinstate_{name} {text}\n# TYPE reinstate_{name} gauge\n"
        yield from lines


def _labels(labels: dict[str, str]) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""
