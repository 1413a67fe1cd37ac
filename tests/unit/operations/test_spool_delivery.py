"""Mail goes out over an encrypted connection to a server that proves who it is."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from reinstate_service.operations.spool.delivery import NotDelivered, run_command, send_mail
from reinstate_service.operations.spool.messages import Message
from reinstate_service.operations.spool.settings import Smtp
from reinstate_service.secret import SecretPlace
from spooling import free_port, mail_server
from system.certificates import write_certificates

MESSAGE = Message("move", "started", "move: started", "From é\nto ü")
PASSWORD = "not to be seen"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, data: Any) -> Any:
    right = (data.login, data.password) == (b"reinstate", PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    write_certificates(tmp_path)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return made


def smtp(folder: Path, port: int, **keys: Any) -> Smtp:
    file = folder / "secret"
    file.touch(mode=0o600)
    file.write_text(PASSWORD)
    given = {
        "tls": "starttls",
        "ca_file": str(folder / "ca.pem"),
        "user": "reinstate",
        "secret": SecretPlace(file=str(file)),
    }
    return Smtp(host="127.0.0.1", sender="r@example.com", port=port, timeout=20, **given | keys)


def test_it_logs_in_behind_starttls(tmp_path: Path, context: ssl.SSLContext) -> None:
    port = free_port()
    how = {"tls_context": context, "authenticator": authenticate, "auth_required": True}
    with mail_server(port, **how) as mailbox:
        send_mail(smtp(tmp_path, port), ["a@example.com", "b@example.com"], MESSAGE)
    (mail,) = mailbox.mails
    assert mail.get_content().splitlines() == ["From é", "to ü"]
    assert (mail["X-To"], mail["Auto-Submitted"]) == (
        "a@example.com, b@example.com",
        "auto-generated",
    )


def test_the_same_message_has_the_same_id(tmp_path: Path) -> None:
    port = free_port()
    plain = smtp(tmp_path, port, tls="none", user="")
    with mail_server(port) as mailbox:
        for message in (MESSAGE, MESSAGE, Message("move", "started", "move: started", "other")):
            send_mail(plain, ["a@example.com"], message)
    ids = [str(mail["Message-ID"]) for mail in mailbox.mails]
    assert ids[0] == ids[1] != ids[2]


def test_a_server_that_another_ca_vouches_for_gets_no_password(
    tmp_path: Path, context: ssl.SSLContext
) -> None:
    port = free_port()
    other = tmp_path / "other"
    other.mkdir()
    write_certificates(other)
    with mail_server(port, tls_context=context, authenticator=authenticate) as mailbox:
        strict = smtp(tmp_path, port, ca_file=str(other / "ca.pem"))
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
            send_mail(strict, ["a@example.com"], MESSAGE)
    assert mailbox.mails == []


def test_a_server_without_starttls_gets_no_mail(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    port = free_port()
    with mail_server(port) as mailbox, pytest.raises(NotDelivered, match="STARTTLS"):
        send_mail(smtp(tmp_path, port), ["a@example.com"], MESSAGE)
    assert mailbox.mails == []


def test_a_refused_password_is_in_no_error(tmp_path: Path, context: ssl.SSLContext) -> None:
    port = free_port()
    how = {"tls_context": context, "authenticator": authenticate, "auth_required": True}
    with mail_server(port, **how), pytest.raises(NotDelivered) as caught:
        send_mail(smtp(tmp_path, port, user="somebody"), ["a@example.com"], MESSAGE)
    assert "login refused (535)" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(smtp(tmp_path, port))


def test_a_command_gets_the_text_on_stdin_and_the_rest_in_its_environment(tmp_path: Path) -> None:
    script = 'cat > "$1"; echo "$REINSTATE_JOB $REINSTATE_OCCASION $REINSTATE_SUBJECT" >> "$1"'
    run_command(("sh", "-c", script, "tell", str(tmp_path / "told")), MESSAGE)
    assert (tmp_path / "told").read_text() == "From é\nto ü\nmove started move: started\n"


@pytest.mark.parametrize("command", [("false",), ("/nowhere/tell",)])
def test_a_command_that_fails_is_named(command: tuple[str, ...]) -> None:
    with pytest.raises(NotDelivered, match=command[0]):
        run_command(command, MESSAGE)
