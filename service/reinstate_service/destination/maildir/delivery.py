"""Deliveries into one account: a batch of items, durable after two flushes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from reinstate_service.destination.contract import Delivered, Delivery
from reinstate_service.destination.maildir.disk import write_all
from reinstate_service.destination.maildir.keywords import all_keywords
from reinstate_service.destination.maildir.layout import (
    Kind,
    collection_file,
    flag_letters,
    kind_of,
    message_base,
)
from reinstate_service.destination.maildir.looking import descended, listed
from reinstate_service.destination.maildir.places import Place, Places
from reinstate_service.destination.maildir.publishing import Written, publish
from reinstate_service.destination.maildir.storing import Storing
from reinstate_service.destination.names import checked_delivery
from reinstate_service.model import Item, Path
from reinstate_service.threads import TURN, Behind, Together

#: What our files in Maildir/tmp begin with.
_TEMPORARY = "reinstate."
#: Items of fewer bytes on average are written by one thread: what two of them lose to each other,
#: waiting for Python's lock, is more than they gain.
_SHARED = 8 << 10
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
        self.places = Places(storing.disk, home, make)
        self._behind = Behind()
        self._count = 0
        self._tmp: int | None = None

    def close(self) -> None:
        """Lets another restore deliver into the account. What of a failed batch lies in tmp/ goes,
        as far as that is possible; else the next run sweeps it."""
        self._behind.close()
        if self._tmp is not None:
            with suppress(OSError):
                _sweep(self._tmp)
            os.close(self._tmp)
            self._tmp = None

    def begin(self, deliveries: Sequence[Delivery]) -> Callable[[], list[Delivered]]:
        """See `OverlappingMailbox.begin`. Raises OSError, as does what it answers."""
        answers: list[Delivered] = [Delivered()] * len(deliveries)
        tmp = self._own()
        try:
            self.places.add_keywords(deliveries)
            reach(At.KEYWORDS_GIVEN)
            written = self._write_all(tmp, deliveries, answers)
            published = self._behind.start(partial(self._publish, tmp, written))
        except BaseException:
            self._give_up(tmp)
            raise
        return partial(self._durable, tmp, published, answers)

    def _durable(
        self, tmp: int, published: Callable[[], None], answers: list[Delivered]
    ) -> list[Delivered]:
        try:
            published()
        except BaseException:
            self._give_up(tmp)
            raise
        return answers

    def _give_up(self, tmp: int) -> None:
        """What is under way is through; what has no name yet goes, and what has is looked up."""
        self._behind.rest()
        self.places.clear()
        _sweep(tmp)

    def _own(self) -> int:
        """Maildir/tmp, open. Before the first delivery: nobody else delivers here, and what a
        killed run left there goes."""
        if self._tmp is not None:
            return self._tmp
        with descended(self._home, "Maildir", "tmp") as found:
            tmp = os.dup(found)
        try:
            fcntl.flock(tmp, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(tmp)
            if error.errno != errno.EWOULDBLOCK:
                raise
            raise DestinationError(
                destination=self._disk.location,
                detail="another restore is delivering into the same account",
            ) from error
        self._tmp = tmp
        _sweep(tmp)
        return tmp

    def _write_all(
        self, tmp: int, deliveries: Sequence[Delivery], answers: list[Delivered]
    ) -> list[Written]:
        """Writes into tmp/ what is not there yet. Answers for all that is not written."""
        written: list[Written] = []
        waiting = list(enumerate(deliveries))
        while waiting:
            near = {new.twin: new.temporary for new in written}
            begun, waiting = self._decide(waiting, answers, near)
            self._write_begun(partial(self._write, tmp, near), begun)
            written += self._settle(begun, answers)
        return written

    def _write_begun(self, write: Callable[[Written], None], begun: Sequence[Written]) -> None:
        def in_turn() -> Sequence[Written]:
            if sum(new.delivery.item.size for new in begun) >= len(begun) * _SHARED:
                self._together.do(write, begun)
            else:
                for new in begun:
                    write(new)
            return begun

        TURN.do(in_turn)

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
                place = self.places.get(delivery.path, kind_of(delivery.item.type))
                if name in place.names:
                    answers[index] = Delivered(found=True)
                elif (path := self.places.found_elsewhere(delivery, place.kind)) is not None:
                    answers[index] = Delivered(found=True, elsewhere=path)
                elif (place.directories, name) in writing or (
                    (twin := self._storing.twin_key(delivery)) in twins and twin not in near
                ):
                    later.append((index, delivery))
                else:
                    new = Written(index, delivery, place, f"{_TEMPORARY}{self._count}", twin)
                    self._count += 1
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
        self._disk.require_sound()
        delivery, item = new.delivery, new.delivery.item
        try:
            twin = self._twin(new, near)
            new.stored = self._storing.write(tmp, new.temporary, delivery, twin)
            if new.place.kind is Kind.MAIL:
                named = _message_name(new.place, delivery, new.stored.size)
                new.final, new.unrepresented = named
            else:
                new.final = collection_file(delivery.name, item.type, item.name)
                new.extra = self._write_sidecar(tmp, new.temporary, delivery)
        except FATAL:
            raise
        except ReinstateError as error:
            new.error = error

    def _settle(self, begun: Iterable[Written], answers: list[Delivered]) -> Iterator[Written]:
        """Those that were written. Answers for all of them."""
        for new in begun:
            if new.error is not None:
                answers[new.index] = Delivered(error=new.error)
                continue
            new.place.names.add(new.delivery.name)
            answers[new.index] = Delivered(unrepresented=new.unrepresented, taken=new.stored.taken)
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

    def _publish(self, tmp: int, written: Sequence[Written]) -> None:
        publish(self._disk, self._home, tmp, written)
        self._remember(written)


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
