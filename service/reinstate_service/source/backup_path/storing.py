"""How the writer puts files down: whole or not at all, records as growing arrays of states."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from reinstate_journal.errors import BackupError
from reinstate_service import durable
from reinstate_service.source.backup_path import layout
from reinstate_service.source.backup_path.layout import Tree
from reinstate_service.source.backup_path.records import State

_PIECE = 1 << 20
_GZIP = 31
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_encoder = msgspec.json.Encoder()
_raw_states = msgspec.json.Decoder(list[msgspec.Raw])
_states_alone = msgspec.json.Decoder(Annotated[list[State], Meta(min_length=1)])


class Done(NamedTuple):
    """What became of a state: `made` says the record is new, `written` that it changed."""

    made: bool
    written: bool


def store(path: str, data: bytes, flush: bool = False) -> None:
    """Puts `data` at `path` in one step. Raises OSError; nothing is left behind then."""
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.new"
    descriptor = os.open(temporary, _WRITE, 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if flush:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)  # noqa: PTH104 - once per file, and Path doubles its cost
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    if flush:
        durable.flush(folder)


class Folders:
    """Makes folders below the tree's root, asking the disk once for each."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._there: set[str] = set()

    def need(self, relative: str) -> str:
        """The full path of a folder that is there now. Raises OSError, UnsafeName for a link."""
        path = f"{self._tree.root}/{relative}"
        if relative not in self._there:
            Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._tree.check_folder(relative)
            self._there.add(relative)
        return path


class RecordStore:
    """Records: arrays of states that only ever grow."""

    def __init__(self, tree: Tree, folders: Folders) -> None:
        self._tree = tree
        self._folders = folders

    def put(self, relative: str, state: State) -> Done:
        """Adds `state` unless the last one already says the same.

        It starts after the last one's start, by a millisecond if need be; the last
        one ends where it starts.
        """
        parent, _, name = relative.rpartition("/")
        path = f"{self._folders.need(parent)}/{name}"
        try:
            states = self._load(path)
        except FileNotFoundError:
            store(path, _encoder.encode([state]))
            return Done(True, True)
        if _says_the_same(states[-1], state):
            return Done(False, False)
        self._add(path, states, msgspec.to_builtins(state))
        return Done(False, True)

    def delete(self, relative: str, when: int) -> bool:
        """Adds a state that shows the object as it was, deleted at `when`."""
        try:
            states = self._load(f"{self._tree.root}/{relative}")
        except (FileNotFoundError, NotADirectoryError):
            return False
        gone = msgspec.json.decode(states[-1], type=dict[str, object])
        if gone.get("deleted"):
            return False
        gone.pop("end", None)
        path = f"{self._tree.root}/{relative}"
        self._add(path, states, {**gone, "start": when, "deleted": True})
        return True

    @staticmethod
    def _load(path: str) -> list[msgspec.Raw]:
        """The states, each with at least its start. Raises FileNotFoundError, BackupError."""
        try:
            data = layout.read_file(path)
            _states_alone.decode(data)
            return _raw_states.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, layout.TooLong) as error:
            detail = f"{path} is malformed, no state can be added to it: {error}"
            raise BackupError(path=path, detail=detail) from error

    @staticmethod
    def _add(path: str, states: list[msgspec.Raw], new: dict[str, object]) -> None:
        last = msgspec.json.decode(states[-1], type=dict[str, object])
        began, start = last["start"], new["start"]
        if isinstance(began, int) and isinstance(start, int):
            new["start"] = last["end"] = max(start, began + 1)
        store(path, _encoder.encode([*states[:-1], last, new]))


class _Kind(msgspec.Struct):
    type: str = ""


_CONTAINERS = {"folder", "mountpoint", "search", "tag"}


def _tag(state: State) -> str:
    return str(state.__struct_config__.tag or "")


def _says_the_same(last: msgspec.Raw, state: State) -> bool:
    try:
        before = msgspec.json.decode(last, type=type(state))
    except msgspec.ValidationError:
        kinds = {msgspec.json.decode(last, type=_Kind).type, _tag(state)}
        if len(kinds) > 1 and kinds & _CONTAINERS:
            raise ValueError(f"a record cannot be both {' and '.join(sorted(kinds))}") from None
        return False
    return msgspec.structs.replace(before, start=state.start, end=None) == state


class BlobStore:
    """Blobs: stored once under their digest, gzipped."""

    def __init__(self, tree: Tree, folders: Folders) -> None:
        self._tree = tree
        self._folders = folders

    def put(self, content: bytes | Path | Iterator[bytes]) -> tuple[str, int]:
        """Stores the content if no blob has its digest; answers digest and size.

        A file or pieces of any size are read once. A file is opened without following a link
        at its end. Raises OSError, UnsafeName, and what the pieces raise.
        """
        if isinstance(content, bytes):
            return self._put_whole(content)
        if isinstance(content, Path):
            with os.fdopen(layout.open_file(str(content)), "rb", buffering=0) as file:
                return self._put_pieces(iter(lambda: file.read(_PIECE), b""))
        return self._put_pieces(content)

    def _put_whole(self, content: bytes) -> tuple[str, int]:
        digest = _name(hashlib.sha256(content).digest())
        path = f"{self._folders.need(f'{layout.ITEMS}/{digest[:2]}')}/{digest}"
        if not _exists(path):
            store(path, zlib.compress(content, 6, _GZIP))
        return digest, len(content)

    def _put_pieces(self, pieces: Iterator[bytes]) -> tuple[str, int]:
        """One piece as it is; several are packed under a temporary name until the digest is
        known."""
        first, second = next(pieces, b""), next(pieces, None)
        if second is None:
            return self._put_whole(first)
        digest, pack, size = hashlib.sha256(), zlib.compressobj(6, zlib.DEFLATED, _GZIP), 0
        temporary = Path(self._folders.need(layout.ITEMS)) / ".blob.new"
        try:
            with temporary.open("wb") as packed:
                for piece in chain((first, second), pieces):
                    digest.update(piece)
                    size += len(piece)
                    packed.write(pack.compress(piece))
                packed.write(pack.flush())
            name = _name(digest.digest())
            path = f"{self._folders.need(f'{layout.ITEMS}/{name[:2]}')}/{name}"
            if not _exists(path):
                temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)
        return name, size


def _exists(path: str) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _name(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii").replace("/", ",")
