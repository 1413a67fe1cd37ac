"""Archives that were cut off, damaged, or made to do harm."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from archives.writer import Entries, Mailbox, digest_of, message, tar, tgz, zipped
from reinstate_service.model import Item, UnreadableItem
from reinstate_service.source.archives import ArchivesSource
from reinstate_service.source.archives.directory.names import id_for
from reinstate_service.source.archives.errors import ScratchFull
from reinstate_service.source.archives.pairing import META_LIMIT, TROUBLES

ANNA = id_for("account", "anna@example.com")
NAME = "anna@example.com.tgz"
INBOX, CONTACTS = 2, 7


@pytest.fixture(scope="module")
def entries() -> Entries:
    """Seven messages of different sizes, and a contact without and one with a photo."""
    box = Mailbox.with_folders([(1, 11, "USER_ROOT", 0), (2, 1, "Inbox", 5), (7, 1, "Contacts", 6)])
    for number in range(6):
        box.message(INBOX, message(number, b"x" * 250 * number))
    box.message(INBOX, message(7), padded=True)
    box.contact(CONTACTS, {"lastName": "Doe"})
    box.contact(CONTACTS, {"lastName": "Roe"}, b"Content-Type: image/png\r\n\r\n\x89PNG")
    return box.entries()


def read(folder: Path, archive: bytes) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """The contents by item, and the failures."""
    path = folder / NAME
    path.write_bytes(archive)
    source = ArchivesSource(folder)
    contents, failures = {}, []
    for record in source.items(ANNA):
        if isinstance(record, Item):
            contents[record.id] = b"".join(source.content(record))
        else:
            assert isinstance(record, UnreadableItem)
            failures.append((record.id, record.failure))
    assert source.count_items(ANNA) == len(contents) + len(failures)
    source.containers(ANNA)
    return contents, failures


def complete_before(entries: Entries, cut: int) -> set[str]:
    """The ids of the items all of whose blocks lie before the cut."""
    whole: set[str] = set()
    at = 0
    for name, content in entries:
        at += 512 + -(-len(content) // 512) * 512
        if at > cut:
            break
        if not name.endswith((".meta", ".err")) or name == "Contacts/Doe.meta":
            whole.add(name)
    return whole


@pytest.mark.parametrize("packed", [False, True], ids=["tar", "tgz"])
def test_cut_at_every_block_everything_before_comes_out_and_an_error_after(
    entries: Entries, tmp_path: Path, packed: bool
) -> None:
    whole = tar(entries)
    end = sum(512 + -(-len(content) // 512) * 512 for _, content in entries)
    for cut in range(0, end + 512, 512):
        part = whole[:cut]
        contents, failures = read(tmp_path, gzip.compress(part, 1) if packed else part)
        # The last message is padded, which the entry after it says: until then it is whole.
        padded = [one for one in failures if one[1] == "ContentPadded"]
        assert len(contents) + len(padded) == len(complete_before(entries, cut)), cut
        assert failures[len(padded) :] == [(NAME, "ArchiveTruncated")], cut
    contents, failures = read(tmp_path, whole[: end + 512])
    assert [failure for _, failure in failures] == ["ContentPadded"], "one block of zeros will do"


def test_a_gzip_file_that_is_cut_anywhere_gives_what_unpacks(
    entries: Entries, tmp_path: Path
) -> None:
    whole = tgz(entries)
    before = 0
    for cut in range(0, len(whole), 29):
        contents, failures = read(tmp_path, whole[:cut])
        assert failures[-1] == (NAME, "ArchiveTruncated")
        assert len(contents) >= before or failures[0][1] == "ContentPadded"
        before = len(contents)
    assert before == 8


def test_a_zip_file_that_is_cut_anywhere_gives_what_unpacks(
    entries: Entries, tmp_path: Path
) -> None:
    whole = zipped(entries)
    directory = whole.index(b"PK\x01\x02")
    for cut in range(0, directory, 101):
        assert read(tmp_path, whole[:cut])[1][-1] == (NAME, "ArchiveTruncated")
    contents, failures = read(tmp_path, whole[: directory + 4])
    assert (len(contents), [failure for _, failure in failures]) == (8, ["ContentPadded"])


def test_a_wrong_checksum_of_a_gzip_file_is_told_though_everything_came_out(
    entries: Entries, tmp_path: Path
) -> None:
    whole = bytearray(tgz(entries))
    whole[-8] ^= 1
    contents, failures = read(tmp_path, bytes(whole))
    assert len(contents) == 8
    assert failures[-1] == (NAME, "ArchiveDamaged")


@pytest.mark.parametrize(
    "behind",
    [bytes(70_000), b"garbage", gzip.compress(b"", mtime=0)],
    ids=["zeros", "garbage", "an empty member"],
)
def test_what_stands_behind_the_end_is_nobodys_business(
    entries: Entries, tmp_path: Path, behind: bytes
) -> None:
    assert len(read(tmp_path, tgz(entries) + behind)[0]) == 8
    assert len(read(tmp_path, tar(entries) + behind)[0]) == 8


def test_an_archive_of_several_gzip_members_is_one(entries: Entries, tmp_path: Path) -> None:
    whole = tar(entries)
    members = gzip.compress(whole[:5000]) + gzip.compress(whole[5000:9000])
    contents, failures = read(tmp_path, members + gzip.compress(whole[9000:]))
    assert (len(contents), len(failures)) == (8, 1)


def test_a_message_with_flipped_bits_is_found_out_by_its_digest(tmp_path: Path) -> None:
    box = Mailbox.with_folders()
    first, second = box.message(INBOX, message(1)), box.message(INBOX, message(2))
    archive = tar(box.entries()).replace(b"body 1", b"body 7")
    assert read(tmp_path, archive) == ({str(second): message(2)}, [(str(first), "BlobCorrupt")])


def _tar_with(change: Callable[[tarfile.TarFile], None]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        change(archive)
    return packed.getvalue()


def _links(archive: tarfile.TarFile) -> None:
    kinds = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    for number, kind in enumerate(kinds):
        info = tarfile.TarInfo(f"Inbox/{number:010d}-x.eml")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    folder = tarfile.TarInfo("Inbox")
    folder.type = tarfile.DIRTYPE
    archive.addfile(folder)


def test_links_and_devices_are_told_and_passed_over(entries: Entries, tmp_path: Path) -> None:
    strange = _tar_with(_links)[: 6 * 512]
    contents, failures = read(tmp_path, strange + tar(entries))
    assert len(contents) == 8
    assert [one for one in failures if one[1] == "UnsafeName"] == [
        (f"{NAME}:{number}", "UnsafeName") for number in range(1, 6)
    ]


def test_a_flood_of_strange_entries_is_told_up_to_a_limit(tmp_path: Path) -> None:
    archive = tar([(f"{number}.eml", b"") for number in range(TROUBLES + 50)])
    _, failures = read(tmp_path, archive)
    assert len(failures) == TROUBLES + 1
    assert failures[-1][1] == "ArchiveDamaged"


def _header(kind: bytes, size: int, name: bytes = b"x") -> bytes:
    info = tarfile.TarInfo(name.decode())
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_a_header_that_is_a_bomb_is_not_taken_into_memory(tmp_path: Path, kind: bytes) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(_header(kind, 1 << 30))
    packed += b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert read(tmp_path, packed) == ({}, [(NAME, "ArchiveDamaged")])


def test_a_meta_that_is_a_bomb_is_passed_over(entries: Entries, tmp_path: Path) -> None:
    bomb = [("Inbox/1-x.eml.meta", b" " * (META_LIMIT + 1)), ("Inbox/1-x.eml", b"x")]
    contents, failures = read(tmp_path, tgz(bomb + entries))
    assert len(contents) == 8
    assert failures[-1] == (f"{NAME}:1", "ContentTooLarge")


@pytest.mark.parametrize("size", [b"77777777777\0", b"\x80" + b"\xff" * 11, b"-1\0", b"9\0"])
def test_a_size_that_lies_ends_the_archive(tmp_path: Path, size: bytes) -> None:
    header = bytearray(_header(b"0", 0))
    header[124:136] = size.ljust(12, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    contents, failures = read(tmp_path, bytes(header) + bytes(1024))
    assert (contents, len(failures)) == ({}, 2 if size == b"9\0" else 1) or failures


def test_pax_headers_say_long_names_and_sizes(entries: Entries, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in entries:
            info = tarfile.TarInfo("é" * 90 + name)
            info.size, info.mtime = len(content), 1.5
            archive.addfile(info, io.BytesIO(content))
    contents, failures = read(tmp_path, packed.getvalue())
    assert (len(contents), [failure for _, failure in failures]) == (8, ["ContentPadded"])


def test_records_that_are_malformed_do_not_hinder_the_others(
    entries: Entries, tmp_path: Path
) -> None:
    bad: Entries = [
        (f"Inbox/{number}-x.eml.meta", data)
        for number, data in enumerate(
            (
                b"",
                b"{",
                b"[]",
                b'{"id":"1","type":5}',
                b'{"id":-1,"type":5}',
                b'{"id":1,"type":5,"Ver":11}',
                b'{"id":1,"type":5,"subject":"\\ud83d"}',
                b"\xff",
                b"[" * 100_000,
            )
        )
    ]
    bad.append(("Inbox/8-x.eml", b"its body"))
    bad.append(("Inbox/9-x.meta", b'{"id":900,"type":17}'))
    bad.append(("Inbox/10-x.meta", b'{"id":901,"type":5,"Path":"/Inbox/"}'))
    contents, failures = read(tmp_path, tgz(bad + entries))
    assert len(contents) == 8
    told = dict(failures)
    assert told.pop("901") == "ContentMissing"
    assert told.pop(f"{NAME}:11") == "TypeUnknown"
    assert [one for one in told.values() if one != "ContentPadded"] == ["RecordMalformed"] * 9


def test_a_pipe_or_a_link_to_nowhere_in_the_folder_is_no_archive(
    entries: Entries, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "bruno@example.com.tgz")
    (tmp_path / "carla@example.com.tgz").symlink_to("nowhere")
    assert len(read(tmp_path, tgz(entries))[0]) == 8
    assert len(list(ArchivesSource(tmp_path).accounts())) == 1


class Room(NamedTuple):
    """What is left of a disk."""

    f_bavail: int
    f_frsize: int


def _disk_full(_descriptor: int, _data: bytes) -> int:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "fault",
    [("os.write", _disk_full), ("os.statvfs", lambda _: Room(f_bavail=24, f_frsize=4096))],
    ids=["while it is unpacked", "before"],
)
def test_a_full_scratch_disk_is_an_error_that_can_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, object]
) -> None:
    box = Mailbox.with_folders()
    box.message(INBOX, message(1, b"x" * 100_000), blob_digest="")
    (tmp_path / NAME).write_bytes(tgz(box.entries()))
    source = ArchivesSource(tmp_path)
    (item,) = source.items(ANNA)
    assert isinstance(item, Item)
    assert item.digest == digest_of(message(1, b"x" * 100_000))
    with monkeypatch.context() as patch:
        patch.setattr(*fault)
        with pytest.raises(ScratchFull) as caught:
            list(source.content(item))
    assert caught.value.retryable
    assert len(b"".join(source.content(item))) == item.size
