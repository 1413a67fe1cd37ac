"""The commands about jobs, where no service runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.cli.conftest import Ask

PLACES = 'source = "/b"\ndestination = "maildir:/m"\n'


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "move.toml").write_text(PLACES)
    (folder / "service.toml").write_text("")
    return folder


def test_check_names_all_mistakes_of_a_file(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "move.toml"
    file.write_text(PLACES)
    assert ask("spool", "check", file).code == 0
    file.write_text("sorce = 1\n")
    got = ask("spool", "check", file)
    assert got.code == 2
    for mistake in ("sorce: no such key; source?", "source: missing", "destination: missing"):
        assert mistake in got.err


def test_list_has_the_jobs_that_no_service_has_seen_yet(ask: Ask, spool: Path) -> None:
    got = ask("spool", "list", "--spool", spool)
    assert got.code == 0
    assert "not looked at yet" in got.out
    assert "service" not in got.out


def test_suspend_and_resume_leave_marks(ask: Ask, spool: Path) -> None:
    assert ask("spool", "suspend", "move", "--spool", spool).code == 0
    assert (spool / "move.suspend").exists()
    assert ask("spool", "resume", "move", "--spool", spool).code == 0
    assert not (spool / "move.suspend").exists()
    assert (spool / "move.resume").exists()


def test_only_a_job_that_follows_is_completed(ask: Ask, spool: Path) -> None:
    got = ask("complete", "move", "--spool", spool)
    assert got.code == 2
    assert "its one pass is the last" in got.err
    (spool / "move.toml").write_text(PLACES + "follow = true\n")
    assert ask("complete", "move", "--spool", spool).code == 0
    assert (spool / "move.complete").exists()


def test_a_job_or_spool_that_is_not_there_is_wrong_usage(ask: Ask, spool: Path) -> None:
    assert ask("complete", "gone", "--spool", spool).code == 2
    assert ask("spool", "suspend", "../move", "--spool", spool).code == 2
    assert ask("spool", "list", "--spool", spool / "nowhere").code == 2


def test_settings_name_all_their_mistakes(ask: Ask, spool: Path) -> None:
    (spool / "service.toml").write_text(
        '[smtp]\nhost = "mail.example.com"\nport = 0\n[notify]\nmail = "ops@x"\n'
    )
    got = ask("serve", "--spool", spool)
    assert got.code == 2
    for mistake in ("notify.mail: ", "smtp.port: ", "smtp.sender: missing"):
        assert mistake in got.err


def test_a_password_goes_over_an_encrypted_connection_only(ask: Ask, spool: Path) -> None:
    (spool / "service.toml").write_text(
        '[smtp]\nhost = "mail.example.com"\nsender = "r@x"\nuser = "r"\nsecret = { env = "WORD" }\n'
    )
    got = ask("serve", "--spool", spool)
    assert got.code == 2
    assert "smtp.tls: a password goes over an encrypted connection only" in got.err
