"""Deliveries into one account: a batch of items, durable after two flushes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import msgspec

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import (
    BackupError,
    DestinationError,
    Interrupted,
    JournalError,
    ReinstateError,
)
from reinstate_service.destination.contract import Delivered, Delivery
from reinstate_service.destination.maildir.disk import descended, listed, write_all
from reinstate_service.destination.maildir.keywords import all_keywords
from reinstate_service.destination.maildir.layout import (
    Kind,
    collection_file,
    flag_letters,
    kind_of,
    message_base,
)
from reinstate_service.destination.maildir.places import Place, Places
from reinstate_service.destination.maildir.storing import Storing
from reinstate_service.destination.names import checked_delivery
from reinstate_service.model import Item, Path
from reinstate_service.threads import Behind, Together

T = TypeVar("T")

#: What our files in Maildir/tmp begin with.
_TEMPORARY = "reinstate."
#: What is no matter of one item.
FATAL = (BackupError, DestinationError, JournalError, Interrupted)
#: So many items are made durable while the next ones are written.
_PART = 500
#: How many folders are held open at once.
_MOST_OPEN = 64


class Sidecar(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a file in a collection cannot say itself: `flags` as in the model's Flag,
    and a document's own `name`."""

    flags: int = 0
    keywords: tuple[str, ...] = ()
    name: str = ""


@dataclass(slots=True)
class _Written:
    """An item on its way into tmp/, and then in there: the name it is going to have; `extra` is
    another name in tmp/ and the one for it. `error` is why it is not there."""

    index: int
    delivery: Delivery
    place: Place
    temporary: str
    final: str = ""
    extra: tuple[str, str] | None = None
    unrepresented: tuple[str, ...] = ()
    error: ReinstateError | None = None


