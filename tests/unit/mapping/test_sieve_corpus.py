"""Rule 9 on scripts as people and their tools write them.

`folders.json` tells by script, line and value which strings name a folder, or null
for a script that does not parse; a person went through it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from reinstate_service.mapping.filters import Redirected, redirect_filters
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.sieve.lexer import tokens, value

CORPUS = Path(__file__).parents[2] / "corpus" / "sieve"
FOLDERS: dict[str, list[tuple[int, str]] | None] = json.loads(
    (CORPUS / "folders.json").read_text(encoding="utf-8")
)
#: Strings of the corpus whose folder only a delivery or a person can tell.
UNDECIDED = {
    ("dovecot-encoded.sieve", "Money ${unicode:20AC}"),
    ("dovecot-ihave.sieve", "${x}Flagged"),
    ("dovecot-multiline-folder.sieve", "Strange\n"),
    ("dovecot-regex.sieve", "Tickets/${1}"),
    ("dovecot-variables.sieve", "Detail/${name}"),
    ("zimbra-variables.sieve", "Lists/${list}"),
}
SIEVEC = shutil.which("sievec")
#: What Dovecot leaves switched off, and some scripts of the corpus require.
EXTENSIONS = (
    "+mboxmetadata +servermetadata +editheader +spamtest +spamtestplus +virustest"
    " +special-use +vacation-seconds +vnd.dovecot.duplicate +imapflags +notify"
)
NEW = ("moved", "elsewhere")

each_script = pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.glob("*.sieve")))


def script(name: str) -> str:
    return (CORPUS / name).read_bytes().decode()


def segments(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.strip().split("/") if part)


def redirected(name: str) -> Redirected:
    """Every folder of the script redirected to one place."""
    redirects = {segments(text): NEW for _, text in FOLDERS[name] or [(1, "Work")]}
    return redirect_filters(script(name), redirects, Namespace())


def test_the_corpus_is_large_and_wholly_described() -> None:
    assert sorted(FOLDERS) == sorted(path.name for path in CORPUS.glob("*.sieve"))
    assert len(FOLDERS) >= 60
    texts = [script(name) for name in FOLDERS]
    assert any("\r\n" in text for text in texts)
    assert any(text and not text.endswith("\n") for text in texts)
    assert any(not unicodedata.is_normalized("NFC", text) for text in texts)
    assert "" in texts


@each_script
def test_it_lexes_losslessly(name: str) -> None:
    assert "".join(token.text for token in tokens(script(name))) == script(name)


@each_script
def test_a_redirect_changes_the_strings_that_name_its_folders_and_nothing_else(name: str) -> None:
    outcome = redirected(name)
    named = FOLDERS[name]
    if named is None:
        assert outcome.text == script(name)
        assert len(outcome.left) == 1
        return
    before, after = tokens(script(name)), tokens(outcome.text)
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    moving = [(line, text) for line, text in named if (name, text) not in UNDECIDED]
    assert [(old.line, value(old)) for old, _ in changed] == moving
    for old, new in changed:
        lead = value(old)[: len(value(old)) - len(value(old).lstrip("/"))]
        assert value(new) == lead + "/".join(NEW)
    assert [tuple(change[:2]) for change in outcome.changed] == moving
    assert [(name, left.text) for left in outcome.left] == [
        (name, text) for _, text in named if (name, text) in UNDECIDED
    ]


@each_script
def test_a_redirect_of_another_folder_changes_nothing(name: str) -> None:
    outcome = redirect_filters(script(name), {("Nobody files here",): NEW}, Namespace())
    assert outcome.text == script(name)
    assert not outcome.changed


def test_the_server_s_own_separator_is_read_and_written() -> None:
    outcome = redirect_filters(
        script("cyrus-basic.sieve"),
        {("INBOX", "Lists"): ("shared", "lists")},
        Namespace(separator="."),
    )
    assert [change.new for change in outcome.changed] == ["shared.lists.Example"]


@pytest.mark.skipif(
    SIEVEC is None, reason="needs Pigeonhole's sievec: apt-get install dovecot-sieve"
)
def test_where_pigeonhole_accepts_a_script_it_accepts_the_redirected_one(tmp_path: Path) -> None:
    accepted = [name for name in FOLDERS if refusal(script(name), name, tmp_path) is None]
    refused = {
        name: why
        for name in accepted
        if (why := refusal(redirected(name).text, name, tmp_path)) is not None
    }
    assert not refused
    assert len(accepted) >= 40, "sievec refuses most of the corpus: are its extensions missing?"


def refusal(text: str, name: str, folder: Path) -> str | None:
    """What sievec has against the script."""
    assert SIEVEC is not None
    path = folder / name
    path.write_bytes(text.encode())
    compiled = subprocess.run(
        [SIEVEC, "-x", EXTENSIONS, str(path), str(path.with_suffix(".svbin"))],
        capture_output=True,
        text=True,
        check=False,
    )
    return compiled.stderr if compiled.returncode else None
