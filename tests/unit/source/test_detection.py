"""What is taken for a backup, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from damage import make_vendor_tree
from reinstate_journal.errors import UsageError
from reinstate_service.model import Account, Product
from reinstate_service.source.backup_path import BackupInUse, BackupPathSource, BackupWriter
from reinstate_service.source.contract import NotABackup, VendorFormat
from reinstate_service.source.open import open_source

ACCOUNT = "6f1ed002-ab56-4c5b-8d0a-000000000001"


def test_a_path_that_is_not_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotABackup, match="no folder of that name"):
        BackupPathSource(tmp_path / "nowhere").identity()


def test_an_empty_folder_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotABackup, match="no backupstat"):
        BackupPathSource(tmp_path).identity()


def test_a_file_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotABackup):
        list(BackupPathSource(tmp_path / "file").accounts())


def test_a_tree_of_the_vendor_is_refused_by_name(tmp_path: Path) -> None:
    make_vendor_tree(tmp_path)
    for ask in ("identity", "domains", "accounts", "classes_of_service", "distribution_lists"):
        with pytest.raises(VendorFormat, match="not published"):
            list(getattr(BackupPathSource(tmp_path), ask)())


@pytest.mark.parametrize("stat", [b"", b"\x00\x01", b"{}", b'{"firstRun":1}', b"[" * 99_999])
def test_a_tree_with_another_backupstat_is_refused_by_name(tmp_path: Path, stat: bytes) -> None:
    make_vendor_tree(tmp_path)
    (tmp_path / "backupstat").write_bytes(stat)
    with pytest.raises(VendorFormat):
        BackupPathSource(tmp_path).identity()


def test_our_marker_over_records_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    BackupWriter(tmp_path, durable=False).close()
    folder = tmp_path / "accounts" / ACCOUNT
    folder.mkdir()
    (folder / "account_info").write_text('[{"zimbraId":"x"}]')
    with pytest.raises(VendorFormat):
        BackupPathSource(tmp_path).identity()


def test_a_newer_version_says_that_a_newer_reinstate_is_needed(tmp_path: Path) -> None:
    BackupWriter(tmp_path, durable=False).close()
    marker = json.loads((tmp_path / "backupstat").read_text())
    (tmp_path / "backupstat").write_text(json.dumps({**marker, "version": 2, "product": "new"}))
    with pytest.raises(NotABackup, match=r"version is 2.*newer reinstate"):
        BackupPathSource(tmp_path).identity()


def test_a_malformed_marker_of_ours_is_no_backup(tmp_path: Path) -> None:
    BackupWriter(tmp_path, durable=False).close()
    marker = json.loads((tmp_path / "backupstat").read_text())
    (tmp_path / "backupstat").write_text(json.dumps({**marker, "product": 7}))
    with pytest.raises(NotABackup, match="malformed"):
        BackupPathSource(tmp_path).identity()


def test_open_source_takes_a_path_or_a_scheme(tmp_path: Path) -> None:
    assert open_source("/a/b", 7).path == "/a/b"
    assert open_source(f"backup:{tmp_path}").path == str(tmp_path)
    with pytest.raises(UsageError):
        open_source("imap:somewhere")


def test_a_writer_refuses_a_tree_that_is_not_ours(tmp_path: Path) -> None:
    make_vendor_tree(tmp_path)
    with pytest.raises(VendorFormat):
        BackupWriter(tmp_path)


def test_only_one_writer_at_a_time(tmp_path: Path) -> None:
    with BackupWriter(tmp_path, durable=False), pytest.raises(BackupInUse):
        BackupWriter(tmp_path)
    BackupWriter(tmp_path, durable=False).close()


def test_a_backup_keeps_its_server_id_and_product(tmp_path: Path) -> None:
    with BackupWriter(tmp_path, "one", Product.ZIMBRA, durable=False) as writer:
        writer.put_account(Account(ACCOUNT, "a@example.com"))
    with BackupWriter(tmp_path, product=Product.CARBONIO, durable=False) as writer:
        assert (writer.server_id, writer.product) == ("one", Product.ZIMBRA)
    with pytest.raises(ValueError, match="server one"):
        BackupWriter(tmp_path, "two")
