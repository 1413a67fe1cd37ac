"""A delivery on its way to the server: the message, read and checked, with CRLF line ends."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
from typing import BinaryIO, NamedTuple

from msgspec.structs import replace

from reinstate_service.destination.contract import Delivered, Delivery, Served
from reinstate_service.destination.imap.append import Message
from reinstate_service.destination.imap.keywords import Fitting
from reinstate_service.destination.lines import with_crlf
from reinstate_service.model import Path

#: A larger message waits in a file, not in memory.
_IN_MEMORY = 4 * 1024 * 1024
_PIECE = 1024 * 1024


class Letter(NamedTuple):
    """A delivery on its way: its number in the batch, the message, the keywords that it goes
    without, and, if that is another than the backup's, the form in which it is `served`."""

    number: int
    path: Path
    message: Message
    left_out: tuple[str, ...]
    served: Served | None

    def with_(self, fitting: Fitting) -> Letter:
        """The same with these flags and keywords."""
        if fitting == (self.message.flags, self.message.keywords, ()):
            return self
        message = replace(self.message, flags=fitting.flags, keywords=fitting.keywords)
        return self._replace(message=message, left_out=(*self.left_out, *fitting.left_out))

    def delivered(self) -> Delivered:
        """The answer to it when it is stored."""
        return Delivered(unrepresented=self.left_out, served=self.served)


def read_letter(number: int, delivery: Delivery) -> Letter:
    """The message, read to its end: only then it is known to be right. Raises ItemError."""
    pieces = with_crlf(delivery.content())
    first = next(pieces, b"")
    content: BinaryIO = io.BytesIO(first)  # most have one piece, which is not copied
    size, item, served = content.seek(0, io.SEEK_END), delivery.item, None
    for piece in pieces:
        if size <= _IN_MEMORY < size + len(piece) and isinstance(content, io.BytesIO):
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the message is delivered
            file.write(content.getbuffer())
            content = file
        content.write(piece)
        size += len(piece)
    content.seek(0)
    if size != item.size:
        served = Served(_digest(content), size)
        content.seek(0)
    message = Message(content, size, item.flags, delivery.keywords, item.date)
    return Letter(number, delivery.path, message, (), served)


def _digest(content: BinaryIO) -> str:
    found = hashlib.sha256()
    while piece := content.read(_PIECE):
        found.update(piece)
    return base64.b64encode(found.digest()).decode().replace("/", ",")
