"""How the content of an item becomes a file: as it is, or as the gzip file that the backup has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.contract import Delivery, Refused
from reinstate_service.destination.maildir.disk import Disk, write_all
from reinstate_service.destination.maildir.layout import Kind
from reinstate_service.destination.maildir.packed import Packing, is_served, is_taken_for_packed


@dataclass(frozen=True)
class Storing:
    """How a destination stores messages. With `keep`, as the backup's gzip files where it has
    them. `unpacks` says that its server unpacks such files; otherwise `found_lookalike` is called
    before a message is stored that such a server would take for one.
    """

    disk: Disk
    keep: bool
    unpacks: bool
    found_lookalike: Callable[[], None]

    def write(self, tmp: int, temporary: str, delivery: Delivery, kind: Kind) -> int:
        """Writes the content into the new file `temporary` of the open directory `tmp`, with the
        item's date; answers its size before any packing. Raises what the content raises."""
        mail = kind is Kind.MAIL
        descriptor = self.disk.new_file(tmp, temporary)
        reach(At.CONTENT_EMPTY)
        try:
            size = self._write_kept(descriptor, delivery) if mail and self.keep else None
            if size is None:
                size = self._write_plain(descriptor, delivery, mail=mail)
            moment = delivery.item.date * 1_000_000
            os.utime(descriptor, ns=(moment, moment))
            reach(At.CONTENT_WRITTEN)
        except ReinstateError:
            os.unlink(temporary, dir_fd=tmp)
            raise
        finally:
            os.close(descriptor)
        return size

    def _write_kept(self, descriptor: int, delivery: Delivery) -> int | None:
        """None if the backup has no gzip file of it that the server reads."""
        packed = delivery.packed()
        if packed is None:
            return None
        with closing(packed):
            if not is_served(packed.head):
                return None
            if not self.disk.clone(packed.descriptor, descriptor):
                for piece in _pieces(packed.pieces):
                    write_all(descriptor, piece)
            packed.require_unchanged()
            return packed.size

    def _write_plain(self, descriptor: int, delivery: Delivery, *, mail: bool) -> int:
        size, packing = 0, None
        for piece in _pieces(delivery.content):
            if mail and size == 0 and piece and is_taken_for_packed(piece):
                if self.unpacks:
                    packing = Packing()
                else:
                    self.found_lookalike()
            size += len(piece)
            if stored := packing.pack(piece) if packing else piece:
                write_all(descriptor, stored)
        if packing:
            write_all(descriptor, packing.end())
        return size


def _pieces(content: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """The content; an OSError in it is the backup's, not the destination's."""
    try:
        yield from content()
    except OSError as error:
        raise Refused(detail=f"the content cannot be read: {error}") from error
