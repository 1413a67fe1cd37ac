"""Whatever bytes a journal holds, every command answers, or names what is wrong."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import ask, holds
from fuzz.mutation import Bytes, byte_damages
from fuzz.seeds import make_backup

_GROUP, _TEST = "9 bad input", "tests/fuzz/test_journal.py"
_NAMED = "every command that reads or resumes answers, or ends with a named error and its code"
BYTES = Row(
    _GROUP, "any bytes of the journal, its WAL or its lock are others", "the damage", _NAMED, _TEST
)
_COMMANDS = (
    ("status",),
    ("report",),
    ("report", "--json"),
    ("map",),
    ("journal", "check"),
    ("journal", "show"),
    ("resume", "--quiet"),
    ("journal", "check"),
    ("abort",),
)


@pytest.fixture(scope="module")
def restored(memory: Path) -> Path:
    """A folder with a backup, its tree and the journal of a restore of one account of two."""
    folder = memory / "restored"
    make_backup(folder / "backup")
    where = (folder / "backup", f"maildir:{folder / 'mail'}", "--journal", folder / "r.db")
    ask("restore", *where, "--accounts", "anna@example.com")
    return folder


def _every_command(memory: Path, restored: Path, damage: Callable[[Path], None]) -> None:
    folder = Path(tempfile.mkdtemp(dir=memory))
    journal = folder / "r.db"
    shutil.copy(restored / "r.db", journal)
    damage(journal)
    for command in _COMMANDS:
        ask(*command, "--journal", journal)
    shutil.rmtree(folder)


def test_any_bytes_are_a_journal_or_a_named_error(memory: Path, restored: Path) -> None:
    def law(drawn: tuple[str, list[Bytes]]) -> None:
        suffix, damages = drawn

        def damage(journal: Path) -> None:
            path = journal.with_name(journal.name + suffix)
            content = path.read_bytes() if path.exists() else b"\x37\x7f\x06\x82" + bytes(64)
            for one in damages:
                content = one.on(content)
            path.write_bytes(content)

        _every_command(memory, restored, damage)
        ran(BYTES)

    suffixes = st.sampled_from(["", "", "", "-wal", "-shm", ".lock"])
    holds(law, st.tuples(suffixes, st.lists(byte_damages, min_size=1, max_size=3)), 40)
