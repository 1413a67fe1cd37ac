"""The documents say what the code does."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import generated
from commands import whole_command
from crash.matrix import rows
from reinstate_service.operations.sample import build_sample, demo_messages
from running import COMMAND
from unit.cli.waiting import wait_for_the_first_item

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/**/*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The code blocks of a page: language and text."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def command_lines() -> Iterator[tuple[str, str]]:
    """Every line of a code block that calls reinstate, every call in running text that has
    more than a verb, and the examples in the help; each with where it stands."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if page.name != "cli.md":
            for called in re.findall(r"`(reinstate [a-z][^`\n]*)`", text):
                yield page.name, called
        for _, block in blocks(page):
            for indented in block.splitlines():
                line = indented.strip().removeprefix("$ ")
                if line.startswith("reinstate ") and "COMMAND [ARGS]" not in line:
                    yield page.name, line


@pytest.mark.parametrize("name", sorted(generated.PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    made = generated.PAGES[name]()
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == made, "run make docs"


def test_the_generated_pages_do_not_depend_on_who_makes_them() -> None:
    code = "import generated; print(*(page() for page in generated.PAGES.values()), end='')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "tests",
        env={**os.environ, "COLUMNS": "40", "REINSTATE_JOURNAL": "mine.db"},
    )
    assert done.stdout == " ".join(page() for page in generated.PAGES.values())


def test_every_row_of_the_fault_matrix_stands_in_the_table_with_what_was_run() -> None:
    page = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8")
    matrix = page.partition("<!-- matrix: begin -->")[2].partition("<!-- matrix: end -->")[0]
    for row in rows():
        held = re.escape(f"| {row.fault} | {row.seen} | {row.holds} |")
        assert re.search(rf"^{held}.*\| [1-9][\d,]* \| all held \|$", matrix, re.MULTILINE), row.key
    assert matrix.count("| all held |") == len(rows()), "a row of the table is no longer tested"


def test_every_verb_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, command in whole_command().commands.items():
        for verb in (name, *(f"{name} {below}" for below in getattr(command, "commands", {}))):
            assert f"\n## reinstate {verb}\n" in page


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_every_command_in_the_documents_is_one_that_reinstate_knows(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    end = next((place for place, word in enumerate(words) if word in {"|", ">", "&&"}), None)
    command, name = whole_command(), "reinstate"
    rest = words[:end]
    while rest and rest[0] in getattr(command, "commands", {}):
        command, name = command.commands[rest[0]], f"{name} {rest[0]}"
        rest = rest[1:]
    assert name != "reinstate" or rest[:1] == ["--version"], f"{page}: no such verb: {line}"
    if not rest and page != "README.md":
        return  # the verb alone, named in running text
    try:
        command.make_context(name, [*rest])
    except typer.TyperException as error:
        told = error.format_message()
        assert "does not exist" in told or ("Missing" in told and not rest), f"{page}: {line}"


def test_every_make_target_in_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test"} <= named
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_every_link_between_documents_resolves() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_the_transcript_in_the_readme_is_what_really_happens(tmp_path: Path) -> None:
    """Runs it. A command that the transcript shows as killed is killed when the
    journal has its first item."""
    build_sample(tmp_path / "backup", demo_messages())
    (transcript,) = [text for language, text in blocks(README) if language == "console"]
    for shown in re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]:
        line, *wanted = shown.rstrip().splitlines()
        ends = "Killed" in wanted
        out = _run(shlex.split(line)[1:], tmp_path, kill=ends)
        happened = {_plain(text, tmp_path) for text in out.splitlines()}
        for text in wanted:
            if text != "Killed" and not re.fullmatch(r" *\.\.\. \d+ more \.\.\.", text):
                assert _plain(text, tmp_path) in happened, f"{line}\n{text}\n\n{out}"


def _run(arguments: list[str], folder: Path, *, kill: bool) -> str:
    environment = {name: text for name, text in os.environ.items() if name != "REINSTATE_JOURNAL"}
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        if kill:
            wait_for_the_first_item(folder / "r.db", running)
            running.kill()
        out, _ = running.communicate(timeout=60)
    assert running.returncode == (-signal.SIGKILL if kill else 3), out.decode()
    return out.decode()


def _plain(text: str, folder: Path) -> str:
    """A line without what differs from run to run: times, ids, and where it was."""
    text = text.replace(str(folder), "/tmp/tr")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", text)
    text = re.sub(r"\b[0-9a-f]{12,16}\b", "ID", text)
    text = re.sub(r"\d+ s in all", "N s in all", text)
    return re.sub(r"\d+ events", "N events", text)