class Deliverer:
    """Puts items into the folders of one account. Memory grows only with the names."""

    def __init__(
        self,
        storing: Storing,
        together: Together,
        home: int,
        make: Callable[[Path, Kind], bool],
    ) -> None:
        """`home` is the account's open directory. `make` makes a folder where it is
        missing, and answers whether it did."""
        self._storing = storing
        self._disk = storing.disk
        self._together = together
        self._home = home
        self.places = Places(storing.disk, home, make)
        self._lock: int | None = None

    def close(self) -> None:
        """Lets another restore deliver into the account."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def deliver(self, deliveries: Sequence[Delivery]) -> list[Delivered]:
        """See `Mailbox.deliver`. Raises OSError."""
        answers: list[Delivered] = [Delivered()] * len(deliveries)
        with descended(self._home, "Maildir", "tmp") as tmp:
            self._own(tmp)
            try:
                self.places.add_keywords(deliveries)
                reach(At.KEYWORDS_GIVEN)
                with Behind() as behind:
                    self._deliver_parts(tmp, deliveries, answers, behind)
            except BaseException:
                self.places.clear()  # what of the batch has its name is looked up anew
                _sweep(tmp)
                raise
        return answers

    def _deliver_parts(
        self,
        tmp: int,
        deliveries: Sequence[Delivery],
        answers: list[Delivered],
        behind: Behind,
    ) -> None:
        """Writes one part of the batch while the one before is made durable."""
        parts = deque(_batched(enumerate(deliveries), _PART))
        while parts:
            begun, later = self._decide(parts.popleft(), answers)
            if later:
                parts.append(later)
            self._together.do(partial(self._write, tmp), begun)
            written = list(self._settle(begun, answers))
            behind.wait()
            if parts:
                behind.start(partial(self._publish, tmp, written))
            else:
                self._publish(tmp, written)

    def _own(self, tmp: int) -> None:
        """Before the first delivery: nobody else delivers here, and what a killed run
        left in tmp/ goes."""
        if self._lock is not None:
            return
        lock = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=tmp)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if error.errno != errno.EWOULDBLOCK:
                raise
            raise DestinationError(
                destination=self._disk.location,
                detail="another restore is delivering into the same account",
            ) from error
        self._lock = lock
        _sweep(tmp)

    def _decide(
        self, waiting: Sequence[tuple[int, Delivery]], answers: list[Delivered]
    ) -> tuple[list[_Written], list[tuple[int, Delivery]]]:
        """What is to be written, and what has to wait because one of these may take its name.
        Answers for the others."""
        writing: dict[tuple[tuple[str, ...], str], _Written] = {}
        later: list[tuple[int, Delivery]] = []
        for index, delivery in waiting:
            try:
                name = checked_delivery(delivery.name)
                place = self.places.get(delivery.path, kind_of(delivery.item.type))
                if name in place.names:
                    answers[index] = Delivered(found=True)
                elif (path := self.places.found_elsewhere(delivery, place.kind)) is not None:
                    answers[index] = Delivered(found=True, elsewhere=path)
                elif (place.directories, name) in writing:
                    later.append((index, delivery))
                else:
                    new = _Written(index, delivery, place, f"{_TEMPORARY}{index}")
                    writing[place.directories, name] = new
            except FATAL:
                raise
            except ReinstateError as error:
                answers[index] = Delivered(error=error)
        return list(writing.values()), later

    def _write(self, tmp: int, new: _Written) -> None:
        """Writes the item into tmp/. Called in several threads at once."""
        self._disk.require_sound()
        delivery, item = new.delivery, new.delivery.item
        try:
            size = self._storing.write(tmp, new.temporary, delivery, new.place.kind)
            if new.place.kind is Kind.MAIL:
                new.final, new.unrepresented = _message_name(new.place, delivery, size)
            else:
                new.final = collection_file(delivery.name, item.type, item.name)
                new.extra = self._write_sidecar(tmp, new.temporary, delivery)
        except FATAL:
            raise
        except ReinstateError as error:
            new.error = error

    def _settle(self, begun: Iterable[_Written], answers: list[Delivered]) -> Iterator[_Written]:
        """Those that were written. Answers for all of them."""
        for new in begun:
            answers[new.index] = Delivered(error=new.error, unrepresented=new.unrepresented)
            if new.error is None:
                new.place.names.add(new.delivery.name)
                yield new

    def _write_sidecar(
        self, tmp: int, temporary: str, delivery: Delivery
    ) -> tuple[str, str] | None:
        item = delivery.item
        sidecar = Sidecar(int(item.flags), tuple(sorted(set(delivery.keywords))), item.name)
        if sidecar == Sidecar():
            return None
        descriptor = self._disk.new_file(tmp, f"{temporary}.json")
        try:
            write_all(descriptor, msgspec.json.encode(sidecar) + b"\n")
            reach(At.SIDECAR_WRITTEN)
        finally:
            os.close(descriptor)
        return f"{temporary}.json", f".{delivery.name}.json"

    def _publish(self, tmp: int, written: Sequence[_Written]) -> None:
        """One flush for the files, then their names, then a flush for the folders."""
        if not written:
            return
        reach(At.BATCH_WRITTEN)
        temporaries = [new.temporary for new in written]
        self._disk.flush_many(tmp, temporaries + [new.extra[0] for new in written if new.extra])
        reach(At.BATCH_FLUSHED)
        by_directory: dict[tuple[str, ...], list[_Written]] = defaultdict(list)
        for new in written:
            directories = new.place.directories
            mail = new.place.kind is Kind.MAIL
            by_directory[(*directories, "cur") if mail else directories].append(new)
        for some in _batched(by_directory.items(), _MOST_OPEN):
            with ExitStack() as stack:
                touched = []
                for directories, items in some:
                    directory = stack.enter_context(descended(self._home, *directories))
                    for new in items:
                        if new.extra is not None:
                            os.rename(*new.extra, src_dir_fd=tmp, dst_dir_fd=directory)
                            reach(At.SIDECAR_RENAMED)
                        os.rename(new.temporary, new.final, src_dir_fd=tmp, dst_dir_fd=directory)
                        reach(At.ITEM_RENAMED)
                    touched.append(directory)
                reach(At.BATCH_RENAMED)
                self._disk.flush_directories(touched)
                reach(At.BATCH_DURABLE)


def _batched(entries: Iterable[T], size: int) -> Iterator[list[T]]:
    """`entries` in lists of at most `size`."""
    iterator = iter(entries)
    while some := list(islice(iterator, size)):
        yield some


def _message_name(place: Place, delivery: Delivery, size: int) -> tuple[str, tuple[str, ...]]:
    """The file name in cur/, and the keywords there was no letter for."""
    item: Item = delivery.item
    found, unrepresented = set(), []
    for keyword in all_keywords(item.flags, delivery.keywords):
        letter = place.keywords.letter(keyword)
        if letter is None:
            unrepresented.append(keyword)
        else:
            found.add(letter)
    base = message_base(item.date, delivery.name)
    return f"{base},S={size}:2,{flag_letters(item.flags)}{''.join(sorted(found))}", tuple(
        unrepresented
    )


def _sweep(tmp: int) -> None:
    """Removes what is ours from tmp/."""
    for name in listed(tmp):
        if name.startswith(_TEMPORARY):
            os.unlink(name, dir_fd=tmp)
            reach(At.TEMPORARY_SWEPT)
