"""LDIF (RFC 2849) as slapcat, zmslapcat, ldapsearch and zmbackup write it, one entry at a time.

Read are content records. A change record, a value that is only named by a URL, and
whatever follows no rule are problems of one record or one line; the rest is read on.
A file of any length takes the memory of its longest entry, and that is bounded.

Not promised: values are not checked against a schema, and a name or a plain value that
RFC 2849 would have in base64 is taken as it stands.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from reinstate_service.source.archives.directory.problems import Problems

#: Bytes that one entry may take, with those that keeping each of its lines costs.
ENTRY_LIMIT = 32 * 2**20

_LINE_COST = 128

_PIECE = 64 * 2**10
#: RFC 2849: an attribute type or its OID, and its options. Some servers allow "_" as well.
_DESCRIPTION = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]*(?:;[A-Za-z0-9._-]+)*")
#: What ldapsearch prints beside the entries, unless it is called with -LL.
_SEARCH_ENDS = frozenset({"search", "result", "matcheddn", "text", "control", "ref"})
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory. `attributes` holds the values by name as the file spells it;
    names that differ in case only are one. Values are secrets until proven otherwise, so they
    are in no repr."""

    file: str
    line: int
    dn: str
    attributes: dict[str, list[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its continuations: where it began, its bytes, and how many there would be
    if all of them were kept."""

    number: int
    data: bytes = field(repr=False)
    size: int


def read_entries(file: Path, problems: Problems, limit: int = ENTRY_LIMIT) -> Iterator[Entry]:
    """Every entry of the file, in its order; what is wrong goes to `problems`. Never raises for
    what the file holds, nor for a file that cannot be read."""
    try:
        with file.open("rb") as stream:
            if stream.peek(2)[:2] in _UTF16:
                problems.add(str(file), 0, "", "it is UTF-16: save it as UTF-8")
                return
            for record in _records(stream, str(file), problems, limit):
                entry = _entry(record, str(file), problems)
                if entry is not None:
                    yield entry
    except OSError as error:
        problems.add(str(file), 0, "", error.strerror or str(error))


def _records(stream: BinaryIO, file: str, problems: Problems, limit: int) -> Iterator[list[_Line]]:
    """The lines between two empty ones, unfolded and without comments. A record that is
    longer than `limit` is a problem, and is passed over without being kept."""
    record: list[_Line] = []
    size = 0
    for line in _unfolded(_lines(stream, limit), limit):
        if not line.data:
            if record and size <= limit:
                yield record
            record, size = [], 0
        elif not line.data.startswith(b"#"):
            before, size = size, size + line.size + _LINE_COST
            if size <= limit:
                record.append(line)
            elif before <= limit:
                where = record[0].number if record else line.number
                problems.add(file, where, "", f"the entry takes more than {limit} bytes")
                record = []
    if record and size <= limit:
        yield record


def _unfolded(lines: Iterator[tuple[int, bytes, int]], limit: int) -> Iterator[_Line]:
    """Every line with its continuations, which begin with a blank; comments fold as well. What
    follows an empty line continues nothing."""
    kept = bytearray()
    start = size = 0
    for number, data, length in lines:
        if data.startswith(b" ") and kept:
            size += length
            if size <= limit:
                kept += data[1:]
            continue
        if start:
            yield _Line(start, bytes(kept), size)
        kept, start, size = bytearray(data), number, length
    if start:
        yield _Line(start, bytes(kept), size)


def _lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes, int]]:
    """Every line by number from 1, without its end (LF or CRLF) and the file's byte order mark,
    and its length; of one that is longer than `limit` only the beginning."""
    number = 0
    while data := stream.readline(limit + 2):
        number += 1
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        length = len(data)
        if length == limit + 2 and not data.endswith(b"\n"):
            length += 1
            data = data[:_PIECE]
            while (piece := stream.readline(_PIECE)) and not piece.endswith(b"\n"):
                pass
        data = data.removesuffix(b"\n").removesuffix(b"\r")
        yield number, data, max(len(data), length - 2)


def _entry(record: list[_Line], file: str, problems: Problems) -> Entry | None:
    """The record's entry; None where it has none."""
    first = record[0]
    found = _attribute(first)
    if found is not None and found[0].lower() == "version":
        if found[1] != b"1":
            problems.add(file, first.number, "", "not LDIF version 1, but read as if it were")
        record = record[1:]
        if not record:
            return None
        first = record[0]
        found = _attribute(first)
    if found is not None and found[0].lower() in _SEARCH_ENDS:
        _search_end(record, file, problems)
        return None
    if found is None or found[0].lower() != "dn":
        problems.add(file, first.number, "", "no entry: its first line is no dn")
        return None
    try:
        dn = (found[1] or b"").decode()
    except UnicodeDecodeError:
        problems.add(file, first.number, "", "its dn is not UTF-8")
        return None
    if found[1] is None:
        problems.add(file, first.number, "", f"its dn cannot be read: {found[2]}")
        return None
    return _content(Entry(file, first.number, dn, {}), record[1:], problems)


def _content(entry: Entry, lines: list[_Line], problems: Problems) -> Entry | None:
    """The entry with the values of `lines`; None for a change record."""
    spelled: dict[str, str] = {}
    for line in lines:
        found = _attribute(line)
        if found is None:
            reason = "the line follows no rule of LDIF and is left out"
            problems.add(entry.file, line.number, entry.dn, reason)
            continue
        name, value, reason = found
        key = name.lower()
        if key in {"changetype", "control"}:
            reason = "a change record is no entry: export the entries themselves (slapcat)"
            problems.add(entry.file, line.number, entry.dn, reason)
            return None
        if value is None:
            problems.add(entry.file, line.number, entry.dn, f"{name} is left out: {reason}")
            continue
        entry.attributes.setdefault(spelled.setdefault(key, name), []).append(value)
    return entry


def _attribute(line: _Line) -> tuple[str, bytes | None, str] | None:
    """Name and value of a line; the value is None where it cannot be had, and then the third
    says why. None for a line without a name."""
    name, colon, rest = line.data.partition(b":")
    if not colon or _DESCRIPTION.fullmatch(name) is None:
        return None
    text = name.decode("ascii")
    if rest.startswith(b"<"):
        return text, None, "its value lies elsewhere, and URLs are never followed"
    if not rest.startswith(b":"):
        return text, rest.lstrip(b" "), ""
    try:
        return text, base64.b64decode(rest[1:].strip(b" "), validate=True), ""
    except binascii.Error:
        return text, None, "its base64 is broken"


def _search_end(record: list[_Line], file: str, problems: Problems) -> None:
    """Says of what ldapsearch prints beside the entries only what matters: that there is more."""
    for line in record:
        name, _, rest = line.data.partition(b":")
        text = rest.strip().decode(errors="replace")
        if name.lower() == b"ref":
            reason = "a reference to another server is not followed: export that server too"
            problems.add(file, line.number, "", reason)
        elif name.lower() == b"result" and not text.startswith("0 "):
            problems.add(file, line.number, "", f"the search ended early: {text}")
