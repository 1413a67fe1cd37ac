"""What every source promises. A new one is tested by some twenty lines::

class TestMine(SourceContract):
    @pytest.fixture(scope="class")
    def expected(self, tmp_path_factory) -> Expected:
        ...                                  # build a backup, say what is in it

    @pytest.fixture
    def open_at(self, expected) -> Open:
        return lambda at: MineSource(expected.path, at)
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from damage import snapshot
from reinstate_journal.errors import BackupError
from reinstate_service.model import AbsentItem, AccountRef, Item, ItemType, revision
from reinstate_service.source.contract import (
    AccountUnreadable,
    BlobMissing,
    Source,
    UnsafeName,
)

Open = Callable[[int | None], Source]
NOBODY = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True)
class Expected:
    """What the backup under test holds: addresses in order, and items by account id."""

    path: Path
    before: int  # a moment before anything existed
    accounts: dict[str, AccountRef]
    items: dict[str, list[Item]]


class SourceContract:
    """The promises; subclasses say what is opened."""

    @pytest.fixture
    def source(self, open_at: Open) -> Source:
        """The backup as it is now."""
        return open_at(None)

    def test_says_whose_backup_it_is(self, source: Source) -> None:
        identity = source.identity()
        assert identity.server_id
        assert identity.format
        assert identity == source.identity()

    def test_says_what_it_takes_and_what_it_lacks(self, source: Source) -> None:
        storage = source.storage()
        assert storage.files > 0
        assert storage.size > 0
        cheap = list(source.missing(accounts=False))
        assert list(source.missing())[: len(cheap)] == cheap

    def test_lists_accounts_by_address(self, source: Source, expected: Expected) -> None:
        found = list(source.accounts())
        assert found == sorted(expected.accounts.values(), key=lambda ref: (ref.address, ref.id))

    def test_lists_domains_classes_and_lists_in_order(self, source: Source) -> None:
        domains = [domain.name for domain in source.domains()]
        classes = [cos.name for cos in source.classes_of_service()]
        lists = [each.address for each in source.distribution_lists()]
        for names in (domains, classes, lists):
            assert names
            assert names == sorted(names)

    def test_account_agrees_with_its_reference(self, source: Source, expected: Expected) -> None:
        for ref in expected.accounts.values():
            account = source.account(ref.id)
            assert (account.id, account.address) == (ref.id, ref.address)
            assert (account.cos, account.system) == (ref.cos, ref.system)

    def test_yields_every_item_once_by_ascending_id(
        self, source: Source, expected: Expected
    ) -> None:
        for account, items in expected.items.items():
            assert list(source.items(account)) == sorted(items, key=lambda item: int(item.id))

    def test_yields_what_comes_behind_an_item(self, source: Source, expected: Expected) -> None:
        for account, items in expected.items.items():
            ordered = sorted(items, key=lambda item: int(item.id))
            for place, item in enumerate(ordered, start=1):
                assert list(source.items(account, item.id)) == ordered[place:]

    def test_counts_as_many_items_as_it_yields(self, source: Source, expected: Expected) -> None:
        for account in expected.items:
            assert source.count_items(account) == sum(1 for _ in source.items(account))

    def test_content_has_the_size_and_digest_of_its_item(
        self, source: Source, expected: Expected
    ) -> None:
        for item in (item for items in expected.items.values() for item in items):
            content = b"".join(source.content(item))
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            assert (len(content), digest.replace("/", ",")) == (item.size, item.digest)

    def test_every_item_lies_in_a_folder_that_is_there(
        self, source: Source, expected: Expected
    ) -> None:
        for account, items in expected.items.items():
            folders = {folder.id for folder in source.containers(account).folders}
            assert {item.folder for item in items} <= folders

    def test_parents_are_folders_of_the_account(self, source: Source, expected: Expected) -> None:
        for account in expected.accounts:
            held = source.containers(account)
            folders = {"", *(folder.id for folder in held.folders)}
            assert {folder.parent for folder in held.folders} <= folders
            assert {mount.parent for mount in held.mountpoints} <= folders

    def test_the_stamp_of_an_untouched_account_stays(
        self,
        open_at: Open,
        expected: Expected,
    ) -> None:
        for account in expected.accounts:
            assert open_at(None).state(account) == open_at(None).state(account)

    def test_before_anything_existed_there_is_nothing(
        self,
        open_at: Open,
        expected: Expected,
    ) -> None:
        source = open_at(expected.before)
        assert list(source.accounts()) == []
        for account, items in expected.items.items():
            ids = sorted((item.id for item in items), key=int)
            assert list(source.items(account)) == [AbsentItem(identifier) for identifier in ids]

    def test_a_source_without_packed_contents_packs_no_item(
        self, source: Source, expected: Expected
    ) -> None:
        for item in (item for items in expected.items.values() for item in items):
            packed = source.packed(item)
            if packed is not None:
                packed.close()
                assert source.has_packed()

    def test_an_account_that_is_not_there_is_a_named_error(self, source: Source) -> None:
        for ask in (
            source.account,
            source.state,
            source.count_items,
            source.containers,
            source.items,
        ):
            for account in (NOBODY, "", "../..", "x"):
                with pytest.raises(BackupError) as caught:
                    ask(account)
                assert isinstance(caught.value, AccountUnreadable)
                assert "account" in caught.value.fields

    def test_a_blob_that_is_not_there_is_a_named_error(self, source: Source) -> None:
        absent = base64.b64encode(bytes(32)).decode()
        with pytest.raises(BlobMissing):
            list(source.content(_item(absent)))

    @pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a" * 44, "/" * 43 + "=", "ä" * 44])
    def test_a_digest_that_is_none_opens_nothing(self, source: Source, digest: str) -> None:
        with pytest.raises(UnsafeName):
            list(source.content(_item(digest)))

    def test_several_threads_read_what_one_reads(self, source: Source, expected: Expected) -> None:
        def read(account: str) -> str:
            found = [source.account(account), source.containers(account)]
            items = [item for item in source.items(account) if isinstance(item, Item)]
            contents = [b"".join(source.content(item)).hex() for item in items]
            return revision([found, items, contents])

        alone = list(map(read, expected.accounts))
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(read, expected.accounts)) == alone

    def test_reading_writes_nothing(self, open_at: Open, expected: Expected) -> None:
        before = snapshot(expected.path)
        source = open_at(None)
        for ref in source.accounts():
            assert isinstance(ref, AccountRef)
            source.containers(ref.id)
            for item in source.items(ref.id):
                if isinstance(item, Item):
                    list(source.content(item))
        assert snapshot(expected.path) == before


def _item(digest: str) -> Item:
    return Item("1", ItemType.MESSAGE, "2", 0, 5, digest)
