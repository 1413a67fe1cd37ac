"""What a person or a script sees: text, tables, JSON. Data goes to stdout, all else to stderr."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from reinstate_journal.errors import ReinstateError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_KIB = 1024


class ReaderGone(Exception):
    """Whoever read the answer has closed the pipe, as `head` does; nobody is left to tell."""


class OutputFailed(ReinstateError):
    """The answer cannot be written to where stdout leads."""

    message = "The answer cannot be written to standard output: {detail}"
    hint = "What was done stays done; ask again, for instance with reinstate report."


def say(text: str = "") -> None:
    """A line of the answer. Raises ReaderGone, OutputFailed."""
    encoding = sys.stdout.encoding or "utf-8"
    _put((printable(text) + "\n").encode(encoding, "replace"))


def say_raw(text: str) -> None:
    """A part of the answer as it stands, always in UTF-8: what no terminal is meant to show."""
    _put(text.encode("utf-8", "replace"))


def tell(text: str) -> None:
    """A line beside the answer: progress, notices, errors."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write((printable(text) + "\n").encode(encoding, "replace").decode(encoding))
    sys.stderr.flush()


def tell_json_line(value: object) -> None:
    """A line of JSON beside the answer."""
    tell(msgspec.json.encode(value).decode())


class _Hearer(io.FileIO):
    """Where what is told goes. A terminal that was closed hears nothing, which is no error."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def tell_whoever_listens() -> None:
    """From now on nothing fails because stderr leads nowhere any more."""
    if sys.stderr is not None:  # as it is where the caller has closed it
        raw = _Hearer(sys.stderr.fileno(), "w", closefd=False)
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=sys.stderr.encoding,
            errors=sys.stderr.errors,
            line_buffering=True,
        )


def say_json(value: object) -> None:
    """The answer as one JSON document, always in UTF-8."""
    _put(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def say_json_line(value: object) -> None:
    """A part of the answer as one line of JSON, always in UTF-8."""
    _put(msgspec.json.encode(value) + b"\n")


def finish() -> None:
    """Sends off what was said. Raises ReaderGone, OutputFailed."""
    _put(b"", flush=True)


def discard() -> None:
    """Nothing that is said from now on goes anywhere; the interpreter's own last flush neither."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _put(data: bytes, *, flush: bool = False) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        if flush or sys.stdout.isatty():
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard()
        raise ReaderGone from None
    except OSError as error:
        discard()
        raise OutputFailed(detail=error.strerror or error) from None


def printable(text: str) -> str:
    """`text` without the control characters that a backup's names could bring to a terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else "�" for character in text
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers stand to the right."""
    cells = [[*headings], *([str(cell) for cell in row] for row in rows)]
    numeric = [
        all(row[column].replace(".", "", 1).replace(",", "").isdigit() for row in cells[1:])
        for column in range(len(headings))
    ]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    )


def _width(text: str) -> int:
    """The columns `text` takes on a terminal: East Asian wide characters two, marks none."""
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < _KIB:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KIB
    return f"{count:.1f} TiB"


def plural(count: int, one: str, many: str = "") -> str:
    """So many of something: `1 item`, `2,000 items`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def moment(milliseconds: int | None) -> str:
    """A time for people, in UTC."""
    if milliseconds is None:
        return "-"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """A duration for people: the two largest units that matter."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
