"""Backup Path to Maildir, beside cp, rsync and doveadm with the same messages as plain files.

Everybody in turn, several rounds, each into a folder of its own: nothing is removed before the
end, because ext4 slows down where a tree was just deleted. Whoever has finished is followed by
`sync -f`, which counts as well: what is not on the disk is not restored. All sources are in the
page cache. `written` is what went to the file system, not what the disk made of it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self

from tests.bench import corpus
from tests.bench.ending import END
from tests.bench.figures import Goal, Table, goals
from tests.bench.processes import Cost, run
from tests.bench.tools import DoveadmBackup, DoveadmImport, Reinstate, Sources, write_sources
from tests.system.dovecot import reachable_folder

MESSAGES = 20_000
SMALL = 200_000


class Contender(Protocol):
    """Who brings the messages into `folder`: a context, entered before time is taken."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def command(self) -> list[str]: ...

    def standing(self) -> int:
        """How many messages there are."""


class Copy:
    """The limit: the files as they are, with nothing checked and nothing recorded."""

    name: ClassVar[str] = "cp -a"
    program: ClassVar[Sequence[str]] = ("cp", "-a")

    def __init__(self, sources: Sources, folder: Path) -> None:
        self._source = sources.maildir
        self._copy = folder / "copy"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """There is nothing to end."""

    def command(self) -> list[str]:
        return [*self.program, f"{self._source}/.", str(self._copy)]

    def standing(self) -> int:
        return sum(1 for _ in (self._copy / "cur").iterdir())


class Rsync(Copy):
    """It copies as well, and writes to temporary names."""

    name = "rsync -a"
    program = ("rsync", "-a")


CONTENDERS = (Reinstate, Copy, Rsync, DoveadmImport, DoveadmBackup)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--small",
        type=int,
        nargs="?",
        const=SMALL,
        metavar="MESSAGES",
        help=f"so many messages of 2 KiB instead of mail; {SMALL:,}",
    )
    parser.add_argument("--above", type=Path, default=Path("/var/tmp"), help="on which disk")


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Medians over the rounds, told before all is removed, which takes its time. Raises
    SystemExit when somebody did not bring every message."""
    number = int((asked.small or MESSAGES) * asked.scale)
    made = corpus.small(number) if asked.small else corpus.like_mail(number)
    folder = END.enter_context(reachable_folder(asked.above))
    sources = write_sources(folder, made)
    blobs = sum(1 for _ in (sources.backup / "items").glob("*/*"))
    size = sum(entry.stat().st_size for entry in os.scandir(sources.maildir / "cur"))
    if blobs != number:
        sys.exit(f"{blobs:,} of {number:,} messages were made")
    costs: dict[str, list[Cost]] = {kind.name: [] for kind in CONTENDERS}
    journal = 0
    for turn in range(asked.rounds):
        for place in range(len(CONTENDERS)):
            kind = CONTENDERS[(turn + place) % len(CONTENDERS)]
            own = folder / f"{turn}-{kind.name.replace(' ', '-')}"
            own.mkdir(mode=0o755)
            costs[kind.name].append(timed(kind(sources, own), own, number, kind.name))
            if kind is Reinstate:
                journal = sum(path.stat().st_size for path in own.glob("r.db*"))
    median = {name: _median(each) for name, each in costs.items()}
    yield from _tables(median, number, size, journal, asked.rounds)


def timed(contender: Contender, folder: Path, wanted: int, name: str) -> Cost:
    with contender as ready:
        os.sync()  # what the others have left behind is not on this one's bill
        cost = run(ready.command()) + run(["sync", "-f", str(folder)])
        found = ready.standing()
    if found != wanted:
        sys.exit(f"{name}: {found:,} of {wanted:,} messages are there")
    return cost


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def _tables(
    costs: dict[str, Cost], number: int, size: int, journal: int, rounds: int
) -> Iterator[Table]:
    ours = costs[Reinstate.name]
    mib = size / 2**20
    rows = [
        (
            name,
            cost.seconds,
            number / cost.seconds,
            mib / cost.seconds,
            cost.seconds / ours.seconds,
            cost.processor,
            cost.peak,
            cost.written,
        )
        for name, cost in costs.items()
    ]
    yield Table(
        f"Restore of {number:,} messages, {mib:,.0f} MiB, median of {rounds}",
        (
            *("what", "seconds", "messages/s", "MiB/s", "time over ours"),
            *("processor s", "peak MiB", "written MiB"),
        ),
        rows,
    )
    over = {name: cost.seconds / ours.seconds for name, cost in costs.items()}
    yield goals(
        [
            Goal("time of cp -a and sync over ours", over[Copy.name], 1),
            Goal("messages/s over doveadm import", over[DoveadmImport.name], 2.5),
            Goal("messages/s over doveadm backup", over[DoveadmBackup.name], 2.5),
            Goal("journal bytes for each message", journal / number, 250, at_most=True),
        ]
    )
