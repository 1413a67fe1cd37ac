"""The entries of a tar file: ustar, GNU and pax, as POSIX.1-2001 and GNU tar have them.

The standard library's reader holds every header and any long name in memory; here a header
may be hostile, and an archive has millions of entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reinstate_service.source.archives.bytestream import Broken, ByteStream
from reinstate_service.source.archives.entries import Entry, TooLong, whole

BLOCK = 512
_ZEROS = bytes(BLOCK)
_FILES = frozenset(b"\x0007")
_STRANGE = {
    ord("1"): "a hard link",
    ord("2"): "a symbolic link",
    ord("3"): "a character device",
    ord("4"): "a block device",
    ord("6"): "a named pipe",
    ord("S"): "a sparse file",
    ord("M"): "a part of a file",
}
#: Links and devices have no content, whatever their header says.
_EMPTY = frozenset(b"12346")
_NAME_LIMIT = 64 << 10
_PAX_LIMIT = 1 << 20


@dataclass(slots=True)
class _Announced:
    """What headers say of the entry that comes after them."""

    name: str | None = None
    size: int | None = None


def tar_entries(stream: ByteStream) -> Iterator[Entry]:
    """Every entry up to the end of the archive. Raises Broken."""
    announced = _Announced()
    while (header := _header(stream)) is not None:
        kind, size = header[156], _number(header[124:136], stream)
        if kind in b"LKxg":
            _announce(announced, kind, stream, size)
            continue
        size = 0 if kind in _EMPTY else (size if announced.size is None else announced.size)
        content = stream.pieces(size)
        name = _name(header) if announced.name is None else announced.name
        announced = _Announced()
        folder = kind == ord("5") or (kind in _FILES and name.endswith("/"))
        known = folder or kind in _FILES
        strange = "" if known else _STRANGE.get(kind, f"of the unknown kind {chr(kind)!r}")
        yield Entry(name, content, folder, strange)
        _pass_over(content, size, stream)


def _header(stream: ByteStream) -> bytes | None:
    """The next header; None at the end, which is two blocks of zeros."""
    block = stream.read(BLOCK)
    if block == _ZEROS:
        # One block of zeros and nothing more ends it as well, as GNU tar has it.
        if stream.peek(BLOCK) in {_ZEROS, b""}:
            return None
        raise Broken(f"there is no entry at byte {stream.position}")
    told = block[148:156].strip(b" \0")
    plain = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if not told.isdigit() or plain != _octal(told):
        raise Broken(f"there is no entry at byte {stream.position - BLOCK}")
    return block


def _octal(digits: bytes) -> int:
    try:
        return int(digits, 8)
    except ValueError:
        return -1


def _number(told: bytes, stream: ByteStream) -> int:
    """A size: octal digits, or GNU's binary, which has the first bit set."""
    if told[0] == 0x80:
        return int.from_bytes(told[1:])
    digits = told.strip(b" \0")
    size = _octal(digits) if digits else 0
    if size < 0:
        raise Broken(f"the size of an entry is no number at byte {stream.position}")
    return size


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0]
    # GNU tar has times where ustar has the prefix.
    if prefix and header[257:263] == b"ustar\0":
        name = prefix + b"/" + name
    return name.decode(errors="replace")


def _announce(announced: _Announced, kind: int, stream: ByteStream, size: int) -> None:
    content = stream.pieces(size)
    limit = _PAX_LIMIT if kind in b"xg" else _NAME_LIMIT
    try:
        data = whole(content, limit)
    except TooLong:
        raise Broken(f"a header takes more than {limit} bytes at byte {stream.position}") from None
    _pass_over(content, size, stream)
    if kind == ord("L"):
        announced.name = data.partition(b"\0")[0].decode(errors="replace")
    elif kind == ord("x"):
        _read_pax(announced, data, stream)


def _read_pax(announced: _Announced, data: bytes, stream: ByteStream) -> None:
    """Records of `length key=value\\n`; the length counts itself."""
    while data:
        digits, _, rest = data[:20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        if not len(digits) + 1 < length <= len(data) or not rest:
            raise Broken(f"a pax header is malformed at byte {stream.position}")
        key, _, value = data[len(digits) + 1 : length].rstrip(b"\n").partition(b"=")
        if key == b"path":
            announced.name = value.decode(errors="replace")
        elif key == b"size":
            if not value.isdigit() or len(value) > 19:
                raise Broken(f"a pax header is malformed at byte {stream.position}")
            announced.size = int(value)
        data = data[length:]


def _pass_over(content: Iterator[bytes], size: int, stream: ByteStream) -> None:
    """What is left of an entry, and what fills its last block. Raises Ended."""
    for _ in content:
        pass
    stream.read(-size % BLOCK)
