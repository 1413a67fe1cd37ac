"""A tree of Maildirs, read: `DIR/<domain>/<local>/Maildir`, as Dovecot and others keep it.

No link is followed anywhere. Folders are Maildir++ (`.A.B`), their names modified
UTF-7 (RFC 3501 §5.1.3) with the characters that cannot stand there as `\\2e`
(Dovecot's listescape). What a live server changes meanwhile is seen in the next run.
"""

from __future__ import annotations

import base64
import binascii
import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from reinstate_service.destination.maildir.looking import opened, read_pieces
from reinstate_service.destination.maildir.packed import Damaged, plain_size, unpacked
from reinstate_service.mapping.keywords import keyword_of, tag_of
from reinstate_service.model import Flag, Frozen
from reinstate_service.source.names import shown

MAILDIR = "Maildir"
#: A script or list that is larger is not one.
_SMALL = 4 << 20

_LETTERS = {
    "S": Flag.SEEN,
    "R": Flag.ANSWERED,
    "F": Flag.FLAGGED,
    "D": Flag.DRAFT,
    "T": Flag.DELETED,
    "P": Flag.FORWARDED,
}
#: RFC 5788 registers them; they have a flag of their own.
_REGISTERED = {"$forwarded": Flag.FORWARDED, "$mdnsent": Flag.MDN_SENT}
_ESCAPED = re.compile(r"\\([0-9a-f]{2})", re.ASCII)
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-", re.ASCII)
_SCRIPT = re.compile(r"(?:\./)?(sieve/[^/]+\.sieve)")
_PIECE = re.compile(r"(\d+) (\S+)", re.ASCII)
_UID = re.compile(r"([1-9]\d{0,9}) (?:[^:]\S* )*:(.+)", re.ASCII)


class MaildirFile(Frozen, frozen=True):
    """One message: `base` is its name without flags, `date` milliseconds."""

    path: str
    base: str
    date: int
    flags: Flag
    tags: tuple[str, ...]
    imap_uid: int | None


def accounts(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Domain, local part and home of every account, in order."""
    for domain in _folders(root):
        for home in _folders(domain):
            if (home / MAILDIR).is_dir() and not (home / MAILDIR).is_symlink():
                yield domain.name, home.name, home


def folders(home: Path) -> dict[tuple[str, ...], Path]:
    """Every folder of the account by its path, INBOX as `()`, parents before children.

    A folder that only exists as part of another one's name has no Maildir: its
    place is that of no file.
    """
    maildir = home / MAILDIR
    found: dict[tuple[str, ...], Path] = {(): maildir}
    for folder in _folders(maildir, hidden=True):
        path = _path(folder.name) if folder.name.startswith(".") else ()
        if path:
            found[path] = folder
    for path in list(found):
        for length in range(1, len(path)):
            found.setdefault(path[:length], maildir / ".missing")
    return dict(sorted(found.items(), key=lambda entry: (len(entry[0]), entry[0])))


def subscribed(home: Path) -> frozenset[tuple[str, ...]] | None:
    """The folders that the account subscribes to; None if nothing says."""
    text = small_text(home / MAILDIR / "subscriptions")
    if text is None:
        return None
    lines = text.splitlines()
    if lines[:1] == ["V\t2"]:
        return frozenset(tuple(map(_segment, line.split("\t"))) for line in lines[1:] if line)
    return frozenset(tuple(map(_segment, re.split(r"[./]", line))) for line in lines if line)


def files(folder: Path) -> Iterator[MaildirFile]:
    """The folder's messages, from `cur` and `new`, in no order. Raises OSError."""
    keywords = _keywords(folder)
    uids = _uids(folder)
    for part in ("cur", "new"):
        if not (folder / part).is_dir() or (folder / part).is_symlink():
            continue
        with os.scandir(folder / part) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                    continue
                try:
                    changed = entry.stat(follow_symlinks=False).st_mtime_ns
                except FileNotFoundError:
                    continue  # a server renamed it since; the next run sees it
                base, _, info = shown(entry.name).partition(":2,")
                flags, tags = _read_flags(info, keywords)
                yield MaildirFile(
                    entry.path, base, changed // 1_000_000, flags, tags, uids.get(base)
                )


def content(file: MaildirFile) -> Path | Iterator[bytes]:
    """The message itself: one that Dovecot's plugin zlib would unpack, and whose name tells that
    it is packed (`S=`), is unpacked. Its pieces raise OSError."""
    path = Path(file.path)
    with opened(str(path.parent)) as folder:
        length = os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_size
        packed = plain_size(folder, path.name, length) != length
    return _unpacked(path) if packed else path


def _unpacked(path: Path) -> Iterator[bytes]:
    try:
        with opened(str(path.parent)) as folder:
            yield from unpacked(read_pieces(folder, path.name))
    except Damaged as error:
        raise OSError(errno.EIO, "its gzip data does not unpack") from error


def active_script(home: Path) -> str:
    """The Sieve script that `.dovecot.sieve` is, or links to within `sieve/`; else nothing."""
    link = home / ".dovecot.sieve"
    if link.is_symlink():
        match = _SCRIPT.fullmatch(os.fspath(link.readlink()))
        if match is None or (home / "sieve").is_symlink():
            return ""
        link = home / match[1]
    return small_text(link) or ""


def small_text(path: Path) -> str | None:
    """A small file's text; None if it is not there, is a link, or is no text."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(_SMALL).decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None


def _folders(parent: Path, hidden: bool = False) -> list[Path]:
    with os.scandir(parent) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if entry.is_dir(follow_symlinks=False)
            and (hidden or not entry.name.startswith("."))
            and shown(entry.name) == entry.name
        )


def _path(name: str) -> tuple[str, ...]:
    return tuple(_segment(segment) for segment in name.split(".") if segment)


def _segment(stored: str) -> str:
    """A folder name as users see it; as it is where it is not what RFC 3501 §5.1.3 says."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), stored)
    try:
        return _SHIFTED.sub(_unshifted, plain)
    except (binascii.Error, UnicodeDecodeError):
        return plain


def _unshifted(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    encoded = match[1].replace(",", "/")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-16-be")


def _keywords(folder: Path) -> Mapping[str, str]:
    """Dovecot's letters a to z for this folder's keywords."""
    text = small_text(folder / "dovecot-keywords") or ""
    matches = (_PIECE.fullmatch(line) for line in text.splitlines())
    return {chr(97 + int(found[1])): found[2] for found in matches if found and int(found[1]) < 26}


def _uids(folder: Path) -> Mapping[str, int]:
    """IMAP UIDs by file name without flags, from Dovecot's list (version 3)."""
    text = small_text(folder / "dovecot-uidlist") or ""
    matches = (_UID.fullmatch(line) for line in text.splitlines()[1:])
    return {
        found[2].partition(":2,")[0]: int(found[1])
        for found in matches
        if found and int(found[1]) < 2**32
    }


def _read_flags(info: str, keywords: Mapping[str, str]) -> tuple[Flag, tuple[str, ...]]:
    flags, tags = Flag(0), []
    for letter in info:
        flags |= _LETTERS.get(letter, Flag(0))
        keyword = keywords.get(letter)
        if keyword is None:
            continue
        if keyword.lower() in _REGISTERED:
            flags |= _REGISTERED[keyword.lower()]
        else:
            tags.append(_tag(keyword))
    return flags, tuple(sorted(tags))


def _tag(keyword: str) -> str:
    """The tag that reinstate made this keyword of, or the keyword itself."""
    if not keyword.isascii():
        return keyword
    tag = tag_of(keyword)
    return tag if keyword_of(tag) == keyword else keyword
