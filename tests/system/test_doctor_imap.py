"""`reinstate doctor imaps://HOST`: what a live server can do, and what a restore lacks there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from running import run
from system.certificates import write_certificates
from system.cyrus import needs_cyrus
from system.dovecot import needs_dovecot, reachable_folder
from system.leaks import leaked
from system.live import WORD, LiveDovecot, LiveServer
from system.live_cyrus import live_cyrus
from system.server import free_ports
from system.test_imap_logins import TLS

ALICE, BOB = "alice@example.test", "bob@example.test"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[tuple[LiveDovecot, str]]:
    """A server with TLS, and where it is."""
    (port,) = free_ports(1)
    with reachable_folder() as folder:
        write_certificates(folder)
        live = LiveDovecot(folder, [ALICE, BOB], TLS.format(folder=folder, port=port))
        with live.dovecot:
            yield live, f"imaps://127.0.0.1:{port}"


def asked(live: LiveServer, location: str, expect: int = 0) -> dict[str, tuple[str, str]]:
    """What is found of the server: state and text."""
    journal = live.folder / "none.db"
    arguments = ("doctor", location, "--config", live.config, "--journal", journal)
    told = run(*arguments, "--json", expect=expect)
    assert leaked(WORD, told, run(*arguments, expect=expect)) == []
    assert not journal.exists()
    return {one["what"]: (one["state"], one["text"]) for one in json.loads(told)}


@needs_dovecot
def test_a_dovecot_is_trusted_lets_its_accounts_in_and_can_do_everything(
    dovecot: tuple[LiveDovecot, str],
) -> None:
    live, location = dovecot
    live.configure(tls="required", ca_file=str(live.folder / "ca.pem"))
    found = asked(live, location)
    assert found["tls"] == ("ok", "TLSv1.3, with a certificate that is trusted")
    assert found["login"] == ("ok", f"{ALICE}, by master")
    for what in ("batches", "literals", "fences", "relocation", "grants", "room"):
        assert found[what][0] == "ok"
    assert found["rights"] == ("ok", f"lrwstipekxacd in the INBOX of {ALICE}")
    assert found["names"] == ("ok", "/ between folders")
    assert found["others' folders"] == ("ok", "shown at shared/{domain}/{local}")
    assert "fileinto" in found["filters"][1]
    assert found["quotas"][0] == found["before"][0] == "note"


@needs_dovecot
def test_a_server_that_is_not_trusted_or_not_there_is_a_problem(
    dovecot: tuple[LiveDovecot, str],
) -> None:
    live, location = dovecot
    live.configure(tls="required")
    state, text = asked(live, location, expect=1)["server"]
    assert (state, "certificate" in text) == ("problem", True)
    (port,) = free_ports(1)
    state, text = asked(live, f"imaps://127.0.0.1:{port}", expect=1)["server"]
    assert (state, "cannot be reached" in text) == ("problem", True)


@needs_dovecot
def test_a_login_that_is_refused_is_a_problem(dovecot: tuple[LiveDovecot, str]) -> None:
    live, _ = dovecot
    live.configure(login={"method": "master", "user": "nobody"})
    found = asked(live, live.location, expect=1)
    assert found["tls"][0] == "note"
    state, text = found["login"]
    assert (state, "cannot log in" in text) == ("problem", True)
    assert "batches" not in found


@needs_dovecot
def test_a_master_user_without_the_owners_rights_is_a_problem() -> None:
    with reachable_folder() as folder:
        live = LiveDovecot(folder, [ALICE], "plugin {\n  acl_user = admin\n}\n")
        with live.dovecot:
            live.configure()
            state, text = asked(live, live.location, expect=1)["rights"]
    assert state == "problem"
    assert "only none in the INBOX" in text
    assert "acl_user = %u" in text


@needs_cyrus
def test_a_cyrus_is_examined_as_well() -> None:
    with live_cyrus([ALICE]) as live:
        found = asked(live, live.location)
        assert found["rights"][0] == found["quotas"][0] == "ok"
        assert found["others' folders"] == ("ok", "shown at Other Users/{local}")
        assert found["names"] == (
            "note",
            'no name holds one of ! " % ; < > \\ ^ ` { | } - they are replaced',
        )
        assert found["message size"] == ("ok", "up to 4,294,967,295 bytes (APPENDLIMIT)")


def test_a_server_needs_a_configuration() -> None:
    run("doctor", "imaps://mail.example.com", expect=2)
