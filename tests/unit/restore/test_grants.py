"""Grants to accounts that the backup could not tell of at first."""

from __future__ import annotations

from pathlib import Path

from reinstate_service.restore.options import Options
from running import restore_here
from team import ALICE, write_backup


def test_a_grant_to_an_account_that_could_not_be_read_is_given_when_it_can(tmp_path: Path) -> None:
    write_backup(tmp_path / "backup")
    options = Options(str(tmp_path / "backup"), f"maildir:{tmp_path / 'mail'}")
    record = tmp_path / "backup" / "accounts" / ALICE / "account_info"
    whole = record.read_bytes()
    record.write_bytes(b"{")
    assert restore_here(tmp_path / "j.db", options).outcome == "incomplete"

    record.write_bytes(whole)
    restore_here(tmp_path / "j.db", options)

    acl = tmp_path / "mail" / "example.test" / "bob" / "Maildir" / ".Team" / "dovecot-acl"
    assert acl.read_text().startswith("user=alice@example.test ")
    assert not restore_here(tmp_path / "j.db", options).began
