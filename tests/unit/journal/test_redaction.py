"""A redacted journal has nobody's data, tells the same story, and its chain can be checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import telling
from reinstate_journal import open_journal, open_reader
from reinstate_journal.chain import link
from reinstate_journal.check import check, check_redacted
from reinstate_journal.errors import UsageError
from reinstate_journal.events import (
    CATALOGUE,
    DistributionListCreated,
    ProvisioningFailed,
    RunStarted,
    restore_stream,
)
from reinstate_journal.redaction import Pseudonyms, redact, redact_journal
from reinstate_service.operations.report import make_report
from reinstate_service.restore.options import Options

KEY = b"k" * 32
#: What stands in the scene and belongs to somebody.
PERSONAL = ("alice", "bob", "example.test", "Work", "Team", "M1P1", "moved from", "/mail")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    telling.write_scene(folder)
    return folder / "reinstate.db"


@pytest.fixture
def shared(scene: Path, tmp_path: Path) -> Path:
    with open_reader(scene) as reader:
        redact_journal(reader, tmp_path / "shared.db", tmp_path / "chains", KEY)
    return tmp_path / "shared.db"


def test_nothing_of_anybody_is_left_in_any_byte_of_it(shared: Path, scene: Path) -> None:
    before = scene.read_bytes() + scene.with_name("reinstate.db-wal").read_bytes()
    after = shared.read_bytes() + (shared.parent / "chains").read_bytes()
    for text in PERSONAL:
        assert text.encode() in before, text
        assert text.encode() not in after, text


def test_it_is_a_sound_journal_that_reports_the_same_numbers(shared: Path, scene: Path) -> None:
    assert check(shared) == []
    with open_reader(shared) as copy, open_reader(scene) as original:
        redacted, whole = make_report(copy), make_report(original)
        kinds = [(row.stream, row.type, row.recorded_at) for row in copy.read()]
        assert kinds == [(row.stream, row.type, row.recorded_at) for row in original.read()]
    assert redacted.totals == whole.totals
    assert len(redacted.accounts) == len(whole.accounts)
    assert [one.failure for one in redacted.failures] == [one.failure for one in whole.failures]


def test_it_is_the_same_again_with_the_same_key_and_another_with_another(
    scene: Path, shared: Path, tmp_path: Path
) -> None:
    with open_reader(scene) as reader, open_reader(shared) as copy:
        again = redact_journal(reader, tmp_path / "again.db", tmp_path / "again", KEY)
        assert again == copy.head()
        other = redact_journal(reader, tmp_path / "other.db", tmp_path / "other", b"x" * 32)
        assert other != again


def test_its_chain_is_checked_against_the_originals_event_by_event(shared: Path) -> None:
    lines = (shared.parent / "chains").read_bytes().splitlines()
    with open_reader(shared) as copy:
        assert check_redacted(copy, lines) == []
        assert check_redacted(copy, lines[:-1]) != []
        changed = [lines[0], lines[1].replace(b'"redacted":"', b'"redacted":"00'), *lines[2:]]
        (finding,) = check_redacted(copy, changed)
        assert finding.position == 2
        assert check_redacted(copy, [b"{}", *lines[1:]]) != []


def test_one_event_that_is_disclosed_can_be_proved_by_the_chains(scene: Path, shared: Path) -> None:
    lines = (shared.parent / "chains").read_text().splitlines()
    chains = {row["position"]: bytes.fromhex(row["chain"]) for row in map(json.loads, lines)}
    with open_reader(scene) as reader:
        (row,) = reader.read(after=24, limit=1)
    proved = link(
        chains[row.position - 1],
        row.position,
        row.stream.encode(),
        row.version,
        row.type.encode(),
        row.schema,
        row.recorded_at,
        row.data.encode(),
    )
    assert proved == chains[row.position]


def test_a_copy_never_replaces_a_file(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with open_reader(scene) as reader:
        for to, chains in (("there", "new"), ("new", "there")):
            with pytest.raises(UsageError):
                redact_journal(reader, tmp_path / to, tmp_path / chains, KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from texts(one)


@pytest.mark.parametrize("name", sorted(CATALOGUE.types))
def test_every_event_can_be_redacted_and_keeps_no_free_text(name: str) -> None:
    kind = CATALOGUE.types[name]
    filled = {field.name: _value(str(field.type)) for field in msgspec.structs.fields(kind)}
    event = msgspec.convert(filled, kind)
    redacted = redact(event, Pseudonyms(KEY))
    assert type(redacted) is kind
    kept = {"restore", "server_id", "product", "destination_id", "version", "outcome", "occasion"}
    kept |= {"account", "item", "folder", "folders", "mountpoint", "failure", "kind", "what", "was"}
    free = {
        field: value for field, value in msgspec.to_builtins(redacted).items() if field not in kept
    }
    if name in {"FolderMapped", "MountpointMapped", "ItemSkipped", "ItemReopened"} | {
        "AccountSkipped"
    }:
        free.pop("reason")
    assert not [text for text in texts(free) if "secret" in text]


_FILLED = {
    "FilterChange": [{"line": 1, "old": "secret", "new": "secret"}],
    "FilterLeft": [{"line": 1, "text": "secret", "reason": "secret"}],
    "IntendedItem": [{"item": "7", "folder": "2", "digest": "secret", "size": 1}],
    "dict": {"source": "secret", "accounts": ["secret@secret"], "filter_deleted": False},
    "Outcome": "failed",
    "tuple[int": [7],
    "tuple": ["secret of secret"],
    "bool": True,
    "int": 7,
    "str": "secret@secret",
}


def _value(kind: str) -> object:
    """Something for a field of that type, with a secret wherever there is a text."""
    return next(value for name, value in _FILLED.items() if name in kind)


def test_steps_and_options_still_mean_the_same() -> None:
    names = Pseudonyms(KEY)
    failed = redact(
        ProvisioningFailed(ended="list team@example.com", failure="Missing", reason="why"), names
    )
    made = redact(DistributionListCreated(name="team@example.com"), names)
    assert failed.step() == made.step()
    options = Options(source="/srv/b", destination="maildir:/m", accounts=("a@b.c",), at=7)
    started = redact(RunStarted(run=1, epoch=1, version="1", options=options.recorded()), names)
    assert isinstance(started, RunStarted)
    assert Options.from_record(started.options).at == 7


def test_an_empty_journal_can_be_redacted(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j.db") as journal:
        assert journal.version(restore_stream("x")) == 0
        head = redact_journal(journal, tmp_path / "r.db", tmp_path / "c", KEY)
    assert head.position == 0
    assert check(tmp_path / "r.db") == []
