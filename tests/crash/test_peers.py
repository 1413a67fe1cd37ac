"""The comparison with other tools is a fair one, and finds what it looks for."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest
from tests.bench.comparing import Difference, compare
from tests.bench.kills import measure, messages, run_to_its_end
from tests.bench.peers import PAGE, between_the_marks, section
from tests.bench.tools import (
    ACCOUNT,
    PASSWORD,
    TOOLS,
    DoveadmImport,
    Mbsync,
    Reinstate,
    Sources,
    Tool,
    write_sources,
)
from tests.system.dovecot import needs_dovecot, reachable_folder

needs_mbsync = pytest.mark.skipif(
    shutil.which("mbsync") is None, reason="needs mbsync: apt-get install isync"
)
WANTED = messages(150)
CLEAN = Difference(lost=0, doubled=0, altered=0)


@pytest.fixture(scope="module")
def sources(memory_folder: Path) -> Sources:
    return write_sources(memory_folder, WANTED)


@needs_dovecot
@pytest.mark.parametrize(
    "kind", [Reinstate, pytest.param(Mbsync, marks=needs_mbsync), DoveadmImport]
)
def test_a_tool_is_killed_and_what_became_of_the_messages_is_told(
    kind: type[Tool], sources: Sources
) -> None:
    measured = measure(kind, sources, WANTED, kills=1)
    assert len(measured.killed) == 1
    assert measured.whole.standing == len(WANTED)
    assert measured.whole.difference._replace(altered=0) == CLEAN, "it had no fair chance"
    shown = section([measured], len(WANTED), datetime.date(2026, 1, 6))
    assert f"\n| {kind.name}, not killed | 1 | 0 | 0 | 150 | 0 | 0 | " in shown
    if kind is Reinstate:
        assert [(case.difference, case.added) for case in measured.cases] == [(CLEAN, 0)] * 2


@needs_dovecot
def test_lost_doubled_and_altered_messages_are_found(sources: Sources) -> None:
    """One, two and three of them, planted by hand."""
    with reachable_folder() as folder, DoveadmImport(sources, folder) as tool:
        run_to_its_end(tool)
        with tool.server.imap(ACCOUNT.address, PASSWORD) as client:
            client.select_folder("INBOX")
            last = client.search()[-4:]
            gone = client.fetch(last, ["BODY.PEEK[]"])
            client.delete_messages(last)
            client.expunge()
            for number in last[:3]:
                client.append("INBOX", b"X-TUID: abcdefghijkl\r\n" + gone[number][b"BODY[]"])
            for content in WANTED[-6:-4]:
                client.append("INBOX", content)
        assert compare(WANTED, tool.messages()) == Difference(lost=1, doubled=2, altered=3)


def test_a_message_without_an_id_is_known_by_its_body() -> None:
    wanted, altered = b"Subject: x\n\nbody\n", b"Subject: x\nX-TUID: abc\n\nbody\n"
    assert compare([wanted, wanted], [wanted, altered]) == Difference(0, 0, 1)
    assert compare([wanted], [altered, wanted]) == Difference(0, 1, 0)
    assert compare([wanted], [wanted.replace(b"\n", b"\r\n")]) == CLEAN
    assert compare([wanted], [b"Subject: x\n\nanother\n"]) == Difference(1, 1, 0)


def test_the_published_table_is_of_these_commands_and_clean_for_ours() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert between_the_marks(between_the_marks(page, "a"), "b") == between_the_marks(page, "b")
    for tool in TOOLS:
        assert f"`{tool.shown}`" in page
        assert f"\n| {tool.name} | " in page
    (ours,) = [line for line in page.splitlines() if line.startswith("| reinstate | ")][:1]
    assert ours.endswith("| 0 | 0 | 0 | 0 |")
