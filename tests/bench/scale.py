"""What an item costs among very many, and what they cost whoever asks for them afterwards.

Beside the restore of all items, ten thousand others of the same backup are restored `--rounds`
times, and an empty backup, whose cost is taken off: in turn, each alone, as the large one is
stopped for that long. All write to the same file system, and nobody has read before what they read:
it is in the page cache for all of them, as after the backup was made, or for none of them.
Processor time is what is compared. `status`, `report`, `verify` and `journal check` then read the
journals, and a run brings three new items where everything else is done.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.bench import many
from tests.bench.figures import Goal, Table, goals
from tests.bench.observed import Moment, Observed
from tests.bench.processes import Cost, run
from tests.running import COMMAND

from reinstate_service.operations.sample_people import account_id
from reinstate_service.source.backup_path import BackupWriter

_TENTHS = 10
#: An item among all is compared with one among so many.
_FEW = 10_000
_QUESTIONS = (
    ("status", "status"),
    ("report", "report"),
    ("report --json", "report", "--json"),
    ("journal check", "journal", "check"),
    ("verify", "verify"),
    ("verify --deep", "verify", "--deep"),
)


class Restored(NamedTuple):
    """A restore of these accounts that is through, and how its process ended."""

    backup: Path
    folder: Path
    accounts: Sequence[str]
    end: Moment

    @property
    def journal(self) -> Path:
        return self.folder / "r.db"

    @property
    def journal_bytes(self) -> float:
        """For each item."""
        return self.journal.stat().st_size / self.end.restored

    def per_item(self, nothing: float) -> float:
        """Processor microseconds, `nothing` seconds taken off."""
        return (self.end.processor - nothing) / self.end.restored * 1e6


def arguments(parser: argparse.ArgumentParser) -> None:
    many.arguments(parser, 200_000)


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Raises SystemExit if a restore was not whole."""
    items = max(1, int(asked.items * asked.scale) // many.EACH) * many.EACH
    folder = many.place(asked.folder)
    lot, tenths, several, empty = _in_turn(items, folder, min(asked.rounds, _TENTHS))
    nothing = statistics.median(one.end.processor for one in empty)
    few = several[0]
    cost = statistics.median(one.per_item(nothing) for one in several)
    yield Table(
        f"Restore of {lot.end.restored:,} items in {items // many.EACH:,} accounts",
        ("items", "processor us/item", "peak MiB", "journal bytes/item"),
        [
            (few.end.restored, cost, few.end.peak, few.journal_bytes),
            (lot.end.restored, lot.per_item(nothing), lot.end.peak, lot.journal_bytes),
        ],
    )
    yield Table("Its tenths", ("tenth", "processor us/item"), list(enumerate(tenths, 1)))
    asking = [(name, _ask(lot, words), _ask(few, words)) for name, *words in _QUESTIONS]
    yield Table(
        "What is asked afterwards",
        (
            "command",
            "seconds",
            "processor s",
            "peak MiB",
            f"processor s of {few.end.restored:,}",
        ),
        [(name, *one[:3], of_few.processor) for name, one, of_few in asking],
    )
    first, of_few = _first_new_item(lot), _first_new_item(few)
    yield Table(
        "Until the first new item",
        ("items done", "seconds", "processor s"),
        [(one.already, one.seconds, one.processor) for one in (of_few, first)],
    )
    peak = max(one.peak for _, one, _ in asking)
    growth = lot.per_item(nothing) / cost
    among = f"cost of an item over that of one among {few.end.restored:,}"
    yield goals(
        [
            Goal(among, growth, 1.15, True),
            Goal("peak MiB", lot.end.peak, 250, True),
            Goal("peak MiB of what is asked afterwards", peak, 250, True),
            Goal("journal bytes for each item", lot.journal_bytes, 250, True),
            Goal("processor s until the first new item", first.processor, 3, True),
        ]
    )


def restored(backup: Path, accounts: Sequence[str], items: int, above: Path) -> Restored:
    """A restore of the accounts, which have so many items at least. Raises SystemExit if it is
    not whole."""
    own = many.fresh(above)
    with Observed(backup, own, accounts) as observed:
        return _whole(items, Restored(backup, own, accounts, observed.to_the_end()))


def _in_turn(
    items: int, folder: Path, rounds: int
) -> tuple[Restored, list[float], list[Restored], list[Restored]]:
    """A restore of all items and what one of each tenth cost, in processor microseconds; and, in
    a pause of each of its first so many tenths, a restore of few other items and one of none."""
    accounts = many.accounts_of(items)
    few = max(1, min(_FEW // many.EACH, len(accounts) // _TENTHS))
    with_others = items + rounds * few * many.EACH
    others = many.accounts_of(with_others)[len(accounts) :]
    backup, nothing = many.backup_of(with_others, folder), many.backup_of(0, folder)
    own, marks = many.fresh(folder), list[Moment]()
    several, empty = list[Restored](), list[Restored]()
    with Observed(backup, own, accounts) as observed:
        for moment in observed.moments():
            if moment.restored >= len(marks) * items // _TENTHS:
                marks.append(moment)
            if len(several) < min(len(marks), rounds):
                chosen = others[len(several) * few : (len(several) + 1) * few]
                with observed.paused():
                    several.append(restored(backup, chosen, few * many.EACH, folder))
                    empty.append(restored(nothing, (), 0, folder))
    tenths = [
        (end.processor - begin.processor) / (end.restored - begin.restored) * 1e6
        for begin, end in pairwise(marks)
        if end.restored > begin.restored
    ]
    return _whole(items, Restored(backup, own, accounts, moment)), tenths, several, empty


def _whole(items: int, one: Restored) -> Restored:
    if one.end.restored < items:
        sys.exit(f"only {one.end.restored:,} of {items:,} items are restored")
    return one


def _ask(one: Restored, words: Sequence[str]) -> Cost:
    return run([*COMMAND, *words, "--journal", str(one.journal)])


def _first_new_item(one: Restored) -> Moment:
    """The first moment of a run that has restored something: its last account has new items."""
    account = account_id(one.accounts[-1])
    with BackupWriter(one.backup, durable=False) as writer:
        for _ in range(3):
            number = writer.next_id(account)
            content = f"Subject: new {number}\r\n\r\n".encode()
            writer.put_item(account, number, content=content, folder="2", date=0)
        writer.finish_scan()
    with Observed(one.backup, one.folder, one.accounts) as observed:
        return next(moment for moment in observed.moments() if moment.restored)
