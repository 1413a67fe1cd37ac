"""`make soak`: very many items into a Maildir by a restore that is killed again and again.

It gets SIGKILL 20 times at random moments and is started again with the same command each time:
four times out of five after a random number of items, else within the second in which it starts.
What then lies there is compared twice: by `reinstate verify --deep`, and without any of its
code that restores or verifies. The records of the backup tell the SHA-256 of every item, as they
did before the first run; fewer files with it are lost items, more are doubled ones, and a file
with a SHA-256 that no item has is altered.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench import many
from tests.bench.figures import Goal, Table, goals
from tests.bench.observed import Moment, Observed
from tests.bench.processes import run
from tests.running import COMMAND

KILLS = 20
#: A kill hits within so many seconds after its number of items was reached, or after the start.
_SOON, _STARTING = 0.1, 1.0
#: One of so many kills hits while the run starts.
_STARTS = 5


class Run(NamedTuple):
    """A run's first moment at which it had restored something, and the last that was heard of;
    None where it was killed before."""

    first: Moment | None
    last: Moment | None


def arguments(parser: argparse.ArgumentParser) -> None:
    many.arguments(parser, 1_000_000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=8, help="draws the moments")


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Raises SystemExit if a run or the verification did not end well, or if anything was lost,
    doubled or altered, but tells the figures before."""
    items = int(asked.items * asked.scale)
    above = many.place(asked.folder)
    backup, folder = many.backup_of(items, above), many.fresh(above)
    wanted = contents_of(backup)
    runs = _runs(backup, folder, items, asked.kills, random.Random(asked.seed))
    yield Table(
        f"Runs of a restore of {items:,} items, killed {asked.kills} times",
        ("run", "items done", "seconds to the first new", "processor s", "peak MiB"),
        [(number, *_row(one)) for number, one in enumerate(runs, 1)],
    )
    journal = folder / "r.db"
    verified = run([*COMMAND, "verify", "--deep", "--quiet", "--journal", str(journal)])
    lost, doubled, altered = compared(wanted, folder / "mail")
    yield Table(
        "What lies there",
        ("lost", "doubled", "altered", "verify --deep: seconds", "processor s", "peak MiB"),
        [(lost, doubled, altered, *verified[:3])],
    )
    yield goals(
        [
            Goal("lost", lost, 0, True),
            Goal("doubled", doubled, 0, True),
            Goal("altered", altered, 0, True),
            Goal(
                "processor s until the first new item, at most",
                max(one.first.processor for one in runs[1:] if one.first),
                3,
                True,
            ),
            Goal("peak MiB", max(one.last.peak for one in runs if one.last), 250, True),
            Goal("journal bytes for each item", journal.stat().st_size / items, 250, True),
        ]
    )
    if lost or doubled or altered:
        sys.exit("the restore was not exact")


def _row(one: Run) -> tuple[float | None, ...]:
    if one.first is None:
        return (None, None, None, one.last.peak if one.last else None)
    peak = one.last.peak if one.last else one.first.peak
    return (one.first.already, one.first.seconds, one.first.processor, peak)


def _runs(backup: Path, folder: Path, items: int, kills: int, chosen: random.Random) -> list[Run]:
    """All runs, the last of which came to its end."""
    # In the last quarter of a small restore, a run may be through before it is killed.
    numbers = sorted(chosen.randrange(items * 3 // 4) for _ in range(kills))
    runs = []
    for place, number in enumerate(numbers, 1):
        with Observed(backup, folder) as observed:
            if place % _STARTS == 0:
                observed.kill(chosen.uniform(0, _STARTING))
            runs.append(_heard(observed, number, chosen.uniform(0, _SOON)))
            if not observed.was_killed():
                sys.exit("a run came to its end before it was killed")
    with Observed(backup, folder) as observed:
        runs.append(_heard(observed, None, 0))
        if observed.was_killed():
            sys.exit("the last run did not come to its end")
    return runs


def _heard(observed: Observed, number: int | None, after: float) -> Run:
    """A run that is killed so many seconds after so many items are done, if that is a number."""
    first = moment = None
    for moment in observed.moments():
        first = first or (moment if moment.restored else None)
        if first and number is not None and moment.already + moment.restored >= number:
            observed.kill(after)
    return Run(first, moment)


def contents_of(backup: Path) -> Counter[str]:
    """The SHA-256 of every item, as the backup writes it."""
    records = (backup / "accounts").glob("*/items/*/[0-9]*")
    states = (json.loads(record.read_bytes())[-1] for record in records)
    return Counter(state["digest"] for state in states if "digest" in state)


def compared(wanted: Counter[str], mail: Path) -> tuple[int, int, int]:
    """How many items are lost, doubled and altered."""
    found = Counter(
        base64.b64encode(hashlib.sha256(message.read_bytes()).digest()).decode().replace("/", ",")
        for message in mail.glob("*/*/Maildir/**/cur/*")
    )
    more = found - wanted
    doubled = sum(number for name, number in more.items() if name in wanted)
    return (wanted - found).total(), doubled, more.total() - doubled
