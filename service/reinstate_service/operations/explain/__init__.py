"""`reinstate explain`: what became of one item, message, folder, mountpoint or filter, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reinstate_journal.errors import UsageError
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Account
from reinstate_service.operations.container_map import find_account
from reinstate_service.operations.explain import wording
from reinstate_service.operations.explain.backup import BackupSide
from reinstate_service.operations.explain.history import History
from reinstate_service.operations.explain.story import Explanation, Sentence
from reinstate_service.source.contract import Source

__all__ = ["Explanation", "NothingCalled", "Sentence", "explain"]

_DELIVERED = re.compile(r"R[0-9a-f]{20}")
_ITEM = re.compile(r"[0-9]+")


class NothingCalled(UsageError):
    """Nothing of the account is called that."""

    message = "Account {account} has nothing called {name}"
    hint = (
        "Name an item's or folder's id, a folder's path, a filter (incoming, before, ...), a"
        " message's name or its Message-ID; reinstate map lists folders and filters."
    )


def explain(
    journal: Reader,
    restore: str,
    account: str,
    name: str,
    *,
    source: Source | None,
    with_subjects: bool = False,
) -> list[Explanation]:
    """The histories of whatever `name` means in the account: usually one. Without the backup as
    `source`, its part is missing.

    Raises NoSuchAccount, NothingCalled.
    """
    known = find_account(journal, account, restore)
    backup = BackupSide(source, known.account)
    told = list(_Explaining(History(journal, known), backup, known, with_subjects).named(name))
    if not told:
        raise NothingCalled(account=known.address or known.account, name=name)
    return told


class _Explaining:
    """Finds what a name means, and tells of it."""

    def __init__(
        self, history: History, backup: BackupSide, known: Account, with_subjects: bool
    ) -> None:
        self._history = history
        self._backup = backup
        self._known = known
        self._with_subjects = with_subjects

    def named(self, name: str) -> Iterator[Explanation]:
        """Everything that the name means."""
        history = self._history
        if "@" in name:
            for item in self._backup.with_message_id(name):
                yield from self._item(item)
            return
        if name in history.scripts():
            told = [*self._backup.script(name), *history.of_filter(name)]
            yield self._told(f"The filter {name}", told)
        yield from self._containers(name)
        if name in history.folders or name in history.mountpoints:
            return
        if _ITEM.fullmatch(name):
            yield from self._item(name)
        elif item_id := _DELIVERED.fullmatch(name) and history.item_called(name):
            yield from self._item(item_id)
        elif sentences := list(history.of_message(name)):
            yield self._told(f"The message {name}", sentences)

    def _containers(self, name: str) -> Iterator[Explanation]:
        history, wanted = self._history, name.strip("/")
        for folder, mapped in history.folders.items():
            path = wording.shown(mapped.source)
            if name == folder or wanted in {path, wording.shown(mapped.path)}:
                yield self._told(f"The folder {path} ({folder})", history.of_folder(folder))
        for one, mountpoint in history.mountpoints.items():
            path = wording.shown(mountpoint.source)
            if name == one or wanted == path:
                yield self._told(f"The mountpoint {path} ({one})", history.of_mountpoint(one))

    def _item(self, item: str) -> Iterator[Explanation]:
        history = self._history
        happened = [*history.of_account(), *history.of_item(item)]
        if not happened and not self._backup.states(item):
            return
        if not happened:
            happened = [history.nothing()]
        headers = self._backup.headers(item) if self._with_subjects else {}
        yield self._told(f"Item {item}", [*self._backup.sentences(item), *happened], headers)

    def _told(
        self,
        title: str,
        sentences: Iterator[Sentence] | list[Sentence],
        headers: dict[str, str] | None = None,
    ) -> Explanation:
        known = self._known
        return Explanation(
            restore=known.restore,
            account=known.account,
            address=known.address,
            subject=title,
            sentences=tuple(sentences),
            headers=headers or {},
        )
