"""Blobs: found by digest, un-gzipped as often as it takes, checked while they stream.

How often a blob was gzipped is told by its digest alone, because the content may be
a gzip file itself. In the ordinary case only one answer is possible and the blob is
read once; where two are, it is read once more to find out, before the first piece
leaves.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reinstate_service.gunzip import DAMAGED, MAGIC, unpacker
from reinstate_service.model import Item
from reinstate_service.source.backup_path.layout import ITEMS, Tree, is_digest, open_file
from reinstate_service.source.backup_path.packed import PackedBlob
from reinstate_service.source.contract import (
    BlobCorrupt,
    BlobMissing,
    BlobTooLarge,
    ItemError,
    UnsafeName,
)

PIECE = 1 << 20
_READ = 256 << 10


class _Damaged(Exception):
    """The bytes do not unpack."""


class _TooMuch(Exception):
    """More comes out than the item has."""


class Blobs:
    """The blobs of one backup."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._good_folders: set[str] = set()

    def content(self, item: Item) -> Iterator[bytes]:
        """The item's bytes, in one piece if they are few.

        Raises BlobMissing, BlobCorrupt, BlobTooLarge, UnsafeName, at any piece.
        """
        whole = self._whole(item)
        if whole is None:
            return self._streamed(item)
        return iter((whole,) if whole else ())

    def _whole(self, item: Item) -> bytes | None:
        """A small blob gzipped once: the ordinary case, without ceremony; None if it is not."""
        if item.size > PIECE:
            return None
        descriptor, length = self._open(item.digest)
        try:
            packed = os.pread(descriptor, length, 0) if length <= PIECE else b""
        except OSError as error:
            raise _unread(item.digest, error) from error
        finally:
            os.close(descriptor)
        if not packed.startswith(MAGIC):
            return None
        unpack = unpacker()
        try:
            whole = unpack.decompress(packed, item.size + 1)
        except DAMAGED:
            return None
        if len(whole) != item.size or not unpack.eof or unpack.unused_data:
            return None
        return whole if _hasher(item.digest)(whole).digest() == _hashed(item.digest) else None

    def _streamed(self, item: Item) -> Iterator[bytes]:
        with self._unpacking(item.digest, item.size) as blob:
            yield from blob.content()

    def content_of(self, digest: str, limit: int) -> Iterator[bytes]:
        """The bytes of a blob of which only the digest is known, `limit` at most.

        Raises as `content` does.
        """
        with self._unpacking(digest, limit, exact=False) as blob:
            yield from blob.content()

    def packed(self, item: Item) -> PackedBlob | None:
        """The blob as it lies there, if it is the item's content gzipped once, in one member and
        with nothing behind it; its content is checked. None for any other: `content` has what it
        unpacks to, or tells what is wrong with it."""
        try:
            descriptor, _ = self._open(item.digest)
        except ItemError:
            return None
        try:
            blob = PackedBlob(descriptor, item.digest, item.size)
            if blob.holds(_hasher(item.digest)(), _hashed(item.digest)):
                return blob
        except OSError:
            pass  # `content` will meet it as well, and tells it
        os.close(descriptor)
        return None

    def level(self, item: Item) -> int:
        """How often the blob was gzipped: 0, 1 or 2. Raises as `content` does."""
        with self._unpacking(item.digest, item.size) as blob:
            return blob.level()

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """Every file that is called as a blob is, where one lies, in no order. Raises OSError."""
        try:
            folders = list(self._tree.entries(ITEMS))
        except FileNotFoundError:
            return
        for folder in folders:
            if len(folder.name) == 2 and folder.is_dir(follow_symlinks=False):
                for entry in self._tree.entries(f"{ITEMS}/{folder.name}"):
                    named = is_digest(entry.name) and entry.name.startswith(folder.name)
                    if named and entry.is_file(follow_symlinks=False):
                        yield entry

    @contextmanager
    def _unpacking(self, digest: str, size: int, exact: bool = True) -> Iterator[_Unpacking]:
        descriptor, length = self._open(digest)
        try:
            yield _Unpacking(descriptor, length, digest, size, exact)
        except OSError as error:
            raise _unread(digest, error) from error
        finally:
            os.close(descriptor)

    def _open(self, digest: str) -> tuple[int, int]:
        if not is_digest(digest):
            raise UnsafeName(detail=f"{digest!r} is no digest")
        folder = digest[:2]
        path = f"{self._tree.root}/{ITEMS}/{folder}"
        try:
            if folder not in self._good_folders:
                self._tree.check_folder(f"{ITEMS}/{folder}")
                self._good_folders.add(folder)
            descriptor = open_file(f"{path}/{digest}")
        except FileNotFoundError as error:
            raise BlobMissing(digest=digest) from error
        except OSError as error:
            detail = f"it cannot be opened: {error.strerror}"
            raise BlobCorrupt(digest=digest, detail=detail) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise UnsafeName(detail=f"blob {digest} is not a regular file")
        return descriptor, status.st_size


