"""Whether the events of a journal follow from each other: numbering, types, chain, content.

They are looked at by the page and column by column, and from the first page on with which
something is wrong, row by row.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reinstate_journal.catalogue import Catalogue
from reinstate_journal.chain import GENESIS, common, link, links
from reinstate_journal.check import Finding
from reinstate_journal.errors import JournalDamaged, JournalTooNew
from reinstate_journal.sqlite.event_pages import EventPage
from reinstate_journal.sqlite.projection import decode, decode_all
from reinstate_journal.sqlite.row import Stretch, alike

#: What is selected of each event: position, stream, version, shape, recorded_at, data, chain.
#: Data is UTF-8, or not; it is for us to find, not for sqlite3 to stumble on.
COLUMNS = (
    "position, stream, version, shape, recorded_at,"
    " CASE typeof(data) WHEN 'text' THEN CAST(data AS BLOB) END, chain"
)
_TYPES = (int, int, int, int, int, bytes, bytes)


class EventAudit:
    """One pass: where it stands, and what it has counted.

    `versions` are the events of each stream, `shapes_seen` the shapes that some event has.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        path: Path,
        streams: Mapping[int, str],
        shapes: Mapping[int, tuple[str, int]],
    ) -> None:
        self._catalogue = catalogue
        self._path = path
        self._streams = streams
        self._shapes = shapes
        self._recorded_at = 0
        self.position = 0
        self.chain = GENESIS
        self.versions: dict[int, int] = {}
        self.shapes_seen: set[int] = set()

    def follow(self, page: EventPage) -> list[Stretch] | None:
        """The events of the next page. None, and it stands where it stood, if something is wrong:
        `examine` says what. Raises JournalTooNew."""
        before = self.position, self.chain, self._recorded_at
        counted = dict(self.versions), set(self.shapes_seen)
        if (sound := self._sound(page)) is not None:
            return sound
        self.position, self.chain, self._recorded_at = before
        self.versions, self.shapes_seen = counted
        return None

    def _sound(self, page: EventPage) -> list[Stretch] | None:
        if not self._in_order(page):
            return None
        stretches = []
        for stream, shape, at, rows in alike(page.streams, page.shapes, page.moments):
            positions, versions, data = page.positions[rows], page.versions[rows], page.data[rows]
            if not self._numbered(stream, shape, versions):
                return None
            name, (kind, schema) = self._streams[stream], self._shapes[shape]
            rest = common(_raw(name), _raw(kind), schema, at)
            linked = links(self.chain, positions, versions, rest, data)
            if b"".join(linked) != page.chains[32 * rows.start : 32 * rows.stop]:
                return None
            self.chain = linked[-1]
            try:
                events = decode_all(self._catalogue, self._path, positions, kind, schema, data)
            except JournalDamaged:
                return None
            stretches.append(
                Stretch(stream, name, at, self._catalogue.types[kind], positions, events)
            )
        self.position, self._recorded_at = page.positions[-1], page.moments[-1]
        return stretches

    def _in_order(self, page: EventPage) -> bool:
        """Whether positions and moments go on where it is."""
        first, moments = self.position + 1, [self._recorded_at, *page.moments]
        follows = page.positions == list(range(first, first + len(page.positions)))
        return follows and moments == sorted(moments)

    def _numbered(self, stream: int, shape: int, versions: Sequence[int]) -> bool:
        """Count rows of a stream and shape; whether they go on where these are."""
        if stream not in self._streams or shape not in self._shapes:
            return False
        if stream not in self.versions and stream != len(self.versions) + 1:
            return False
        if shape not in self.shapes_seen and shape != len(self.shapes_seen) + 1:
            return False
        self.shapes_seen.add(shape)
        first = self.versions.get(stream, 0) + 1
        self.versions[stream] = first + len(versions) - 1
        return versions == list(range(first, first + len(versions)))

    def examine(self, rows: Sequence[tuple[Any, ...]]) -> Generator[Finding, None, list[Stretch]]:
        """What is wrong with the next rows, which have COLUMNS; answers the events that can be
        read. Raises JournalTooNew."""
        stretches = []
        for values in rows:
            position, chain = values[0], values[-1]
            if any(type(value) is not kind for value, kind in zip(values, _TYPES, strict=True)):
                yield Finding("a column is not of its type", position)
                self.position = position
                if type(chain) is bytes:
                    self.chain = chain
                continue
            yield from self._numbering(values)
            stretch = yield from self._event(values)
            if stretch is not None:
                stretches.append(stretch)
        return stretches

    def _numbering(self, values: tuple[Any, ...]) -> Iterator[Finding]:
        position, stream, version, shape, at, _, _ = values
        if position != self.position + 1:
            yield Finding(f"event {self.position + 1} is missing", position)
        if stream not in self.versions and stream != len(self.versions) + 1:
            yield Finding(f"stream {stream} is not numbered by its first event", position)
        if version != self.versions.get(stream, 0) + 1:
            yield Finding(f"version {version} does not follow in stream {stream}", position)
        if shape not in self.shapes_seen:
            self.shapes_seen.add(shape)
            if shape != len(self.shapes_seen):
                yield Finding(f"shape {shape} is not numbered by its first event", position)
        if at < self._recorded_at:
            yield Finding("it is dated before the event before it", position)
        self.position = position
        self.versions[stream] = version
        self._recorded_at = at

    def _event(self, values: tuple[Any, ...]) -> Generator[Finding, None, Stretch | None]:
        """Check the row against the chain and its type; answer the event."""
        position, number, version, shape, at, data, chain = values
        previous, self.chain = self.chain, chain
        if number not in self._streams or shape not in self._shapes:
            yield Finding("its stream or its shape has no name", position)
            return None
        stream, (kind, schema) = self._streams[number], self._shapes[shape]
        linked = link(previous, position, _raw(stream), version, _raw(kind), schema, at, data)
        if linked != chain:
            yield Finding("it does not follow from the event before it (chain)", position)
        try:
            event = decode(self._catalogue, self._path, position, kind, schema, data.decode())
        except JournalTooNew:
            # Unknown and rightly chained: a later version wrote it. Else it is damage.
            if linked == chain:
                raise
            return None
        except UnicodeDecodeError:
            yield Finding("its data is not UTF-8", position)
            return None
        except JournalDamaged as error:
            yield Finding(str(error.fields["detail"]), position)
            return None
        return Stretch(number, stream, at, type(event), (position,), (event,))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
