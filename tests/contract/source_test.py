"""Every kind of source keeps the contract."""

from __future__ import annotations

import pytest

from archives import example as archives_example
from contract.source_contract import Expected, Open, SourceContract
from reinstate_service.model import AccountRef
from reinstate_service.operations.sample import FIRST_SCAN, build_sample, demo_messages
from reinstate_service.source.archives import ArchivesSource
from reinstate_service.source.archives.directory import read_directory
from reinstate_service.source.backup_path import BackupPathSource


class TestBackupPath(SourceContract):
    """The sample, as a Backup Path."""

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls, tmp_path_factory: pytest.TempPathFactory) -> Expected:
        """The sample's own account of what it holds."""
        path = tmp_path_factory.mktemp("source") / "backup"
        sample = build_sample(path, demo_messages(60))
        known = {account.id: account for account in sample.accounts}
        source = BackupPathSource(path)
        return Expected(
            path,
            FIRST_SCAN - 1,
            {
                each.id: AccountRef(
                    each.id,
                    each.address,
                    source.account(each.id).cos,
                    each.system,
                    each.deleted,
                )
                for each in sample.accounts
            },
            {
                identifier: [item for folder in each.folders for item in folder.items]
                for identifier, each in known.items()
            },
        )

    @pytest.fixture
    def open_at(self, expected: Expected) -> Open:
        """A new object each time."""
        return lambda at: BackupPathSource(expected.path, at)


class TestArchives(SourceContract):
    """Account archives with their directory."""

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls, tmp_path_factory: pytest.TempPathFactory) -> Expected:
        """What was put into the archives."""
        example = archives_example.build(tmp_path_factory.mktemp("source") / "archives")
        known = read_directory([example.path / "directory.ldif"]).accounts
        return Expected(
            example.path,
            archives_example.EXPORTED * 1000 - 1,
            {
                each.id: AccountRef(each.id, each.address, each.cos, each.system)
                for each in known.values()
            },
            example.items,
        )

    @pytest.fixture
    def open_at(self, expected: Expected) -> Open:
        """A new object each time."""
        return lambda at: ArchivesSource(expected.path, at)
