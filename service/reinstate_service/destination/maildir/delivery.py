"""Deliveries into one account: a batch of items, durable after two flushes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import (
    BackupError,
    DestinationError,
    Interrupted,
    JournalError,
    ReinstateError,
)
from reinstate_service.destination.contract import Delivered, Delivery, Refused
from reinstate_service.destination.maildir.disk import descended, listed, opened, write_all
from reinstate_service.destination.maildir.keywords import all_keywords
from reinstate_service.destination.maildir.layout import (
    FLAG_LETTERS,
    Kind,
    collection_file,
    delivery_of_file,
    delivery_of_message,
    folder_directories,
    kind_of,
    message_base,
    own_path,
)
from reinstate_service.destination.maildir.publishing import Place, Written, publish
from reinstate_service.destination.maildir.storing import Storing
from reinstate_service.destination.maildir.together import Together
from reinstate_service.destination.names import checked_delivery, is_keyword
from reinstate_service.model import Item, Path

#: What our files in Maildir/tmp begin with.
_TEMPORARY = "reinstate."
#: What is no matter of one item.
FATAL = (BackupError, DestinationError, JournalError, Interrupted)


class Sidecar(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a file in a collection cannot say itself: `flags` as in the model's Flag,
    and a document's own `name`."""

    flags: int = 0
    keywords: tuple[str, ...] = ()
    name: str = ""


class Deliverer:
    """Puts items into the folders of one account. Memory grows only with the names."""

    def __init__(
        self,
        storing: Storing,
        together: Together,
        home: int,
        account: tuple[str, ...],
        make: Callable[[Path, Kind], bool],
    ) -> None:
        """`home` is the account's open directory, to which `account` leads. `make` makes a folder
        where it is missing, and answers whether it did."""
        self._storing = storing
        self._disk = storing.disk
        self._together = together
        self._home = home
        self._account = account
        self._make = make
        self._places: dict[tuple[Path, Kind], Place] = {}
        #: What lay in folders that are only looked into.
        self._elsewhere: dict[tuple[Path, Kind], frozenset[str]] = {}
        self._lock: int | None = None

    def made(self, path: Path, kind: Kind) -> None:
        """Tells that this folder has just been made, so that nothing can be in it."""
        place = Place(folder_directories(path, kind), kind)
        self._places.setdefault((path, kind), place)

    def forget(self, path: Path) -> None:
        """Tells that this mailbox has changed, so that it is looked at again."""
        self._places.pop((path, Kind.MAIL), None)
        self._elsewhere.pop((path, Kind.MAIL), None)

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
                self._add_keywords(deliveries)
                reach(At.KEYWORDS_GIVEN)
                written: list[Written] = []
                waiting = list(enumerate(deliveries))
                while waiting:
                    near = {new.twin: new.temporary for new in written}
                    begun, waiting = self._decide(waiting, answers, near)
                    self._together.do(partial(self._write, tmp, near), begun)
                    written += self._settle(begun, answers)
                publish(self._disk, self._home, tmp, written)
                self._remember(written)
            except BaseException:
                self._places.clear()  # what of the batch has its name is looked up anew
                _sweep(tmp)
                raise
        return answers

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

    def _place(self, path: Path, kind: Kind) -> Place:
        path = own_path(path)
        known = self._places.get((path, kind))
        if known is not None:
            return known
        place = Place(folder_directories(path, kind), kind)
        if not self._make(path, kind):
            with descended(self._home, *place.directories) as directory:
                place.names = set(_names_in(directory, kind))
        self._places[path, kind] = place
        return place

    def _add_keywords(self, deliveries: Sequence[Delivery]) -> None:
        """Gives letters to the batch's keywords: one change per folder, not per message."""
        wanted: dict[Path, dict[str, None]] = defaultdict(dict)
        for delivery in deliveries:
            if kind_of(delivery.item.type) is Kind.MAIL:
                found = all_keywords(delivery.item.flags, delivery.keywords)
                wanted[delivery.path].update(dict.fromkeys(filter(is_keyword, found)))
        for path, keywords in wanted.items():
            if keywords:
                try:
                    place = self._place(path, Kind.MAIL)
                except Refused:
                    continue  # each delivery is told by _write
                with descended(self._home, *place.directories) as folder:
                    place.keywords.add(self._disk, folder, keywords)

    def _found_elsewhere(self, delivery: Delivery, kind: Kind) -> Path | None:
        """The first of the delivery's other folders that has it."""
        for path in delivery.elsewhere:
            names = self._elsewhere.get((path, kind))
            if names is None:
                names = self._elsewhere[path, kind] = self._looked_into(path, kind)
            if delivery.name in names:
                return path
        return None

    def _looked_into(self, path: Path, kind: Kind) -> frozenset[str]:
        """What lies in a folder that may not be there or not be whole."""
        known = self._places.get((path, kind))
        if known is not None:
            return frozenset(known.names)
        try:
            with descended(self._home, *folder_directories(own_path(path), kind)) as directory:
                return frozenset(_names_in(directory, kind))
        except (FileNotFoundError, Refused):
            return frozenset()

    def _remember(self, published: Iterable[Written]) -> None:
        """Lets others share the files of these."""
        if self._storing.twins:
            self._storing.twins.add(
                (new.twin, (*self._account, *new.place.directories, "cur", new.final))
                for new in published
                if new.twin
            )

    def _twin(self, new: Written, near: Mapping[str | None, str]) -> tuple[str, ...] | None:
        """The way to a file that it may share: one of the same batch, or else a durable one."""
        if self._storing.twins is None or new.twin is None:
            return None
        if (temporary := near.get(new.twin)) is not None:
            return (*self._account, "Maildir", "tmp", temporary)
        return self._storing.twins.find(new.twin)

    def _decide(
        self,
        waiting: Sequence[tuple[int, Delivery]],
        answers: list[Delivered],
        near: Container[str | None],
    ) -> tuple[list[Written], list[tuple[int, Delivery]]]:
        """What is to be written, and what has to wait because one of these may take its name, or
        is the first of its twins, of which none is `near`. Answers for the others."""
        writing: dict[tuple[tuple[str, ...], str], Written] = {}
        twins: set[str] = set()
        later: list[tuple[int, Delivery]] = []
        for index, delivery in waiting:
            try:
                name = checked_delivery(delivery.name)
                place = self._place(delivery.path, kind_of(delivery.item.type))
                if name in place.names:
                    answers[index] = Delivered(found=True)
                elif (path := self._found_elsewhere(delivery, place.kind)) is not None:
                    answers[index] = Delivered(found=True, elsewhere=path)
                elif (place.directories, name) in writing or (
                    (twin := self._storing.twin_key(delivery)) in twins and twin not in near
                ):
                    later.append((index, delivery))
                else:
                    new = Written(index, delivery, place, f"{_TEMPORARY}{index}", twin)
                    writing[place.directories, name] = new
                    if twin:
                        twins.add(twin)
            except FATAL:
                raise
            except ReinstateError as error:
                answers[index] = Delivered(error=error)
        return list(writing.values()), later

    def _write(self, tmp: int, near: Mapping[str | None, str], new: Written) -> None:
        """Writes the item into tmp/, where its twins that are `near` are called so. Called in
        several threads at once."""
        try:
            new.stored = self._storing.write(
                tmp, new.temporary, new.delivery, self._twin(new, near)
            )
            if new.place.kind is not Kind.MAIL:
                new.extra = self._write_sidecar(tmp, new.temporary, new.delivery)
        except FATAL:
            raise
        except ReinstateError as error:
            new.error = error

    def _settle(self, begun: Iterable[Written], answers: list[Delivered]) -> Iterator[Written]:
        """Those that were written, with their names."""
        for new in begun:
            if new.error is not None:
                answers[new.index] = Delivered(error=new.error)
                continue
            delivery = new.delivery
            unrepresented: tuple[str, ...] = ()
            if new.place.kind is Kind.MAIL:
                new.final, unrepresented = _message_name(new.place, delivery, new.stored.size)
            else:
                item = delivery.item
                new.final = collection_file(delivery.name, item.type, item.name)
            new.place.names.add(delivery.name)
            answers[new.index] = Delivered(unrepresented=unrepresented, taken=new.stored.taken)
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


