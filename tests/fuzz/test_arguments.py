"""Whatever stands on the command line is done, or refused as wrong usage."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import ask, holds
from fuzz.mutation import hostile_names
from fuzz.seeds import ANNA, make_backup

USAGE = Row(
    "9 bad input",
    "any value of any argument and option, and any bytes as a file of accounts",
    "nothing",
    "wrong usage (exit 2), a named error, or what was asked for",
    "tests/fuzz/test_arguments.py",
)

#: What an argument can hold: no NUL, and bytes that are no UTF-8 as Python shows them.
_texts = st.one_of(
    hostile_names.filter(lambda name: "\0" not in name and "\ud800" not in name),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.binary(min_size=1, max_size=6).map(lambda data: os.fsdecode(data.replace(b"\0", b"\xff"))),
    st.sampled_from(["~", "~nobody-of-this-name/x", "~root", "²", "٣", "1e9", "-0", "0x10", "+1"]),
)
_times = st.one_of(
    _texts,
    st.sampled_from(
        [
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.999999-23:59",
            "0001-01-01",
            "9999-12-31",
            "2026-W01",
            "20260101T000000Z",
            "2026-01-01T00:00:00+00:00:00.000001",
        ]
    ),
    st.datetimes().map(str),
)
_sizes = st.one_of(_texts, st.sampled_from(["9" * 15 + "G", "9" * 16, "-1", "1KB", "1.5G", " 1 "]))
_whos = st.one_of(_texts, st.sampled_from(["²:²", "99999999999999999999", "0:²", "root:", ":0"]))
_numbers = st.one_of(_texts, st.sampled_from(["0", "65", "9" * 5000]))
_OPTIONS: dict[str, st.SearchStrategy[str]] = {
    "--accounts": st.one_of(_texts, st.sampled_from([ANNA, "anna@example.com,,anna@example.com"])),
    "--domains": st.one_of(_texts, st.just("EXAMPLE.com")),
    "--at": _times,
    "--max-file-size": _sizes,
    "--owner": _whos,
    "--mountpoints": _texts,
    "--concurrent-accounts": _numbers,
    "--notifications": _texts,
}
_options = st.lists(
    st.sampled_from(sorted(_OPTIONS)).flatmap(
        lambda name: st.tuples(st.just(name), _OPTIONS[name])
    ),
    max_size=3,
).map(lambda pairs: [f"{name}={value}" for name, value in pairs])
_places = st.one_of(
    st.none(),
    _texts,
    _texts.map(lambda text: f"maildir:{text}"),
    _texts.map(lambda text: f"backup:{text}"),
    st.sampled_from(
        ["maildir:", "maildir", "backup:", "imap://x", "memory:x", "maildir:maildir:x"]
    ),
)


@pytest.fixture(scope="module")
def backup(memory: Path) -> Path:
    make_backup(memory / "backup")
    return memory / "backup"


@pytest.fixture
def _here(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, so that a relative path leads nowhere else; as nobody's home."""
    monkeypatch.chdir(tempfile.mkdtemp(dir=memory))
    monkeypatch.setenv("HOME", str(Path.cwd()))


@pytest.mark.usefixtures("_here")
def test_any_options_are_done_or_refused(backup: Path) -> None:
    def law(drawn: tuple[str, list[str], str | None, str | None, bytes | None]) -> None:
        verb, options, source, destination, accounts = drawn
        folder = Path(tempfile.mkdtemp(dir=Path.cwd()))
        if accounts is not None:
            (folder / "accounts").write_bytes(accounts)
            options = [*options, f"--input-file={folder / 'accounts'}"]
        if verb == "restore":
            options = [*options, f"--journal={folder / 'r.db'}"]
        if destination is None or destination.startswith("/"):
            destination = f"maildir:{folder / 'mail'}"
        where = (str(backup) if source is None else source, destination)
        for shown in ([], ["--json"]):
            ask(verb, *options, *shown, "--", *where)
        if (folder / "r.db").exists():
            for command in (["status"], ["report"], ["report", "--json"], ["resume"]):
                ask(*command, "--journal", folder / "r.db")
        ran(USAGE)

    files = st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"\xef\xbb\xbfanna@example.com", b"#\n", b"anna@example.com\x85\x00\n"]),
    )
    destinations = st.one_of(st.none(), st.none(), _places)
    sources = st.one_of(st.none(), st.none(), st.none(), _places)
    verbs = st.sampled_from(["restore", "plan"])
    drawn = st.tuples(verbs, _options, sources, destinations, st.one_of(st.none(), files))
    holds(law, drawn, 60)


@pytest.mark.usefixtures("_here")
def test_any_arguments_of_any_command_are_answered_or_refused(backup: Path) -> None:
    def law(drawn: tuple[list[str], list[str]]) -> None:
        command, arguments = drawn
        ask(*command, *arguments)
        ran(USAGE)

    anything = st.one_of(
        _texts.map(lambda text: text.replace("--to", "")),
        st.just(str(backup)),
        st.sampled_from(["--json", "--journal", "--", "-", "anna@example.com", ANNA, "400"]),
        _times.map(lambda text: f"--at={text}"),
        _texts.map(lambda text: f"--journal={text}"),
        _texts.map(lambda text: f"--digest={text}"),
    )
    commands = [
        ["backup", "info"],
        ["backup", "accounts"],
        ["backup", "folders"],
        ["backup", "item"],
        ["backup", "extract", "--to", "made"],
        ["backup", "check"],
        ["backup", "build"],
        ["journal", "show"],
        ["journal", "check"],
        ["journal", "export"],
        ["status"],
        ["report"],
        ["map"],
        ["resume"],
        ["abort"],
        ["destination", "dovecot-conf"],
        ["destination", "radicale-conf"],
    ]
    holds(law, st.tuples(st.sampled_from(commands), st.lists(anything, max_size=4)), 150)
