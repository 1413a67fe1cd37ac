"""reinstate, mbsync and doveadm import, killed the same way.

Writes the section *Beside the alternatives* of docs/recovery.md.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.figures import Table
from tests.bench.kills import Case, Measured, measure, messages, real_messages
from tests.bench.tools import ACCOUNT, PASSWORD, TOOLS, Mbsync, Reinstate, write_sources

_FIGURES = ("lost", "doubled", "altered", "a further run adds")
PAGE = Path(__file__).parents[2] / "docs" / "recovery.md"
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"


def section(measured: Sequence[Measured], number: int, day: datetime.date) -> str:
    """The tables; `number` is how many messages each destination was to have."""
    real = min(number, len(real_messages()))
    told = f"{real} real ones" if real else "none of ../shared/data/messages, which is not here,"
    rows = [f"| {' | '.join(row)} |" for one in measured for row in _rows(one, number)]
    commands = [f"| {one.tool.name} | `{one.tool.shown}` |" for one in measured]
    versions = ", ".join(dict.fromkeys(one.tool.version() for one in measured))
    configuration = Mbsync.configuration.format(
        port="PORT", user=ACCOUNT.address, password=PASSWORD, maildir="MAILDIR", state="STATE"
    )
    heads = "| | runs | kills that hit | half way | messages | lost | doubled | altered"
    return "\n".join(
        [
            f"Measured on {day:%Y-%m-%d} with {versions}.",
            f"Each had {number:,} messages to bring: {told} and {number - real} made ones.",
            "",
            f"{heads} | a further run adds |",
            "|---|" + "---:|" * 8,
            *rows,
            "",
            "| | command |",
            "|---|---|",
            *commands,
            "",
            "mbsyncrc:",
            "",
            f"```text\n{configuration}```",
        ]
    )


def _rows(one: Measured, number: int) -> list[list[str]]:
    half_way = sum(0 < case.standing < number for case in one.killed)
    whole = [f"{one.tool.name}, not killed", "1", "0", "0", f"{number:,}", *_figures([one.whole])]
    killed = [
        one.tool.name,
        str(one.started),
        str(len(one.killed)),
        str(half_way),
        f"{number * len(one.killed):,}",
        *_figures(one.killed),
    ]
    return [whole, killed]


def _figures(cases: Sequence[Case]) -> list[str]:
    """Lost, doubled, altered, added: all together, and in how many of the runs."""
    columns = zip(*((*case.difference, case.added) for case in cases), strict=True)
    return [
        f"{sum(column):,} ({sum(map(bool, column))} of {len(cases)})" if any(column) else "0"
        for column in columns
    ]


def between_the_marks(page: str, text: str) -> str:
    """The page with that text between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"there is no {BEGIN} ... {END}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=20, help="kills of each tool")
    parser.add_argument("--messages", type=int, default=1000)


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Measures every tool and writes the page. Raises SystemExit where ours is not clean."""
    wanted = messages(int(asked.messages * asked.scale))
    with tempfile.TemporaryDirectory(prefix="reinstate-peers-") as folder:
        sources = write_sources(Path(folder), wanted)
        measured = [measure(kind, sources, wanted, asked.runs) for kind in TOOLS]
    columns = ("what", *("runs", "kills", "half way", "messages"), *_FIGURES)
    rows = [row for one in measured for row in _rows(one, len(wanted))]
    yield Table("Killed and started again", columns, rows)
    for one in measured:
        if one.tool is Reinstate and any(any(case.difference) for case in one.cases):
            sys.exit("reinstate lost, doubled or altered messages")
    text = section(measured, len(wanted), datetime.datetime.now(datetime.UTC).date())
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(between_the_marks(page, text), encoding="utf-8")
