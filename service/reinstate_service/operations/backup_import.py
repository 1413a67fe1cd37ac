"""`reinstate backup build --from`: a Backup Path from any other backup.

Run again with a newer one, it adds what has changed: further states, and what has gone as
deletions, where the newer one vouches for what it does not have. So `--at` works for those who
only ever had exports. A content is read once: one that the item had already is not asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

from msgspec.structs import replace

from reinstate_journal.errors import BackupError, UsageError
from reinstate_service.model import (
    AccountRef,
    Containers,
    Folder,
    Item,
    Mountpoint,
    SavedSearch,
    Tag,
    UnreadableItem,
)
from reinstate_service.operations.backup_build import BuildCounts, BuildSummary
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.source.backup_path.writer import now
from reinstate_service.source.contract import Export, ItemError


def build_from_export(
    export: Export,
    backup: str | os.PathLike[str],
    *,
    clock: Callable[[], int] = now,
) -> BuildSummary:
    """Brings the backup at `backup`, made if it is not there, up to what `export` holds now.

    What cannot be read or written is skipped and told in the summary. Raises UsageError where one
    lies in the other or the backup is of another product, BackupError, OSError.
    """
    inner, outer = os.path.realpath(backup), os.path.realpath(export.path)
    if os.path.commonpath((inner, outer)) in {inner, outer}:
        raise UsageError(detail=f"{backup} and {export.path} lie one in the other")
    product = export.identity().product
    with BackupWriter(backup, product=product, clock=clock) as writer:
        if writer.product != product:
            raise UsageError(detail=f"{backup} is of {writer.product}, {export.path} of {product}")
        return _Import(export, writer, BackupPathSource(backup), clock()).bring_up()


class _Import:
    """One run."""

    def __init__(
        self, export: Export, writer: BackupWriter, backup: BackupPathSource, moment: int
    ) -> None:
        self._export = export
        self._writer = writer
        self._backup = backup
        self._moment = moment
        self._counts = BuildCounts()

    def bring_up(self) -> BuildSummary:
        """Records everything that differs."""
        accounts = gone = 0
        kept = set()
        self._put_server()
        for ref in self._export.accounts():
            if isinstance(ref, AccountRef):
                kept.add(ref.id)
                accounts += self._account(ref)
            else:
                kept.add(str(ref.fields["account"]))
                self._counts.skipped.append(f"account {ref.fields['account']}: {ref}")
        if self._export.lists_everything():
            self._delete_server()
            for known in self._backup.accounts():
                if isinstance(known, AccountRef) and known.id not in kept:
                    gone += self._writer.delete_account(known.id, self._moment)
        self._writer.finish_scan(self._moment)
        return self._counts.summary(accounts, gone)

    def _put_server(self) -> None:
        for domain in self._export.domains():
            with self._skipping(f"domain {domain.name}"):
                self._writer.put_domain(domain, self._moment)
        for cos in self._export.classes_of_service():
            with self._skipping(f"class of service {cos.name}"):
                self._writer.put_cos(cos, self._moment)
        for each in self._export.distribution_lists():
            with self._skipping(f"list {each.address}"):
                self._writer.put_list(each, self._moment)

    def _delete_server(self) -> None:
        domains = {domain.id for domain in self._export.domains()}
        for domain in self._backup.domains():
            if domain.id not in domains:
                self._writer.delete_domain(domain.id, self._moment)
        classes = {cos.id for cos in self._export.classes_of_service()}
        for cos in self._backup.classes_of_service():
            if cos.id not in classes:
                self._writer.delete_cos(cos.id, self._moment)
        lists = {each.id for each in self._export.distribution_lists()}
        for each in self._backup.distribution_lists():
            if each.id not in lists:
                self._writer.delete_list(each.id, self._moment)

    def _account(self, ref: AccountRef) -> bool:
        """Answers whether it could be read and written."""
        try:
            self._writer.put_account(self._export.account(ref.id), self._moment)
            self._bring_up(ref)
        except (BackupError, ItemError, ValueError) as error:
            if isinstance(error, BackupError) and error.retryable:
                raise
            self._counts.skipped.append(f"account {ref.address}: {error}")
            return False
        return True

    def _bring_up(self, ref: AccountRef) -> None:
        """Records what differs in the mailbox."""
        containers = self._export.containers(ref.id)
        had = self._backup.containers(ref.id)
        before = _items_of(self._backup, ref.id)
        self._put_containers(ref, containers)
        for item in self._export.items(ref.id):
            known = before.pop(item.id, None)
            if isinstance(item, Item):
                with self._skipping(f"{ref.address} {item.id}"):
                    self._put_item(ref.id, item, known)
            elif isinstance(item, UnreadableItem):
                self._counts.skipped.append(f"{ref.address} {item.id}: {item.reason}")
        for item in before.values():
            if self._export.holds_everything(ref.id, item.folder):
                self._counts.deleted += self._writer.delete_item(ref.id, item.id, self._moment)
        there = {each.id for each in _each(containers)}
        for each in _each(had):
            if each.id not in there and self._export.holds_everything(ref.id, each.id):
                self._writer.delete_item(ref.id, each.id, self._moment)

    def _put_containers(self, ref: AccountRef, containers: Containers) -> None:
        for folder in containers.folders:
            with self._skipping(f"{ref.address} folder {folder.id}"):
                self._counts.folders += self._writer.put_folder(ref.id, folder, self._moment)
        for mountpoint in containers.mountpoints:
            with self._skipping(f"{ref.address} mountpoint {mountpoint.id}"):
                self._writer.put_mountpoint(ref.id, mountpoint, self._moment)
        for search in containers.searches:
            with self._skipping(f"{ref.address} search {search.id}"):
                self._writer.put_search(ref.id, search, self._moment)
        for tag in containers.tags:
            with self._skipping(f"{ref.address} tag {tag.id}"):
                self._writer.put_tag(ref.id, tag, self._moment)

    def _put_item(self, account: str, item: Item, known: Item | None) -> None:
        item = replace(item, other_folders=())
        if item == known:
            return
        if known is not None and known.digest == item.digest:
            self._writer.put_item_state(account, item, start=self._moment)
        else:
            self._writer.put_item(
                account,
                item.id,
                content=self._export.content(item),
                folder=item.folder,
                date=item.date,
                type=item.type,
                flags=item.flags,
                tags=item.tags,
                imap_uid=item.imap_uid,
                name=item.name,
                start=self._moment,
            )
        if known is None:
            self._counts.added += 1
        else:
            self._counts.changed += 1

    @contextmanager
    def _skipping(self, what: str) -> Iterator[None]:
        """What concerns one object costs that one alone, and is told."""
        try:
            yield
        except (ItemError, ValueError) as error:
            self._counts.skipped.append(f"{what}: {error}")


def _items_of(backup: BackupPathSource, account: str) -> dict[str, Item]:
    """The items that are not deleted, by id, each as its last state."""
    return {
        item.id: replace(item, other_folders=())
        for item in backup.items(account)
        if isinstance(item, Item) and not item.deleted
    }


def _each(containers: Containers) -> Iterator[Folder | Mountpoint | SavedSearch | Tag]:
    return chain(containers.folders, containers.mountpoints, containers.searches, containers.tags)
