"""Whatever stands in a backup, reading it ends in a result or a named error, inside of it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import ask, holds, untouched
from fuzz.mutation import Damage, tree_damages
from fuzz.seeds import make_backup

_GROUP, _TEST = "9 bad input", "tests/fuzz/test_backup.py"
_NAMED = "a result, or a named error and its exit code; nothing outside of it is even opened"
READ = Row(
    _GROUP,
    "any files of a Backup Path are other bytes, other JSON, other files, links, pipes",
    "what `backup check` lists",
    _NAMED,
    _TEST,
)


@pytest.fixture(scope="module")
def seed(memory: Path) -> Path:
    make_backup(memory / "seed")
    return memory / "seed"


@pytest.mark.parametrize("destination", ["memory:", "maildir:"])
def test_any_backup_is_read_checked_and_restored_or_refused_by_name(
    seed: Path, memory: Path, outside: Path, destination: str
) -> None:
    def law(damages: list[Damage]) -> None:
        folder = Path(tempfile.mkdtemp(dir=memory))
        backup, journal = folder / "backup", folder / "r.db"
        shutil.copytree(seed, backup)
        where = destination + (str(folder / "mail") if destination == "maildir:" else "")
        for damage in damages:
            damage.apply(backup, outside)
        with untouched(outside):
            ask("backup", "info", backup)
            ask("backup", "check", backup, "--json")
            ask("backup", "accounts", backup, "--json")
            ask("plan", backup, where, "--json")
            done = ask("restore", backup, where, "--journal", journal)
            ask("report", "--journal", journal, "--json")
            assert ask("restore", backup, where, "--journal", journal).code == done.code
        shutil.rmtree(folder)
        ran(READ)

    holds(law, st.lists(tree_damages, min_size=1, max_size=3), 30)
