"""Backup Path to Maildir with the backup's gzip files kept, beside cp of the plain messages.

On the disk as it is, and, for root with mkfs, on file systems that share blocks, each in a file of
that disk. There `cp -a` shares blocks by itself, so it is told not to, and measured both ways.
Rounds are as in `restore`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import NamedTuple

from tests.bench import corpus
from tests.bench.ending import END
from tests.bench.figures import Goal, Table, goals
from tests.bench.processes import Cost, run
from tests.bench.tools import write_sources
from tests.mounting import SHARING, CannotMount, mounted
from tests.running import COMMAND
from tests.system.dovecot import reachable_folder, tree_owner

MESSAGES = 20_000
#: What is made of one message is at most so large: the sources and all rounds, unpacked.
_ROOM = 64 << 10

COPIED, SHARED = "cp -a --reflink=never", "cp -a"
PLAIN, KEPT = "reinstate", "reinstate --compress keep"


class Contender(NamedTuple):
    """Commands for the folder that has the sources and for an empty one, and the pattern of where
    they put the messages there."""

    commands: Callable[[Path, Path], list[list[str]]]
    messages: str


def _copying(*options: str) -> Contender:
    def commands(sources: Path, folder: Path) -> list[list[str]]:
        return [["cp", "-a", *options, str(sources / "maildir"), str(folder / "copy")]]

    return Contender(commands, "copy/cur/*")


def restoring(*options: str, then: Sequence[str] = ()) -> Contender:
    """A restore with these options, and then a command with the tree behind it."""

    def commands(sources: Path, folder: Path) -> list[list[str]]:
        tree, owner = folder / "mail", tree_owner()
        owned = ("--owner", f"{owner[0]}:{owner[1]}") if owner else ()
        ends = ("--journal", str(folder / "r.db"), "--quiet", *owned, *options)
        restore = [*COMMAND, "restore", str(sources / "backup"), f"maildir:{tree}", *ends]
        return [restore, [*then, str(tree)]] if then else [restore]

    return Contender(commands, "mail/example.test/*/Maildir/cur/*")


CONTENDERS = {
    KEPT: restoring("--compress", "keep"),
    COPIED: _copying("--reflink=never"),
    SHARED: _copying("--reflink=auto"),
    PLAIN: restoring(),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--above", type=Path, default=Path("/var/tmp"), help="on which disk")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    kinds = ("disk", *SHARING)
    parser.add_argument("--on", nargs="+", choices=kinds, default=kinds, help="which of them")


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Medians over the rounds. Raises SystemExit when somebody did not bring every message."""
    number = int(asked.messages * asked.scale)
    found: dict[str, dict[str, Cost]] = {}
    folder = END.enter_context(reachable_folder(asked.above))
    for kind in asked.on:
        with placed(kind, folder, number * (asked.rounds * 3 + 3) * _ROOM) as place:
            write_sources(place, corpus.like_mail(number))
            found[kind] = measured(CONTENDERS, place, number, asked.rounds)
        yield _table(kind, found[kind], number, asked.rounds)
    wanted = {"disk": 1.3, "xfs": 3.0, "btrfs": 3.0}
    yield goals(
        [
            Goal(f"{kind}: time of {COPIED} and sync over {KEPT}", _ratio(costs), wanted[kind])
            for kind, costs in found.items()
        ]
    )


@contextlib.contextmanager
def placed(kind: str, folder: Path, size: int) -> Iterator[Path]:
    """A folder on a file system of that kind."""
    if kind == "disk":
        yield folder
        return
    try:
        with mounted(kind, folder, max(size, 1 << 30)) as place:
            yield place
    except CannotMount as error:
        sys.exit(f"{error}; or: --on disk")


def measured(
    contenders: Mapping[str, Contender], place: Path, number: int, rounds: int
) -> dict[str, Cost]:
    """Medians, everybody in turn, of the sources in `place`. Raises SystemExit when somebody did
    not bring every message."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            own = place / f"{turn}-{names.index(name)}"
            own.mkdir(mode=0o755)
            os.sync()
            commands = contenders[name].commands(place, own)
            costs[name].append(reduce(add, map(run, [*commands, ["sync", "-f", str(own)]])))
            there = sum(1 for _ in own.glob(contenders[name].messages))
            if there != number:
                sys.exit(f"{name}: {there:,} of {number:,} messages are there")
    return {
        name: Cost(*(statistics.median(column) for column in zip(*each, strict=True)))
        for name, each in costs.items()
    }


def _ratio(costs: dict[str, Cost]) -> float:
    return costs[COPIED].seconds / costs[KEPT].seconds


def _table(kind: str, costs: dict[str, Cost], number: int, rounds: int) -> Table:
    rows: Sequence[tuple[str, float, float, float, float, float]] = [
        (
            name,
            cost.seconds,
            number / cost.seconds,
            cost.seconds / costs[KEPT].seconds,
            cost.processor,
            cost.written,
        )
        for name, cost in costs.items()
    ]
    return Table(
        f"{kind}: {number:,} messages, median of {rounds}",
        ("what", "seconds", "messages/s", "time over ours kept", "processor s", "written MiB"),
        rows,
    )