def _message_name(place: Place, delivery: Delivery, size: int) -> tuple[str, tuple[str, ...]]:
    """The file name in cur/, and the keywords there was no letter for."""
    item: Item = delivery.item
    letters = "".join(letter for letter, flag in FLAG_LETTERS.items() if flag in item.flags)
    found, unrepresented = set(), []
    for keyword in all_keywords(item.flags, delivery.keywords):
        letter = place.keywords.letter(keyword)
        if letter is None:
            unrepresented.append(keyword)
        else:
            found.add(letter)
    base = message_base(item.date, delivery.name)
    return f"{base},S={size}:2,{letters}{''.join(sorted(found))}", tuple(unrepresented)


def _names_in(directory: int, kind: Kind) -> Iterator[str]:
    """The deliveries whose items lie in a folder."""
    if kind is not Kind.MAIL:
        for file_name in listed(directory):
            if not file_name.startswith("."):
                yield delivery_of_file(file_name)[0]
        return
    for part in ("cur", "new"):
        with opened(part, directory) as inside, os.scandir(inside) as entries:
            for entry in entries:
                yield delivery_of_message(entry.name)


def _sweep(tmp: int) -> None:
    """Removes what is ours from tmp/."""
    for name in listed(tmp):
        if name.startswith(_TEMPORARY):
            os.unlink(name, dir_fd=tmp)
            reach(At.TEMPORARY_SWEPT)
