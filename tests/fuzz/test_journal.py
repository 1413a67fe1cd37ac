"""Whatever bytes or rows a journal holds, every command answers, or names what is wrong."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import Answer, ask, holds, in_time
from fuzz.mutation import Bytes, byte_damages, hostile_names
from fuzz.seeds import make_backup

_GROUP, _TEST = "9 bad input", "tests/fuzz/test_journal.py"
_NAMED = "every command that reads or resumes answers, or ends with a named error and its code"
BYTES = Row(_GROUP, "any bytes of the journal, its WAL or its lock are others", "", _NAMED, _TEST)
ROWS = Row(_GROUP, "any field of any row of the journal is another", "", _NAMED, _TEST)

_COMMANDS = (
    ("status",),
    ("report",),
    ("report", "--json"),
    ("map",),
    ("journal", "check"),
    ("journal", "show"),
    ("doctor",),
    ("resume", "--quiet"),
    ("journal", "check"),
    ("abort",),
)


class Cell(NamedTuple):
    """A field of the table that stands at `table` among all becomes `value`."""

    table: float
    column: float
    row: float
    value: object


cells = st.builds(
    Cell,
    *[st.integers(0, 999).map(lambda number: number / 1000)] * 3,
    st.one_of(
        st.sampled_from([None, -1, 0, 1, 2**31, 2**63 - 1, -(2**63), 1.5, float("inf"), b"", b"\xff"]),
        hostile_names.filter(lambda name: not any("\ud800" <= one <= "\udfff" for one in name)),
        st.sampled_from(["{}", "[]", "null", '{"a":', '{"path":["..",".."]}', "[" * 50_000]),
    ),
)


@pytest.fixture(scope="module")
def restored(memory: Path) -> Path:
    """A folder with a backup, its tree and the journal of a restore of one account of two."""
    folder = memory / "restored"
    make_backup(folder / "backup")
    where = (folder / "backup", f"maildir:{folder / 'mail'}", "--journal", folder / "r.db")
    ask("restore", *where, "--accounts", "anna@example.com")
    return folder


def _every_command(memory: Path, restored: Path, damage: Callable[[Path], None]) -> list[Answer]:
    folder = Path(tempfile.mkdtemp(dir=memory))
    journal = folder / "r.db"
    shutil.copy(restored / "r.db", journal)
    damage(journal)
    told = [ask(*command, "--journal", journal) for command in _COMMANDS]
    shutil.rmtree(folder)
    return told


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


def test_any_row_is_read_or_a_named_error(memory: Path, restored: Path) -> None:
    def law(changes: list[Cell]) -> None:
        _every_command(memory, restored, lambda journal: _change(journal, changes))
        ran(ROWS)

    holds(law, st.lists(cells, min_size=1, max_size=2), 60)


def _change(journal: Path, changes: list[Cell]) -> None:
    with closing(sqlite3.connect(journal, isolation_level=None)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        tables = [
            name
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        for change in changes:
            table = tables[int(change.table * len(tables))]
            columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
            column = columns[int(change.column * len(columns))]
            (count,) = raw.execute(f"SELECT count(*) FROM {table}").fetchone()
            keys = [row[1] for row in raw.execute(f"PRAGMA table_info({table})") if row[5]]
            key = ", ".join(keys) or "rowid"
            try:
                raw.execute(
                    f"UPDATE OR REPLACE {table} SET {column} = ? WHERE ({key}) ="
                    f" (SELECT {key} FROM {table} LIMIT 1 OFFSET ?)",
                    (change.value, int(change.row * count)),
                )
            except sqlite3.IntegrityError:
                continue  # such a row SQLite itself does not keep
