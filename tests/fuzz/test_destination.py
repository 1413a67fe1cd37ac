"""Links that somebody has planted in the destination lead nothing out of it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from crash.matrix import Row, ran
from fuzz.laws import ask, in_time, untouched
from fuzz.mutation import below
from fuzz.seeds import make_backup

LINKS = Row(
    "9 bad input",
    "any file or folder of the destination is a link that leads out of it",
    "the link",
    "a result, or a named error; nothing outside is opened, read or written",
    "tests/fuzz/test_destination.py",
)


@pytest.fixture(scope="module")
def half(memory: Path) -> Path:
    """A folder with a backup, and a tree and journal of a restore that has its folders only."""
    folder = memory / "half"
    make_backup(folder / "backup")
    where = (folder / "backup", f"maildir:{folder / 'mail'}", "--journal", folder / "r.db")
    assert ask("restore", *where).code == 0
    # A database that is no destination yet: whoever opens it would make tables in it.
    with closing(sqlite3.connect(folder / "empty.sqlite")) as empty:
        empty.execute("VACUUM")
    return folder


def test_no_planted_link_is_followed_out_of_the_destination(
    half: Path, memory: Path, outside: Path
) -> None:
    """Every file and folder of a restored tree in turn, then a restore with a new journal."""
    tree = half / "mail"
    shutil.copy(half / "empty.sqlite", outside / "database")
    for place in [path.relative_to(tree) for path in below(tree)]:
        folder = Path(tempfile.mkdtemp(dir=memory))
        shutil.copytree(tree, folder / "mail", symlinks=True)
        planted = folder / "mail" / place
        target = outside
        if planted.is_dir() and not planted.is_symlink():
            shutil.rmtree(planted)
        else:
            planted.unlink()
            target = outside / ("database" if planted.suffix == ".sqlite" else "secret")
        planted.symlink_to(target)
        with untouched(outside), in_time():
            ask("restore", half / "backup", f"maildir:{folder / 'mail'}", "--journal", folder / "r")
        shutil.rmtree(folder)
        ran(LINKS)
