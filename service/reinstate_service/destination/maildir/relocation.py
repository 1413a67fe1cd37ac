"""Messages that move from one account's mailbox into another's, one rename each.

A rename is one step for whoever looks: a message is in the one mailbox or in the
other. Where the file system cannot rename without replacing, a message is linked
and then unlinked (see `Disk.move`); what a crash leaves between the two is one file
under two names, and is finished by the next call.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import Missing
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.folders import is_mailbox
from reinstate_service.destination.maildir.keywords import FILE, Keywords, parsed
from reinstate_service.destination.maildir.layout import (
    base_name,
    folder_directory,
    keyword_letters,
    with_keyword_letters,
)
from reinstate_service.destination.maildir.looking import descended, is_same_file, opened, read_file
from reinstate_service.destination.names import relocated_name
from reinstate_service.model import Path


class Spot(NamedTuple):
    """A mailbox: its account's open home and address, and its path."""

    home: int
    address: str
    path: Path


class _Found(NamedTuple):
    """A message's file: the open directory it is in, and its name there."""

    part: int
    name: str


class _Mailbox:
    """A mailbox's open directories."""

    def __init__(self, folder: int, cur: int, new: int) -> None:
        self.folder = folder
        self.cur = cur
        self.new = new

    def messages(self) -> dict[str, _Found]:
        """Its messages by their base names."""
        found = {}
        for part in (self.new, self.cur):
            with os.scandir(part) as entries:
                for entry in entries:
                    base = base_name(entry.name)
                    if base and entry.is_file(follow_symlinks=False):
                        found[base] = _Found(part, entry.name)
        return found

    def keywords(self) -> dict[int, str]:
        """Its keywords by their number."""
        return parsed(read_file(self.folder, FILE))

    def flush(self, disk: Disk) -> None:
        """Makes its entries durable."""
        disk.flush_directories([self.cur, self.new])


def message_names(home: int, path: Path) -> list[str]:
    """The base names of a mailbox's messages, in order; none if there is no such mailbox."""
    with _opened(home, path) as mailbox:
        return sorted(mailbox.messages()) if mailbox is not None else []


def relocate(disk: Disk, source: Spot, target: Spot, names: Sequence[str]) -> list[bool]:
    """Moves messages, and answers for each whether it is in the target now.

    A message whose name another one in the target has gets a further name after it (see
    `relocated_name`). Both mailboxes are flushed on return, the target first. Raises Missing.
    """
    with _opened(target.home, target.path) as there, _opened(source.home, source.path) as here:
        if there is None:
            raise Missing(what=f"folder {'/'.join(target.path)} of {target.address}")
        if here is None or (source.address, source.path) == (target.address, target.path):
            present = there.messages()
            answers = [name in present for name in names]
            there.flush(disk)
            return answers
        moves = _Moves(disk, here, there, source)
        moves.give_letters(names)
        reach(At.LETTERS_GIVEN)
        answers = [moves.move(name) for name in names]
        reach(At.MESSAGES_MOVED)
        there.flush(disk)
        reach(At.TARGET_FLUSHED)
        here.flush(disk)
        return answers


class _Moves:
    """The moves of one call."""

    def __init__(self, disk: Disk, here: _Mailbox, there: _Mailbox, origin: Spot) -> None:
        self._disk = disk
        self._here = here
        self._there = there
        self._origin = origin
        self._present = there.messages()
        self._letters = Keywords()
        self._asked: set[str] = set()
        self._look_again()

    def give_letters(self, names: Iterable[str]) -> None:
        """Gives letters in the target to the keywords of these messages, all at once."""
        files = [self._waiting[name].name for name in names if name in self._waiting]
        self._ask({word for file_name in files for word in self._words(file_name)})

    def move(self, name: str) -> bool:
        """Moves one message; its user may change its flags, and so its file's name, meanwhile."""
        while (found := self._waiting.get(name)) is not None:
            final = name
            try:
                while (taken := self._present.get(final)) is not None:
                    if is_same_file(*found, *taken):
                        os.unlink(found.name, dir_fd=found.part)
                        reach(At.SECOND_NAME_REMOVED)
                        del self._waiting[name]
                        return True
                    final = relocated_name(final, self._origin.address, self._origin.path)
                self._rename(found, final)
            except (FileNotFoundError, FileExistsError) as error:
                self._look_again()
                present = self._there.messages()
                if self._waiting.get(name) == found and present == self._present:
                    raise error from None
                self._present = present
            else:
                del self._waiting[name]
        return name in self._present

    def _rename(self, found: _Found, final: str) -> None:
        words = self._words(found.name)
        self._ask(words)
        letters = {self._letters.letter(word) or "" for word in words}
        rest = with_keyword_letters(found.name, "".join(sorted(letters)))
        file_name = final + rest[len(base_name(found.name)) :]
        part = self._there.cur if found.part == self._here.cur else self._there.new
        self._disk.move(found.part, found.name, part, file_name)
        reach(At.MESSAGE_MOVED)
        self._present[final] = _Found(part, file_name)

    def _look_again(self) -> None:
        self._names = self._here.keywords()
        self._waiting = self._here.messages()

    def _words(self, file_name: str) -> set[str]:
        numbers = (ord(letter) - ord("a") for letter in keyword_letters(file_name))
        return {self._names[number] for number in numbers if number in self._names}

    def _ask(self, words: set[str]) -> None:
        if words - self._asked:
            self._letters.add(self._disk, self._there.folder, sorted(words - self._asked))
            self._asked |= words


@contextmanager
def _opened(home: int, path: Path) -> Iterator[_Mailbox | None]:
    """Opens a mailbox of the account's own; None if there is none."""
    name = folder_directory(path)
    with ExitStack() as stack:
        maildir = stack.enter_context(descended(home, "Maildir"))
        if not is_mailbox(maildir, name):
            yield None
            return
        folder = stack.enter_context(opened(name, maildir))
        cur, new = (stack.enter_context(opened(part, folder)) for part in ("cur", "new"))
        yield _Mailbox(folder, cur, new)
