"""Equal messages that share a file: `--dedupe`, beside a restore with `hardlink` run afterwards.

Each of several accounts has the same messages, as a message to all of a company is in the backup
once and with each of its readers. `hardlink` is util-linux's; on file systems that share blocks it
is `--dedupe reflink` that is measured. Rounds and places are as in `keep`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench import corpus
from tests.bench.ending import END
from tests.bench.figures import Table
from tests.bench.keeping import PLAIN, Contender, measured, placed, restoring
from tests.bench.processes import Cost
from tests.bench.wire import write_backup
from tests.mounting import SHARING
from tests.running import COMMAND
from tests.system.dovecot import reachable_folder

MESSAGES = 2_500
READERS = 8
_ROOM = 64 << 10
LINKED, LATER, CLONED = "--dedupe link", "hardlink afterwards", "--dedupe reflink"
ON_DISK = {
    PLAIN: restoring(),
    LINKED: restoring("--dedupe", "link"),
    LATER: restoring(then=("hardlink", "--quiet")),
}
ON_SHARING = {PLAIN: restoring(), CLONED: restoring("--dedupe", "reflink")}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--above", type=Path, default=Path("/var/tmp"), help="on which disk")
    kinds = ("disk", *SHARING)
    parser.add_argument("--on", nargs="+", choices=kinds, default=["disk"], help="which of them")


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """Medians over the rounds. Raises SystemExit when somebody did not bring every message, or
    messages do not share what they should."""
    number = int(MESSAGES * asked.scale)
    folder = END.enter_context(reachable_folder(asked.above))
    for kind in asked.on:
        contenders = ON_DISK if kind == "disk" else ON_SHARING
        room = number * READERS * (asked.rounds * len(contenders) + 1) * _ROOM
        with placed(kind, folder, room) as place:
            write_backup(place / "backup", [list(corpus.like_mail(number))] * READERS)
            costs = measured(contenders, place, number * READERS, asked.rounds)
            shared = {name: _shared(place, contenders, name) for name in contenders}
        equal = number * (READERS - 1)
        for name in set(contenders) - {PLAIN}:
            # Accounts that are restored at the same moment do not share with each other.
            if shared[name] < (equal if name == LATER else equal / 2):
                sys.exit(f"{name}: only {shared[name]:,} of {equal:,} share a file")
        yield _table(kind, costs, shared, number, asked.rounds)


def _shared(place: Path, contenders: Mapping[str, Contender], name: str) -> int:
    """How many messages of the first round take no room: by their inodes, or, where a file of its
    own shares blocks, by the report."""
    own = place / f"0-{list(contenders).index(name)}"
    if name == CLONED:
        asked = [*COMMAND, "report", "--json", "--journal", str(own / "r.db")]
        said = subprocess.run(asked, capture_output=True, check=True).stdout
        return int(json.loads(said)["saved"]["shared"])
    found = [path.stat().st_ino for path in own.glob(contenders[name].messages)]
    return len(found) - len(set(found))


def _table(
    kind: str, costs: dict[str, Cost], shared: dict[str, int], number: int, rounds: int
) -> Table:
    plain = costs[PLAIN].seconds
    return Table(
        f"{kind}: {number:,} messages for each of {READERS} accounts, median of {rounds}",
        ("what", "seconds", "over a plain restore", "processor s", "written MiB", "share a file"),
        [
            (name, cost.seconds, cost.seconds / plain, cost.processor, cost.written, shared[name])
            for name, cost in costs.items()
        ],
    )
