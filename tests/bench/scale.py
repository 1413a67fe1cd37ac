"""What an item costs among very many, and what they cost whoever asks for them afterwards.

So many accounts as hold a hundredth of the items are restored beside a tenth of the restore of all,
`--rounds` times: from the same backup, and from a part of it that nobody has read yet. Both have
the same neighbours then, and find as much of what they read in the page cache: where that is
little, an item costs half as much again. Processor time is what is compared; what the restore of
an empty backup costs is taken off. `status`, `report`, `verify` and `journal check` then read the
journals, and a run brings three new items where everything else is done.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    items = int(asked.items * asked.scale)
    with many.place(asked.folder) as folder:
        lot, tenths, several, empty = _together(items, folder, asked.rounds)
        nothing = statistics.median(one.end.processor for one in empty)
        few = several[0]
        cost = statistics.median(one.per_item(nothing) for one in several)
        yield Table(
            f"Restore of {lot.end.restored:,} items in {max(1, items // many.EACH):,} accounts",
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
            ("command", "seconds", "processor s", "peak MiB", "processor s of a hundredth"),
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
        yield goals(
            [
                Goal("cost of an item over that among a hundredth", growth, 1.15, True),
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


def _together(
    items: int, folder: Path, rounds: int
) -> tuple[Restored, list[float], list[Restored], list[Restored]]:
    """A restore of all items and what one of each tenth cost, in processor microseconds; and,
    beside the first so many tenths, restores of a hundredth of them and of none."""
    backup, nothing = many.backup_of(items, folder), many.backup_of(0, folder)
    accounts, own = many.accounts_of(items), many.fresh(folder)
    several = max(1, len(accounts) // 100)
    marks: list[Moment] = []
    few: list[Future[Restored]] = []
    empty: list[Future[Restored]] = []
    with Observed(backup, own) as observed, ThreadPoolExecutor(1) as beside:
        for moment in observed.moments():
            if moment.restored >= len(marks) * items // _TENTHS:
                marks.append(moment)
            while len(few) < min(len(marks), rounds):
                end = len(accounts) * len(marks) // _TENTHS or 1
                some, least = accounts[end - several : end], several * (items // len(accounts))
                few.append(beside.submit(restored, backup, some, least, folder))
                empty.append(beside.submit(restored, nothing, (), 0, folder))
    tenths = [
        (end.processor - begin.processor) / (end.restored - begin.restored) * 1e6
        for begin, end in pairwise(marks)
        if end.restored > begin.restored
    ]
    return (
        _whole(items, Restored(backup, own, accounts, moment)),
        tenths,
        [one.result() for one in few],
        [one.result() for one in empty],
    )


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
