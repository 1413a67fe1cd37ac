"""Whatever stands in a folder of archives, reading and restoring it ends in a named outcome."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from archives import directory
from archives.example import build
from archives.writer import Mailbox, message, tgz
from fuzz.laws import ask, holds, untouched
from fuzz.mutation import OUTSIDE, Bytes, Value, byte_damages, value_damages
from reinstate_service.source.archives.bencode import decode, encode
from reinstate_service.source.contract import RecordMalformed

ARCHIVE = "anna@example.com.tgz"


def _mailbox() -> list[tuple[str, bytes]]:
    box = Mailbox.with_folders()
    box.container(1, "Team", vt=5, c=5)
    box.container(13, "Bruno's", aid=directory.BRUNO, id=2)
    box.container(2, "Search", q="x", t="message")
    box.container(3, "tag")
    box.message(2, message(1), tags=("tag",))
    box.contact(7, {"lastName": "Doe", "email": "doe@example.com"})
    box.document(16, "plan.odt", b"one", b"two")
    return box.entries()


ENTRIES = _mailbox()
RECORDS = [at for at, (name, _) in enumerate(ENTRIES) if name.endswith(".meta")]


@pytest.fixture(scope="module")
def seed(memory: Path) -> Path:
    return build(memory / "archives").path


def _answers(folder: Path) -> None:
    """Asks everything that there is to ask; a second restore ends as the first."""
    source, journal = f"archives:{folder / 'archives'}", folder / "r.db"
    where = f"maildir:{folder / 'mail'}"
    ask("backup", "info", source, "--json")
    ask("backup", "accounts", source, "--json")
    ask("plan", source, where, "--json")
    done = ask("restore", source, where, "--journal", journal)
    ask("report", "--journal", journal, "--json")
    assert ask("restore", source, where, "--journal", journal).code == done.code


def _tried(memory: Path, outside: Path, change: Callable[[Path], None], seed: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=memory))
    shutil.copytree(seed, folder / "archives")
    change(folder / "archives")
    with untouched(outside):
        _answers(folder)
    shutil.rmtree(folder)


def test_files_of_any_bytes_are_restored_or_refused_by_name(
    seed: Path, memory: Path, outside: Path
) -> None:
    names = sorted(file.name for file in seed.iterdir())

    def law(damages: list[tuple[str, Bytes]]) -> None:
        def change(archives: Path) -> None:
            for name, damage in damages:
                file = archives / name
                file.write_bytes(damage.on(file.read_bytes()))

        _tried(memory, outside, change, seed)

    damages = st.tuples(st.sampled_from(names), byte_damages)
    holds(law, st.lists(damages, min_size=1, max_size=3), 10)


def test_records_of_any_values_are_restored_or_refused_by_name(
    seed: Path, memory: Path, outside: Path
) -> None:
    def law(damages: list[tuple[int, bool, Value]]) -> None:
        entries = list(ENTRIES)
        for number, inner, damage in damages:
            at = RECORDS[number]
            name, record = entries[at]
            entries[at] = (name, _inside(record, damage) if inner else damage.on(record))

        def change(archives: Path) -> None:
            aimed = [
                (name, data.replace(OUTSIDE.encode(), bytes(outside))) for name, data in entries
            ]
            (archives / ARCHIVE).write_bytes(tgz(aimed))

        _tried(memory, outside, change, seed)

    damages = st.tuples(st.sampled_from(range(len(RECORDS))), st.booleans(), value_damages)
    holds(law, st.lists(damages, min_size=1, max_size=4), 20)


def _inside(record: bytes, damage: Value) -> bytes:
    """The record with its metadata damaged; as it was where it holds none that can be written."""
    try:
        meta = json.loads(record)
        metadata = json.loads(damage.on(json.dumps(decode(meta["metadata"])).encode()))
        return json.dumps({**meta, "metadata": encode(metadata)}).encode()
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, RecordMalformed):
        return record
