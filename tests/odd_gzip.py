"""Contents and the blobs that a backup may have of them: ordinary, odd, and hardly to be told."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import lzma
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import damage
from reinstate_service.model import Account, Domain, Folder, Item, Role
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from team import ALICE, DAY

ADDRESS = "alice@example.test"
_TEXT = b"".join(b"line %d of a message that is findme\r\n" % number for number in range(60))
MESSAGE = b"From: a@example.test\r\nSubject: odd\r\n\r\n" + _TEXT


class Blob(NamedTuple):
    """An item's content, the blob that the backup has of it, and whether the blob is kept."""

    content: bytes
    blob: bytes
    kept: bool


def _named(name: str) -> bytes:
    return MESSAGE.replace(b"odd", name.encode())


def _packed(
    content: bytes,
    *,
    extra: bytes = b"",
    name: bytes = b"",
    comment: bytes = b"",
    checked: bool = False,
) -> bytes:
    """A gzip member with optional fields in its header (RFC 1952 §2.3.1)."""
    flags, fields = 0, b""
    if extra:
        flags, fields = flags | 4, fields + struct.pack("<H", len(extra)) + extra
    if name:
        flags, fields = flags | 8, fields + name + b"\0"
    if comment:
        flags, fields = flags | 16, fields + comment + b"\0"
    head = b"\x1f\x8b\x08" + bytes([flags | 2 * checked]) + b"\0\0\0\0\0\xff" + fields
    if checked:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    packer = zlib.compressobj(wbits=-15)
    end = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return head + packer.compress(content) + packer.flush() + end


def _kinds() -> Iterator[tuple[str, Blob]]:
    def each(name: str) -> bytes:
        return _named(name)

    yield "ordinary", Blob(each("a"), _packed(each("a")), kept=True)
    yield "named", Blob(each("b"), _packed(each("b"), name=b"mail.eml"), kept=True)
    yield "long name", Blob(each("c"), _packed(each("c"), name=b"n" * 9000), kept=False)
    yield "comment", Blob(each("d"), _packed(each("d"), comment=b"c" * 9000), kept=False)
    yield "fields", Blob(each("e"), _packed(each("e"), extra=b"AB\x04\0abcd"), kept=False)
    yield "checked header", Blob(each("f"), _packed(each("f"), checked=True), kept=False)
    two = _packed(each("g")[:99]) + _packed(each("g")[99:])
    yield "two members", Blob(each("g"), two, kept=False)
    yield "gzipped twice", Blob(each("h"), _packed(_packed(each("h"))), kept=False)
    yield "not gzipped", Blob(each("i"), each("i"), kept=False)
    yield "bare line feeds", Blob(each("j").replace(b"\r", b""), b"", kept=True)
    yield "large", Blob(each("k") + b"x" * 78 * 30_000, b"", kept=True)
    inner = _packed(each("l"))
    yield "a gzip file, gzipped", Blob(inner, _packed(inner), kept=True)
    inner = _packed(each("m"))
    yield "a gzip file as it is", Blob(inner, inner, kept=False)
    for name, inner in (
        ("bzip2", bz2.compress(each("n"))),
        ("xz", lzma.compress(each("o"))),
        ("like zstd", b"\x28\xb5\x2f\xfd: x\r\n\r\n"),
        ("like bzip2", b"BZh9: x\r\n\r\nbody\r\n"),
        ("two bytes", b"\x1f\x8b"),
        ("one byte", b"\x1f"),
    ):
        yield f"{name} as it is", Blob(inner, inner, kept=False)
    yield "empty", Blob(b"", _packed(b""), kept=True)


def _whole(blob: Blob) -> Blob:
    return blob._replace(blob=blob.blob or _packed(blob.content))


BLOBS = {name: _whole(blob) for name, blob in _kinds()}
#: What a server that unpacks may take for a compressed file.
LOOKALIKES = {
    name: blob
    for name, blob in BLOBS.items()
    if blob.content.startswith((b"\x1f", b"BZh", b"\xfd7z", b"\x28\xb5"))
}


def write_odd_backup(path: Path, blobs: dict[str, Blob]) -> None:
    """An account with these messages in its inbox, an hour between them."""
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        writer.put_account(Account(ALICE, ADDRESS, password="{PLAIN}secret"))
        writer.put_folder(ALICE, Folder("2", "", "Inbox", role=Role.INBOX))
        for number, (content, _, _) in enumerate(blobs.values()):
            date = DAY + number * 3_600_000
            writer.put_item(ALICE, str(300 + number), content=content, folder="2", date=date)
        writer.finish_scan(DAY)
    for item, blob in zip(items(path), blobs.values(), strict=True):
        damage.blob_path(path, item.digest).write_bytes(blob.blob)


def items(backup: Path) -> list[Item]:
    """The messages of the account, in order."""
    return [item for item in BackupPathSource(backup).items(ALICE) if isinstance(item, Item)]


def digest(content: bytes) -> str:
    """A content's digest as the model writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode().replace("/", ",")


def unpacked(stored: bytes) -> bytes:
    """What a gzip file has in it."""
    return gzip.decompress(stored)
