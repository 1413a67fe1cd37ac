"""Whatever bytes a journal holds, every command answers, or names what is wrong."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import ask, holds
from fuzz.mutation import Bytes, byte_damages, hostile_names
from fuzz.seeds import make_backup

_GROUP, _TEST = "9 bad input", "tests/fuzz/test_journal.py"
_NAMED = "every command that reads or resumes answers, or ends with a named error and its code"
BYTES = Row(
    _GROUP, "any bytes of the journal, its WAL or its lock are others", "the damage", _NAMED, _TEST
)
ROWS = Row(_GROUP, "any field of any row of the journal is another", "the damage", _NAMED, _TEST)
_COMMANDS = (
    ("status",),
    ("report",),
    ("report", "--json"),
    ("report", "--csv", "items"),
    ("report", "--html", "{folder}/report.html"),
    ("explain", "anna@example.com", "257"),
    ("explain", "anna@example.com", "1000"),
    ("explain", "anna@example.com", "incoming"),
    ("journal", "redact", "{folder}/redacted.db"),
    ("map",),
    ("journal", "check"),
    ("journal", "show"),
    ("resume", "--quiet"),
    ("verify", "--quiet"),
    ("journal", "check"),
    ("abort",),
)


class Field(NamedTuple):
    """One field becomes `value`: that of the table, column and row at these places of the whole,
    0.0 for the first."""

    table: float
    column: float
    row: float
    value: object


_places = st.floats(0, 1, exclude_max=True)
_values = st.one_of(
    st.sampled_from([None, -1, 0, 1, 2**31, 2**63 - 1, -(2**63), 1.5, float("inf"), b"", b"\xff"]),
    st.sampled_from(["{}", "[]", "null", '{"a":', '{"path":["..",".."]}', "[" * 50_000]),
    # SQLite's own text cannot be made of lone surrogates.
    hostile_names.filter(
        lambda name: name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)
    ),
)
fields = st.builds(Field, _places, _places, _places, _values)


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
        ask(*(word.format(folder=folder) for word in command), "--journal", journal)
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


def test_any_row_is_read_or_a_named_error(memory: Path, restored: Path) -> None:
    def law(changes: list[Field]) -> None:
        _every_command(memory, restored, lambda journal: _change(journal, changes))
        ran(ROWS)

    holds(law, st.lists(fields, min_size=1, max_size=2), 60)


def _change(journal: Path, changes: list[Field]) -> None:
    with closing(sqlite3.connect(journal, isolation_level=None)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        tables = [
            name
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        for change in changes:
            table = tables[int(change.table * len(tables))]
            columns = raw.execute(f"PRAGMA table_info({table})").fetchall()
            column = columns[int(change.column * len(columns))][1]
            key = ", ".join(each[1] for each in columns if each[5]) or "rowid"
            (count,) = raw.execute(f"SELECT count(*) FROM {table}").fetchone()
            with suppress(sqlite3.IntegrityError):  # SQLite itself keeps no such row
                raw.execute(
                    f"UPDATE {table} SET {column} = ? WHERE ({key}) ="
                    f" (SELECT {key} FROM {table} LIMIT 1 OFFSET ?)",
                    (change.value, int(change.row * count)),
                )
