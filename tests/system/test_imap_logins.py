"""How a live server is reached and logged in to; and where the secrets do not go."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from reinstate_journal.errors import DestinationError, ReinstateError
from reinstate_service.destination.imap.errors import LoginRefused, NotTrusted
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account, Filters
from running import run, start
from system.certificates import write_certificates
from system.dovecot import needs_dovecot, reachable_folder
from system.leaks import leaked, traces
from system.live import MASTER, WORD, LiveDovecot, live_server
from system.server import free_ports
from team import SECRET, write_backup

pytestmark = needs_dovecot

ALICE, BOB = "alice@example.test", "bob@example.test"
TLS = """
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
service imap-login {{
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""


@pytest.fixture(scope="module")
def live() -> Iterator[LiveDovecot]:
    with live_server([ALICE, BOB]) as server:
        yield server


@pytest.fixture(scope="module")
def secured() -> Iterator[tuple[LiveDovecot, int]]:
    """A server with TLS, and its port for imaps."""
    (port,) = free_ports(1)
    with reachable_folder() as folder:
        write_certificates(folder)
        live = LiveDovecot(folder, [ALICE, BOB], TLS.format(folder=folder, port=port))
        with live.dovecot:
            yield live, port


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_a_server_is_reached_by_tls_and_starttls_with_a_ca_of_ones_own(
    secured: tuple[LiveDovecot, int], scheme: str
) -> None:
    live, port = secured
    live.configure(tls="required", ca_file=str(live.folder / "ca.pem"))
    at = port if scheme == "imaps" else live.imap_port
    destination = open_destination(f"{scheme}://127.0.0.1:{at}", config=str(live.config))
    assert destination.has_account(ALICE)
    with destination.mailbox(ALICE) as mailbox:
        assert ("INBOX",) in {one.path for one in mailbox.folders()}
        assert mailbox.install_filters(Filters(incoming="keep;")) == ["incoming"]


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    secured: tuple[LiveDovecot, int], scheme: str
) -> None:
    live, port = secured
    live.configure(tls="required")
    at = port if scheme == "imaps" else live.imap_port
    destination = open_destination(f"{scheme}://127.0.0.1:{at}", config=str(live.config))
    with pytest.raises(NotTrusted, match="certificate"):
        destination.has_account(ALICE)


def test_nothing_is_said_in_the_clear_unless_that_is_asked_for(live: LiveDovecot) -> None:
    live.configure(tls="required")
    with pytest.raises(NotTrusted, match="STARTTLS"):
        live.destination().has_account(ALICE)
    live.configure()
    assert live.destination().has_account(ALICE)


def test_accounts_are_logged_in_to_on_their_behalf(live: LiveDovecot) -> None:
    live.configure(login={"method": "authzid", "user": MASTER})
    destination = live.destination()
    assert destination.has_account(ALICE)
    assert not destination.has_account("nobody@example.test")
    live.configure()


def test_accounts_are_logged_in_to_with_their_own_passwords(
    live: LiveDovecot, tmp_path: Path
) -> None:
    file = tmp_path / "passwords.csv"
    file.write_text(f"address,password\n{ALICE},{SECRET}\n{BOB},wrong\n", encoding="utf-8")
    file.chmod(0o600)
    live.configure(login={"method": "passwords", "file": str(file)})
    destination = live.destination()
    assert destination.has_account(ALICE)
    assert destination.has_domain("Example.TEST")
    assert not destination.has_domain("example.org")
    for address, told in ((BOB, "cannot log in"), ("carol@example.test", "no password for it")):
        assert not destination.has_account(address)
        with pytest.raises(LoginRefused, match=told):
            destination.put_account(Account(id="x", address=address))
    live.configure()


def test_a_server_that_is_not_there_ends_the_run(
    live: LiveDovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reinstate_service.destination.imap.session._CONNECTS", 2)
    (port,) = free_ports(1)
    destination = open_destination(f"imap://127.0.0.1:{port}", config=str(live.config))
    with pytest.raises(DestinationError, match="cannot be reached"):
        destination.has_account(ALICE)


@pytest.mark.parametrize("trace", [*traces(WORD)])
def test_a_secret_would_be_found_in_whatever_form_it_is_written(trace: bytes) -> None:
    written = [
        WORD,
        json.dumps({"reason": f"refused: {WORD}"}),
        msgspec.json.encode({"reason": f"refused: {WORD}"}),
        f"{('login', WORD)} {('login', WORD.encode())}",
        *(base64.b64encode(f"{user}\0{WORD}".encode()) for user in ("", "x", "xy")),
    ]
    assert any(trace in (one if isinstance(one, bytes) else one.encode()) for one in written)
    assert all(leaked(WORD, one) for one in written)


def test_no_secret_is_in_journal_output_report_or_process_list(
    live: LiveDovecot, tmp_path: Path
) -> None:
    live.configure()
    live.empty()
    write_backup(tmp_path / "backup")
    journal = tmp_path / "r.db"
    arguments = (
        *("restore", tmp_path / "backup", live.location, "--config", live.config),
        *("--journal", journal),
    )
    listed = ""
    process = start(*arguments)
    while process.poll() is None:
        ps = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
        listed += ps.stdout
    told = run(*arguments, expect=None) + run("report", "--journal", journal, "--json")
    told += run("journal", "events", "--journal", journal, expect=None)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("r.db*"))
    assert leaked(WORD, listed, told, kept) == []
    assert str(journal) in listed
    assert ALICE.encode() in kept


def test_no_secret_is_in_a_log_or_traceback(
    live: LiveDovecot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reinstate_service.destination.imap.session._TRIES", 1)
    live.configure()
    with caplog.at_level(logging.DEBUG):
        destination = live.destination()
        assert destination.has_account(ALICE)
        try:
            destination.put_account(Account(id="x", address="nobody@example.test"))
        except ReinstateError:
            told = traceback.format_exc()
        monkeypatch.setattr(
            "reinstate_service.destination.imap.connection.is_later", lambda _: 1 / 0
        )
        try:
            destination.put_account(Account(id="x", address="nobody@example.test"))
        except ZeroDivisionError:
            told += traceback.format_exc()
    assert "ZeroDivisionError" in told
    assert leaked(WORD, told, caplog.text) == []
