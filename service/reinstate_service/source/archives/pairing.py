"""From entries to records: each `.meta` with the body that follows it.

An item is `<name>.meta`, then `<name>` if it has a body, then an empty `<name>.err` if the
server had lost a part of the body and put blanks in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from reinstate_service.source.archives.archive import read_entries
from reinstate_service.source.archives.bytestream import Broken, Ended
from reinstate_service.source.archives.entries import Entry, TooLong, whole
from reinstate_service.source.archives.errors import (
    ArchiveDamaged,
    ArchiveTruncated,
    ContentTooLarge,
    MetaMissing,
)
from reinstate_service.source.archives.kinds import CONTAINERS
from reinstate_service.source.archives.meta import Meta, read_meta
from reinstate_service.source.contract import ItemError, RecordMalformed, UnsafeName

#: Zimbra's column for the metadata holds 16 MiB.
META_LIMIT = 20 << 20
#: So many troubles are told one by one; an archive of nothing else must not fill a report.
TROUBLES = 1000
_META, _ERROR = ".meta", ".err"

T = TypeVar("T")


@dataclass(slots=True)
class Record(Generic[T]):
    """An item as the archive has it; `body` is what was made of its body, None without one."""

    name: str
    entry: int
    meta: Meta
    body: T | None = None
    padded: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing of it can follow any more, even if the archive ends here."""
        bodiless = self.meta.type in CONTAINERS or self.meta.size == 0
        return self.body is not None or bodiless


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part of the archive that is no record, as `entry` (0: the archive as a whole)."""

    entry: int
    error: ItemError


def read_records(
    archive: Path, take: Callable[[Meta, Iterator[bytes]], T]
) -> Iterator[Record[T] | Trouble]:
    """Every record and every trouble, in one pass; the last is why the archive ends early.

    `take` reads a body when it passes by. Raises OSError, and what `take` raises.
    """
    pairing = _Pairing(archive.name, take)
    try:
        for entry in read_entries(archive):
            yield from pairing.add(entry)
    except Broken as error:
        if (last := pairing.last) is not None and last.complete:
            yield last
            pairing.last = None
        yield Trouble(0, pairing.broken(error))
    else:
        if pairing.last is not None:
            yield pairing.last
    if pairing.untold:
        detail = f"in {pairing.untold} further entries"
        yield Trouble(pairing.entry + 1, ArchiveDamaged(archive=archive.name, detail=detail))


class _Pairing(Generic[T]):
    """Where one archive's reading stands."""

    def __init__(self, archive: str, take: Callable[[Meta, Iterator[bytes]], T]) -> None:
        self._archive = archive
        self._take = take
        self._unread = ""
        self._told = 0
        self.entry = 0
        self.last: Record[T] | None = None
        self.untold = 0

    def add(self, entry: Entry) -> Iterator[Record[T] | Trouble]:
        self.entry += 1
        last = self.last
        if entry.strange:
            detail = f"{self._archive}, entry {self.entry}: it is {entry.strange}"
            yield from self._tell(UnsafeName(detail=detail))
        elif last is not None and entry.name == last.name and last.body is None:
            last.body = self._take(last.meta, entry.pieces)
        elif last is not None and entry.name == last.name + _ERROR:
            last.padded = True
        elif entry.name.endswith(_META) and not entry.folder:
            if last is not None:
                yield last
            yield from self._begin(entry)
        elif not entry.folder and entry.name not in {self._unread, self._unread + _ERROR}:
            yield from self._tell(MetaMissing(archive=self._archive, entry=self.entry))

    def _begin(self, entry: Entry) -> Iterator[Trouble]:
        name = entry.name.removesuffix(_META)
        self.last, self._unread = None, name
        where = f"{self._archive}, entry {self.entry}"
        try:
            meta = read_meta(whole(entry.pieces, META_LIMIT))
        except TooLong:
            yield from self._tell(ContentTooLarge(limit=META_LIMIT))
        except RecordMalformed as error:
            detail = f"{where}: {error.fields['detail']}"
            yield from self._tell(RecordMalformed(detail=detail))
        else:
            self.last, self._unread = Record(name, self.entry, meta), ""

    def _tell(self, error: ItemError) -> Iterator[Trouble]:
        if self._told < TROUBLES:
            self._told += 1
            yield Trouble(self.entry, error)
        else:
            self.untold += 1

    def broken(self, error: Broken) -> ItemError:
        """Why the archive ends here, with the item that it ends in."""
        within = "" if self.last is None else f" in item {self.last.meta.id}"
        detail = f"{error}, behind entry {self.entry}{within}"
        kind = ArchiveTruncated if isinstance(error, Ended) else ArchiveDamaged
        return kind(archive=self._archive, detail=detail)