class _Unpacking:
    """One open blob on its way to an item's content of `size` bytes, or of at most so
    many if that is not `exact`."""

    def __init__(self, descriptor: int, length: int, digest: str, size: int, exact: bool) -> None:
        self._descriptor = descriptor
        self._length = length
        self._digest = digest
        self._size = size
        self._exact = exact
        self._sha = _hasher(digest)
        self._wanted = _hashed(digest)

    def content(self) -> Iterator[bytes]:
        candidates = self._candidates()
        level = candidates[0] if len(candidates) == 1 else self._settle(candidates)
        digest, size = self._sha(), 0
        try:
            for piece in self._unpacked(level):
                digest.update(piece)
                size += len(piece)
                yield piece
        except (_Damaged, _TooMuch) as error:
            raise self._error(error) from error
        if (problem := self._mismatch(digest.digest(), size)) is not None:
            raise self._error(problem)

    def level(self) -> int:
        """How often it was gzipped, found by unpacking it whole. Raises ItemError."""
        return self._settle(self._candidates())

    def _candidates(self) -> list[int]:
        """The levels that the beginning of the blob allows, the likeliest first."""
        if not os.pread(self._descriptor, 2, 0).startswith(MAGIC):
            return [0]
        levels = [1]
        try:
            inner = b"".join(self._unpack(self._raw(4096), limit=None, piece=2, stop=2))
        except _Damaged:
            inner = b""
        if inner.startswith(MAGIC):
            levels.append(2)
        if self._length == self._size or not self._exact:
            levels.append(0)
        return levels

    def _settle(self, levels: list[int]) -> int:
        """The one of `levels` at which size and digest are right. Raises ItemError."""
        problems: list[Exception] = []
        for level in levels:
            digest, size = self._sha(), 0
            try:
                for piece in self._unpacked(level):
                    digest.update(piece)
                    size += len(piece)
            except (_Damaged, _TooMuch) as error:
                problems.append(error)
                continue
            problem = self._mismatch(digest.digest(), size)
            if problem is None:
                return level
            problems.append(problem)
        worst = next((each for each in problems if isinstance(each, _TooMuch)), problems[0])
        raise self._error(worst)

    def _unpacked(self, level: int) -> Iterator[bytes]:
        """The content, were the blob gzipped `level` times. Raises _Damaged, _TooMuch."""
        size = self._size
        pieces = self._raw(PIECE if level == 0 else _READ)
        if level == 0:
            return _limited(pieces, size)
        if level == 2:
            # What a gzip file may take at most beyond its content: five bytes for
            # each stored block, and the header with a file name.
            pieces = self._unpack(pieces, limit=size + size // 100 + (64 << 10), piece=_READ)
        return self._unpack(pieces, limit=size, piece=PIECE)

    def _raw(self, piece: int) -> Iterator[bytes]:
        """The blob as it lies on the disk."""
        offset = 0
        while data := os.pread(self._descriptor, piece, offset):
            offset += len(data)
            yield data

    @staticmethod
    def _unpack(
        packed: Iterator[bytes], limit: int | None, piece: int, stop: int | None = None
    ) -> Iterator[bytes]:
        """Un-gzips every member (RFC 1952 §2.2); ends early after `stop` bytes.

        Never produces more than `limit` bytes and one piece. Raises _Damaged, _TooMuch.
        """
        unpack, begun, total = unpacker(), False, 0
        for data in packed:
            rest = data
            while rest:
                if unpack.eof:
                    unpack = unpacker()
                begun = True
                try:
                    out = unpack.decompress(rest, piece)
                except DAMAGED as error:
                    raise _Damaged("its gzip data does not unpack") from error
                rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
                if out:
                    total += len(out)
                    if limit is not None and total > limit:
                        raise _TooMuch
                    yield out
                    if stop is not None and total >= stop:
                        return
        if not begun or not unpack.eof:
            raise _Damaged("the gzip data ends early")

    def _mismatch(self, digest: bytes, size: int) -> Exception | None:
        if size > self._size:
            return _TooMuch()
        if digest != self._wanted:
            return _Damaged("its content has another digest")
        if self._exact and size != self._size:
            return _Damaged(f"it has {size} bytes where its item says {self._size}")
        return None

    def _error(self, problem: Exception) -> ItemError:
        if isinstance(problem, _TooMuch):
            return BlobTooLarge(digest=self._digest, limit=self._size)
        return BlobCorrupt(digest=self._digest, detail=str(problem))


def _hasher(digest: str) -> Callable[..., hashlib._Hash]:
    """The algorithm that a digest is of, by its length."""
    return hashlib.sha1 if len(digest) == 28 else hashlib.sha256


def _hashed(digest: str) -> bytes:
    """The bytes that a digest spells."""
    return binascii.a2b_base64(digest.replace(",", "/"))


def _unread(digest: str, error: OSError) -> BlobCorrupt:
    return BlobCorrupt(digest=digest, detail=f"it cannot be read: {error.strerror}")


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise _TooMuch
        yield piece
