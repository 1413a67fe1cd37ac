"""A verification on a live server, after a user's own client has been at work there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

import oracle
from reinstate_service.operations.sample import build_sample, demo_messages
from running import run
from system.dovecot import needs_dovecot
from system.live import MASTER, WORD, LiveServer, live_server

pytestmark = needs_dovecot
DIETER = "dieter@example.com"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    sample = build_sample(tmp_path / "backup", demo_messages())
    with live_server(one.address for one in oracle.restored_accounts(sample)) as server:
        run(
            *("restore", sample.path, server.location, "--config", server.config),
            *("--journal", server.folder / "r.db", "--accounts", DIETER),
            expect=3,
        )
        yield server


def verify(live: LiveServer, expect: int) -> dict[str, Any]:
    journal = live.folder / "r.db"
    answer = run("verify", "--deep", "--json", "--journal", journal, expect=expect)
    found: dict[str, Any] = json.loads(answer)
    return found


def test_what_a_client_moves_flags_copies_and_deletes_is_told_by_content(live: LiveServer) -> None:
    assert verify(live, expect=0)["findings"] == []
    with IMAPClient("127.0.0.1", live.imap_port, ssl=False) as client:
        client.plain_login(f"{DIETER}*{MASTER}", WORD)
        client.select_folder("Junk")
        client.move([client.search()[0]], "Work")
        client.select_folder("Drafts")
        client.add_flags([client.search()[0]], ["\\Flagged", "later"])
        client.select_folder("Sent")
        client.copy([client.search()[0]], "Archive")
        client.select_folder("Trash")
        client.delete_messages([client.search()[0]])
        client.expunge()
        client.rename_folder("v1.2", "v1.3")
    findings = verify(live, expect=3)["findings"]
    told = {
        (one["kind"], one["what"], "/".join(one["path"]), one.get("detail", "")) for one in findings
    }
    duplicate = next(one["detail"] for one in findings if one["kind"] == "extra")
    assert duplicate.startswith("a duplicate of item ")
    assert told == {
        ("changed", "item", "Work", "moved from Junk"),
        ("changed", "item", "Drafts", "flags +\\Flagged; keywords +later"),
        ("extra", "item", "Archive", duplicate),
        ("missing", "item", "Trash", ""),
        ("changed", "folder", "v1.3", "renamed to v1.3"),
    }
