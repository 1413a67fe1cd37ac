"""Contents on their way out of an archive: hashed where they pass, kept where they are small."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from reinstate_service.model import Frozen
from reinstate_service.source.archives import kinds
from reinstate_service.source.archives.entries import TooLong, whole
from reinstate_service.source.archives.errors import ContentTooLarge
from reinstate_service.source.archives.meta import Meta
from reinstate_service.source.contract import BlobCorrupt, ItemError

#: Zimbra counts a message's size in 32 bits.
LARGEST = (1 << 31) - 1
#: Photos of a contact, files of an appointment: read into memory as a whole.
LARGEST_CONVERTED = 64 << 20
_SHA1_LENGTH = 28


class Passed(Frozen, frozen=True):
    """A body that passed by: its digest and size, and where it begins among all of them."""

    digest: str
    size: int
    start: int


#: A body as `Hashing` takes it.
Body = Passed | bytes | ItemError | None


def is_streamed(meta: Meta) -> bool:
    """Whether the record's content is its body as it is."""
    type_ = kinds.ITEMS.get(meta.type)
    return type_ is not None and type_ not in kinds.CONVERTED


class Hashing:
    """Takes bodies as they pass; those of all archives of an account count as one file."""

    def __init__(self) -> None:
        self._start = 0

    def take(self, meta: Meta, pieces: Iterator[bytes]) -> Body:
        """What is to be known of the body, or the body where the content is made from it."""
        if is_streamed(meta):
            return self._pass(meta, pieces)
        if meta.type not in kinds.ITEMS:
            return b""
        try:
            return whole(pieces, LARGEST_CONVERTED)
        except TooLong:
            return ContentTooLarge(limit=LARGEST_CONVERTED)

    def _pass(self, meta: Meta, pieces: Iterator[bytes]) -> Passed | ItemError:
        start, told = self._start, meta.blob_digest.replace("/", ",")
        sha256 = hashlib.sha256()
        sha1 = hashlib.sha1(usedforsecurity=False) if len(told) == _SHA1_LENGTH else None
        for piece in bounded(pieces):
            self._start += len(piece)
            sha256.update(piece)
            if sha1 is not None:
                sha1.update(piece)
        if self._start - start > LARGEST:
            return ContentTooLarge(limit=LARGEST)
        digest = named(sha256.digest())
        found = digest if sha1 is None else named(sha1.digest())
        if len(told) in {_SHA1_LENGTH, len(digest)} and told != found:
            return BlobCorrupt(digest=told, detail=f"the archive's content has the digest {found}")
        return Passed(digest, self._start - start, start)


def bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, up to the first that goes beyond what a body can be."""
    size = 0
    for piece in pieces:
        yield piece
        size += len(piece)
        if size > LARGEST:
            return


def named(digest: bytes) -> str:
    """A digest in the spelling of the model."""
    return base64.b64encode(digest).decode().replace("/", ",")
