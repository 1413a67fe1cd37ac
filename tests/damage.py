"""Ways in which a Backup Path breaks, each applied to one on the disk."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path


def blob_path(backup: Path, digest: str) -> Path:
    """Where the blob lies."""
    return backup / "items" / digest[:2] / digest


def record_path(backup: Path, account: str, item: str) -> Path:
    """Where the record lies."""
    return backup / "accounts" / account / "items" / item[-2:].zfill(2) / item


def lose_blob(backup: Path, digest: str) -> None:
    """The blob is gone."""
    blob_path(backup, digest).unlink()


def flip_blob_byte(backup: Path, digest: str) -> None:
    """One bit of the packed data is another."""
    path = blob_path(backup, digest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def truncate_blob(backup: Path, digest: str) -> None:
    """The last third of the blob is missing."""
    path = blob_path(backup, digest)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def append_to_blob(backup: Path, digest: str) -> None:
    """Something follows the gzip data."""
    with blob_path(backup, digest).open("ab") as file:
        file.write(b"garbage")


def gzip_blob_again(backup: Path, digest: str) -> None:
    """The blob is gzipped once more: not damage, but it occurs."""
    path = blob_path(backup, digest)
    path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def inflate_blob(backup: Path, digest: str, size: int = 64 << 20) -> None:
    """The blob unpacks to far more than its item has."""
    blob_path(backup, digest).write_bytes(gzip.compress(bytes(size), mtime=0))


def swap_blob(backup: Path, digest: str, content: bytes) -> None:
    """The blob is somebody else's."""
    blob_path(backup, digest).write_bytes(gzip.compress(content, mtime=0))


def malform_record(backup: Path, account: str, item: str) -> None:
    """The record's JSON ends in the middle, as whoever wrote it anew has left it."""
    path = record_path(backup, account, item)
    half = path.read_bytes()[:-7]
    path.unlink()
    path.write_bytes(half)


def make_record_foreign(backup: Path, account: str, item: str) -> None:
    """The record is JSON, and of another shape."""
    states = [{"startDate": 1, "itemType": "message", "blobDigest": "x"}]
    record_path(backup, account, item).write_text(json.dumps(states))


def make_record_unreadable(backup: Path, account: str, item: str) -> None:
    """Nobody but root may read the record."""
    record_path(backup, account, item).chmod(0)


def link_record(backup: Path, account: str, item: str, target: Path) -> None:
    """The record is a link that leads out of the backup."""
    path = record_path(backup, account, item)
    path.unlink()
    path.symlink_to(target)


def malform_account(backup: Path, account: str) -> None:
    """The account's own record is no JSON."""
    (backup / "accounts" / account / "account_info").write_bytes(b"[{")


def make_vendor_tree(root: Path) -> None:
    """A tree as the vendor lays it out, with JSON that nobody knows."""
    account = root / "accounts" / "4a217bb3-6861-4c9f-80f8-f345ae2897b5"
    (account / "items" / "57").mkdir(parents=True)
    (account / "items" / "57" / "2057").write_text('[{"startDate":1}]')
    (account / "account_info").write_text('[{"zimbraId":"4a217bb3"}]')
    (root / "items" / "c0").mkdir(parents=True)
    (root / "server").mkdir()


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time of modification, to see that nothing was written."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            status = path.lstat()
            found[str(path.relative_to(root))] = (status.st_size, status.st_mtime_ns)
    return found
