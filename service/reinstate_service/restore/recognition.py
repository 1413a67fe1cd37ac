"""Which of the intended items stand among a mailbox's arrivals: compared by content.

Servers store messages with line ends of their own, so contents are compared as if every
line ended in CRLF. Two messages of one content are two: everything is a multiset. A message
that the server has changed is recognised only if what it kept leaves no doubt.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from reinstate_service.destination.contract import Served
from reinstate_service.destination.fence import Arrival
from reinstate_service.destination.lines import with_crlf
from reinstate_service.model import Frozen

#: How many bytes a server may add to a message, or take from it, and be recognised still.
_CHANGED_BYTES = 64 * 1024
#: More of a header is not kept; nobody has that much.
_HEADER_BYTES = 1024 * 1024


class Fingerprint(Frozen, frozen=True):
    """A message by what survives a server: sizes and digests are those with CRLF line ends."""

    size: int
    digest: bytes
    header: tuple[bytes, ...]
    body: bytes

    @property
    def served(self) -> Served:
        """Digest and size as the contract writes them."""
        return Served(base64.b64encode(self.digest).decode().replace("/", ","), self.size)

    @property
    def message_id(self) -> bytes:
        """The line that holds it, or nothing."""
        found = (line for line in self.header if line[:11].lower() == b"message-id:")
        return next(found, b"")


class Match(Frozen, frozen=True):
    """The message that an intended item is; *probable* if the server has changed it."""

    message: Fingerprint
    probable: bool = False


class Recognised(Frozen, frozen=True):
    """The intended items by their keys: those that are there, and those that cannot be told,
    each with the reason."""

    there: Mapping[str, Match]
    doubtful: Mapping[str, str]


def fingerprint(pieces: Iterable[bytes]) -> Fingerprint:
    """The fingerprint of a message that comes in pieces; holds only its header."""
    whole, body = hashlib.sha256(), hashlib.sha256()
    size, header, in_header = 0, b"", True
    for piece in with_crlf(pieces):
        size += len(piece)
        whole.update(piece)
        if not in_header:
            body.update(piece)
            continue
        header += piece
        end = header.find(b"\r\n\r\n")
        if end >= 0 or len(header) > _HEADER_BYTES:
            end = len(header) if end < 0 else end + 2
            body.update(header[end:])
            header, in_header = header[:end], False
    return Fingerprint(size, whole.digest(), tuple(header.splitlines()), body.digest())


def recognise(
    intended: Mapping[str, Fingerprint],
    arrivals: Sequence[Arrival],
    read: Callable[[int], Iterable[bytes]],
) -> Recognised:
    """Finds the intended items among the arrivals; `read` answers the message of a UID.

    Only arrivals of about the size of an intended item are read.
    """
    sizes = {one.size for one in intended.values()}
    free = [
        fingerprint(read(one.uid))
        for one in arrivals
        if any(abs(one.size - size) <= _CHANGED_BYTES for size in sizes)
    ]
    there: dict[str, Match] = {}
    for probable, same in ((False, _same), (True, _changed_by_server)):
        for key, wanted in intended.items():
            if key in there:
                continue
            place = next((n for n, found in enumerate(free) if same(wanted, found)), None)
            if place is not None:
                there[key] = Match(free.pop(place), probable)
    ids: dict[bytes, int] = defaultdict(int)
    for found in free:
        ids[found.message_id] += 1
    doubtful = {
        key: "a message with its Message-ID, but with another content, has arrived meanwhile"
        for key, wanted in intended.items()
        if key not in there and wanted.message_id and ids[wanted.message_id]
    }
    return Recognised(there, doubtful)


def _same(wanted: Fingerprint, found: Fingerprint) -> bool:
    return wanted.size == found.size and wanted.digest == found.digest


def _changed_by_server(wanted: Fingerprint, found: Fingerprint) -> bool:
    """Whether `found` is what a server may make of `wanted`: it has added header lines, or has
    changed bytes of the body that it cannot store. What has no header proves nothing."""
    if not wanted.header:
        return False
    if wanted.size == found.size and wanted.header == found.header:
        return True
    lines = iter(found.header)
    return wanted.body == found.body and all(line in lines for line in wanted.header)
