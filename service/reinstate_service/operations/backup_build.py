"""`reinstate backup build --from-maildir`: a Backup Path from a tree of Maildirs.

Run again, it adds what has changed: new messages, other flags or folders as further
states, and what has vanished as deletions. A message is recognised by its file name
without flags, which its record keeps as `origin`, and never read twice.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from reinstate_journal.errors import UsageError
from reinstate_service.mapping.paths import source_paths
from reinstate_service.model import (
    Account,
    AccountRef,
    Domain,
    Filters,
    Folder,
    Frozen,
    Item,
    Product,
    Role,
    Tag,
)
from reinstate_service.operations import maildir_tree
from reinstate_service.operations.maildir_tree import MaildirFile
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from reinstate_service.source.backup_path.decode import item_of
from reinstate_service.source.backup_path.records import ItemState, state_at
from reinstate_service.source.backup_path.writer import now
from reinstate_service.source.contract import ItemError
from reinstate_service.source.names import shown

#: The usual names at the top of a Maildir, and the numbers that say what they are for.
_SYSTEM = {
    (): ("2", "Inbox", Role.INBOX),
    ("Trash",): ("3", "Trash", Role.TRASH),
    ("Junk",): ("4", "Junk", Role.JUNK),
    ("Sent",): ("5", "Sent", Role.SENT),
    ("Drafts",): ("6", "Drafts", Role.DRAFTS),
    ("Archive",): ("20", "Archive", Role.ARCHIVE),
}


class BuildSummary(Frozen, frozen=True):
    """What one run has added. `skipped` names files that could not be read, and why."""

    accounts: int
    accounts_deleted: int
    folders: int
    items_added: int
    items_changed: int
    items_deleted: int
    skipped: tuple[str, ...]


def build_from_maildir(
    maildirs: str | os.PathLike[str],
    backup: str | os.PathLike[str],
    *,
    server_id: str | None = None,
    clock: Callable[[], int] = now,
) -> BuildSummary:
    """Brings the backup at `backup`, made if it is not there, up to what `maildirs` holds now.

    Raises UsageError where there is no account in `maildirs`, or one lies in the
    other; BackupError, OSError.
    """
    root = Path(maildirs)
    if not root.is_dir():
        raise UsageError(detail=f"{root} is no folder")
    inner, outer = os.path.realpath(backup), os.path.realpath(root)
    if Path(inner).is_relative_to(outer) or Path(outer).is_relative_to(inner):
        raise UsageError(detail=f"{backup} and {root} lie one in the other")
    homes = list(maildir_tree.accounts(root))
    if not homes:
        raise UsageError(detail=f"{root} holds no <domain>/<local>/{maildir_tree.MAILDIR}")
    with BackupWriter(backup, server_id, Product.GENERIC, clock) as writer:
        return _bring_up(writer, BackupPathSource(backup), homes, clock())


class BuildCounts:
    """What a run has done so far."""

    def __init__(self) -> None:
        self.folders = self.added = self.changed = self.deleted = 0
        self.skipped: list[str] = []

    def summary(self, accounts: int, accounts_deleted: int) -> BuildSummary:
        """What it has come to."""
        return BuildSummary(
            accounts,
            accounts_deleted,
            self.folders,
            self.added,
            self.changed,
            self.deleted,
            tuple(self.skipped),
        )


def _bring_up(
    writer: BackupWriter,
    source: BackupPathSource,
    homes: Sequence[tuple[str, str, Path]],
    moment: int,
) -> BuildSummary:
    counts = BuildCounts()
    domains = {domain: _id("domain", domain) for domain, _, _ in homes}
    for name, identifier in domains.items():
        writer.put_domain(Domain(identifier, name), moment)
    accounts = set()
    for domain, local, home in homes:
        account = _id("account", f"{local}@{domain}")
        accounts.add(account)
        filters = Filters(incoming=maildir_tree.active_script(home))
        writer.put_account(Account(account, f"{local}@{domain}", filters=filters), moment)
        _Mailbox(writer, source, account, moment, counts).bring_up(home)
    gone = 0
    for ref in source.accounts():
        if isinstance(ref, AccountRef) and ref.id not in accounts:
            gone += writer.delete_account(ref.id, moment)
    for domain_there in source.domains():
        if domain_there.id not in domains.values():
            writer.delete_domain(domain_there.id, moment)
    writer.finish_scan(moment)
    return counts.summary(len(homes), gone)


class _Mailbox:
    """One account: what its Maildir holds now, against what the backup has of it."""

    def __init__(
        self,
        writer: BackupWriter,
        source: BackupPathSource,
        account: str,
        moment: int,
        counts: BuildCounts,
    ) -> None:
        self._writer = writer
        self._account = account
        self._moment = moment
        self._counts = counts
        containers = source.containers(account)
        self._folders = {folder.id: folder for folder in containers.folders}
        self._tags = {tag.name for tag in containers.tags}
        self._unseen: dict[tuple[str, str], Item] = {}
        for identifier, states in source.listing(account).records():
            state = None if isinstance(states, ItemError) else state_at(states, None)
            if isinstance(state, ItemState) and not state.deleted:
                item = item_of(identifier, state)
                if isinstance(item, Item):
                    self._unseen[state.folder, state.origin] = item

    def bring_up(self, home: Path) -> None:
        """Records everything that differs."""
        elsewhere = {origin for _, origin in self._unseen}
        doubtful: list[tuple[str, MaildirFile]] = []
        numbers = self._put_folders(maildir_tree.folders(home), maildir_tree.subscribed(home))
        for number, place in numbers:
            for file in self._files(home, place):
                item = self._unseen.pop((number, file.base), None)
                if item is not None:
                    self._update(item, number, file)
                elif file.base in elsewhere:
                    doubtful.append((number, file))
                else:
                    self._add(home, number, file)
        self._settle(home, doubtful)
        for item in self._unseen.values():
            self._counts.deleted += self._writer.delete_item(self._account, item.id, self._moment)
        kept = {number for number, _ in numbers}
        for folder in self._folders.keys() - kept:
            self._writer.delete_item(self._account, folder, self._moment)

    def _settle(self, home: Path, doubtful: list[tuple[str, MaildirFile]]) -> None:
        """Files under a name that another folder has, or had: moved if it is gone there."""
        left: dict[str, list[tuple[str, str]]] = {}
        for key in self._unseen:
            left.setdefault(key[1], []).append(key)
        for number, file in doubtful:
            origins = left.get(file.base)
            if origins:
                self._update(self._unseen.pop(origins.pop()), number, file)
            else:
                self._add(home, number, file)

    def _put_folders(
        self,
        places: Mapping[tuple[str, ...], Path],
        subscribed: frozenset[tuple[str, ...]] | None,
    ) -> list[tuple[str, Path]]:
        """Records the folders; answers their numbers, each with where its files lie."""
        known = {path: number for number, path in source_paths(self._folders.values()).items()}
        numbers: dict[tuple[str, ...], str] = {}
        for path in places:
            if path in _SYSTEM:
                number, name, role = _SYSTEM[path]
            else:
                number = known.get(path) or self._writer.next_id(self._account)
                name, role = path[-1], None
            folder = Folder(
                number,
                numbers[path[:-1]] if len(path) > 1 else "",
                name,
                role=role,
                subscribed=subscribed is None or not path or path in subscribed,
            )
            self._counts.folders += self._writer.put_folder(self._account, folder, self._moment)
            numbers[path] = number
        return [(numbers[path], place) for path, place in places.items()]

    def _files(self, home: Path, folder: Path) -> Iterator[MaildirFile]:
        try:
            yield from maildir_tree.files(folder)
        except OSError as error:
            self._skip(home, folder, error)

    def _add(self, home: Path, folder: str, file: MaildirFile) -> None:
        tags = self._put_tags(file.tags)
        try:
            self._writer.put_item(
                self._account,
                self._writer.next_id(self._account),
                content=maildir_tree.content(file),
                folder=folder,
                date=file.date,
                flags=file.flags,
                tags=tags,
                imap_uid=file.imap_uid,
                origin=file.base,
                start=self._moment,
            )
        except FileNotFoundError:
            return  # a server renamed it since; the next run sees it
        except (OSError, ItemError) as error:
            self._skip(home, Path(file.path), error)
        else:
            self._counts.added += 1

    def _update(self, item: Item, folder: str, file: MaildirFile) -> None:
        tags = self._put_tags(file.tags)
        changed = msgspec.structs.replace(
            item, folder=folder, flags=file.flags, tags=tags, imap_uid=file.imap_uid
        )
        if changed != item:
            self._counts.changed += 1
            self._writer.put_item_state(
                self._account, changed, origin=file.base, start=self._moment
            )

    def _put_tags(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        """The tags, all of which the account has now."""
        for tag in tags:
            if tag not in self._tags:
                self._tags.add(tag)
                number = self._writer.next_id(self._account)
                self._writer.put_tag(self._account, Tag(number, tag), self._moment)
        return tags

    def _skip(self, home: Path, path: Path, error: Exception) -> None:
        name = shown(str(path.relative_to(home.parent.parent)))
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self._counts.skipped.append(f"{name}: {reason}")


def _id(kind: str, name: str) -> str:
    """The id of a domain or account: the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"reinstate-backup-build:{kind}:{name}"))
