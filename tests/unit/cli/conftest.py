"""One restored sample that the tests of the command line look at, and how they ask."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from reinstate_cli.main import answer
from reinstate_service.operations.sample import Sample, build_sample, demo_messages
from reinstate_service.restore.options import Options
from running import restore_here


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Ask = Callable[..., Answer]


class Restored(NamedTuple):
    """A sample, where it was restored to, and by which journal. Tests only read it."""

    sample: Sample
    backup: Path
    tree: Path
    journal: Path


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return build_sample(tmp_path_factory.mktemp("sample") / "backup", demo_messages())


@pytest.fixture(scope="session")
def restored(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Restored:
    folder = tmp_path_factory.mktemp("restored")
    tree, journal = folder / "mail", folder / "reinstate.db"
    restore_here(journal, Options(source=sample.path, destination=f"maildir:{tree}"))
    return Restored(sample, Path(sample.path), tree, journal)


@pytest.fixture
def ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Ask]:
    """Asks the command in this process, in an empty folder; a traceback is always wrong."""
    monkeypatch.delenv("REINSTATE_JOURNAL", raising=False)
    before = Path.cwd()
    os.chdir(tmp_path)

    def asking(*arguments: str | Path) -> Answer:
        code = answer([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err, err
        return Answer(code, out, err)

    yield asking
    os.chdir(before)
