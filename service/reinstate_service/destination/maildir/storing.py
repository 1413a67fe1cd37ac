"""How the content of an item becomes a file: as it is, as the gzip file that the backup has, or as
one that shares the file of its twin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.contract import Delivery, Refused
from reinstate_service.destination.maildir.disk import Disk, write_all
from reinstate_service.destination.maildir.layout import Kind, kind_of
from reinstate_service.destination.maildir.packed import Packing, is_served, is_taken_for_packed
from reinstate_service.destination.maildir.twins import Twins
from reinstate_service.gunzip import Packed


class Stored(NamedTuple):
    """The size of a content, and how many bytes were written for it if not all of them: none for
    a file that shares another's."""

    size: int
    taken: int | None = None


class _Content(NamedTuple):
    """What is stored: `packed` is the gzip file that is kept."""

    delivery: Delivery
    packed: Packed | None = None

    @property
    def is_mail(self) -> bool:
        return kind_of(self.delivery.item.type) is Kind.MAIL

    @property
    def may_look_packed(self) -> bool:
        """Whether its server could take it for a compressed file that it is not."""
        return self.packed is None and self.is_mail

    @property
    def moment(self) -> int:
        """The file's modification time, in nanoseconds."""
        return self.delivery.item.date * 1_000_000

    def pieces(self) -> Iterator[bytes]:
        """What the file will hold; an OSError in it is the backup's, not the destination's."""
        try:
            yield from self.packed.pieces() if self.packed else self.delivery.content()
        except OSError as error:
            raise Refused(detail=f"the content cannot be read: {error}") from error

    def shared(self, length: int) -> Stored:
        """The answer for a file of so many bytes that another one has already."""
        return Stored(self.packed.size if self.packed else length, 0)


@dataclass(frozen=True)
class Storing:
    """How a destination stores messages. With `keep`, as the backup's gzip files where it has
    them. `unpacks` says that its server unpacks such files; otherwise `found_lookalike` is called
    before a message is stored that such a server would take for one. `twins` are what messages
    may share a file with, if they may.
    """

    disk: Disk
    keep: bool
    unpacks: bool
    found_lookalike: Callable[[], None]
    twins: Twins | None = None

    def twin_key(self, delivery: Delivery) -> str | None:
        """The same for deliveries that may share a file; None for what shares none."""
        shares = self.twins is not None and kind_of(delivery.item.type) is Kind.MAIL
        return self.twins.key(delivery.item) if self.twins and shares else None

    def write(
        self, tmp: int, temporary: str, delivery: Delivery, twin: tuple[str, ...] | None = None
    ) -> Stored:
        """Makes a file with the content and the date, called `temporary` in the open directory
        `tmp`; `twin` leads from the root to one that may be shared. Raises what the content
        raises."""
        content = _Content(delivery)
        packed = delivery.packed() if self.keep and content.is_mail else None
        if packed is None:
            return self._write(tmp, temporary, content, twin)
        with closing(packed):
            if is_served(packed.head):
                content = _Content(delivery, packed)
            return self._write(tmp, temporary, content, twin)

    def _write(
        self, tmp: int, temporary: str, content: _Content, twin: tuple[str, ...] | None
    ) -> Stored:
        twins = self.twins
        if twins and twin and twins.way == "link":
            length = twins.link(twin, content.pieces(), tmp, temporary, content.moment)
            if length is not None:
                return content.shared(length)
        descriptor = self.disk.new_file(tmp, temporary)
        reach(At.CONTENT_EMPTY)
        try:
            length = None
            if twins and twin and twins.way == "reflink":
                length = twins.clone(twin, content.pieces(), descriptor)
            stored = content.shared(length) if length is not None else None
            stored = stored or self._fill(descriptor, content)
            os.utime(descriptor, ns=(content.moment, content.moment))
            reach(At.CONTENT_WRITTEN)
        except ReinstateError:
            os.unlink(temporary, dir_fd=tmp)
            raise
        finally:
            os.close(descriptor)
        return stored

    def _fill(self, descriptor: int, content: _Content) -> Stored:
        packed, size, packing = content.packed, 0, None
        if packed and self.disk.clone(packed.descriptor, descriptor):
            packed.require_unchanged()
            return Stored(packed.size, 0)
        for piece in content.pieces():
            if size == 0 and piece and content.may_look_packed and is_taken_for_packed(piece):
                packing = self._looks_packed()
            size += len(piece)
            if stored := packing.pack(piece) if packing else piece:
                write_all(descriptor, stored)
        if packing:
            write_all(descriptor, packing.end())
        return Stored(packed.size, size) if packed else Stored(size)

    def _looks_packed(self) -> Packing | None:
        """How content is stored that begins as a compressed file does."""
        if self.unpacks:
            return Packing()
        self.found_lookalike()
        return None
