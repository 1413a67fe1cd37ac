"""restore.toml: every mistake is told at once; secrets come from where nobody else can look."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reinstate_journal.errors import UsageError
from reinstate_service.destination.imap.configuration import (
    ConfigurationWrong,
    read_configuration,
)
from reinstate_service.destination.imap.connection import Server, server_of
from reinstate_service.secret import SecretMissing, SecretPlace, passwords, secret

WHOLE = """
[imap]
domains = { "example.com" = "ann@example.com" }
ca_file = "/etc/ssl/own-ca.pem"
timeout = 30

[imap.login]
method = "master"
user = "admin"
secret = { env = "WORD" }
"""


def written(folder: Path, text: str) -> str:
    file = folder / "restore.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    found = read_configuration(written(tmp_path, WHOLE))
    assert found.domains == {"example.com": "ann@example.com"}
    assert (found.tls, found.timeout, found.login.separator) == ("required", 30, "*")


def test_every_mistake_is_told_at_once_by_its_key(tmp_path: Path) -> None:
    text = """
    [smtp]
    [imap]
    timout = 3
    tls = "perhaps"
    [imap.login]
    user = 7
    secret = { fiel = "x", env = 3 }
    """
    with pytest.raises(ConfigurationWrong) as raised:
        read_configuration(written(tmp_path, text))
    told = str(raised.value)
    for mistake in (
        "smtp: there is no such table",
        "imap.timout: no such key; timeout?",
        "imap.domains: missing",
        "imap.tls: ",
        "imap.login.method: missing",
        "imap.login.user: ",
        "imap.login.secret.fiel: no such key; file?",
        "imap.login.secret.env: ",
    ):
        assert mistake in told


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('user = "admin"', "", "imap.login.user: missing for master"),
        ('secret = { env = "WORD" }', "", "imap.login.secret: missing for master"),
        ('{ env = "WORD" }', '{ env = "A", file = "b" }', "exactly one of file, env, command"),
        ('"ann@example.com"', '"ann@example.org"', "no account of this domain"),
        ("timeout = 30", "timeout = 0", "imap.timeout: 0"),
        ('method = "master"', 'method = "passwords"', "imap.login.file: missing"),
        ("[imap]", "[imap", "it is no TOML"),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, was: str, now: str, told: str) -> None:
    with pytest.raises(ConfigurationWrong) as raised:
        read_configuration(written(tmp_path, WHOLE.replace(was, now)))
    assert told in str(raised.value)


def test_a_configuration_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationWrong, match="No such file"):
        read_configuration(str(tmp_path / "none"))


def test_a_secret_comes_from_a_file_the_environment_or_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("wörd\n", encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("WORD", "from outside")
    places = {
        SecretPlace(file=str(file)): "wörd",
        SecretPlace(env="WORD"): "from outside",
        SecretPlace(command=("printf", "%s\n", "token of {address}")): "token of ann@x",
    }
    for place, expected in places.items():
        assert secret(place, "ann@x") == expected


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("word")
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(SecretMissing, match="others than its owner"):
            secret(SecretPlace(file=str(file)), "ann@x")


def test_a_command_that_fails_tells_its_name_and_nothing_else() -> None:
    with pytest.raises(SecretMissing) as raised:
        secret(SecretPlace(command=("sh", "-c", "echo hidden; echo hidden >&2; exit 3")), "ann@x")
    assert str(raised.value) == "The secret of the command sh cannot be had: exit 3"


def test_passwords_come_from_csv_and_a_wrong_line_is_told_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "passwords.csv"
    file.write_text('address,password\nAnn@x.test,"a,b""c"\n\nbob@x.test,d\n', encoding="utf-8")
    file.chmod(0o600)
    assert passwords(str(file)) == {"ann@x.test": 'a,b"c', "bob@x.test": "d"}
    file.write_text("ann@x.test,secret\nsecret\n", encoding="utf-8")
    with pytest.raises(SecretMissing, match="line 2") as raised:
        passwords(str(file))
    assert "secret\n" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("word")
    file.chmod(0o600)
    os.chown(file, 1990, 1990)
    with pytest.raises(SecretMissing, match="somebody else's"):
        secret(SecretPlace(file=str(file)), "ann@x")


def test_a_server_is_named_by_scheme_host_and_port() -> None:
    assert server_of("imaps://Mail.Example.com") == Server("mail.example.com", 993, secure=True)
    assert server_of("imap://[::1]:1143") == Server("::1", 1143, secure=False)
    assert server_of("imap://h").url == "imap://h:143"


@pytest.mark.parametrize(
    "location",
    ["imaps://", "imaps:host", "imaps://u:p@host", "imaps://h:0", "imaps://h:x", "imaps://h/INBOX"],
)
def test_what_is_no_server_is_wrong_usage(location: str) -> None:
    with pytest.raises(UsageError):
        server_of(location)
