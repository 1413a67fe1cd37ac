"""What to do before a restore and after it, by the kind of the destination; whether there is room
for it, and how the backup's gzip files get there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from reinstate_service.destination.maildir.disk import can_share
from reinstate_service.gunzip import Packed
from reinstate_service.model import AccountRef, Frozen, Item
from reinstate_service.operations.doctor import Finding
from reinstate_service.restore.options import Options
from reinstate_service.source.contract import Source

#: What is told of `--compress keep` where no message is a gzip file of its own.
NOTHING_TO_KEEP = (
    "--compress keep changes nothing: in account archives no message is a gzip file of its own."
    " Messages are stored unpacked; --dedupe saves space without packing"
)
_GIB = 1024**3


class Advice(Frozen, frozen=True):
    """What to do before a restore, and what after it, also to undo the first; empty for nothing."""

    before: str = ""
    after: str = ""


_MAILDIR = (
    Advice(
        "Pause what scans or copies the mail tree at every change: virus scanners, snapshots,"
        " sync.",
        "Let virus scanners, snapshots and sync of the mail tree work again.",
    ),
    Advice(
        "Leave write barriers of disk and file system on: that nothing is lost or doubled rests on"
        " flushes that hold.",
    ),
    Advice(
        after="Build Dovecot's indexes before users come, full-text ones as well: doveadm index -A"
        " '*'",
    ),
    Advice(
        after="If quotas are counted by maildirsize (quota = maildir), count anew: doveadm quota"
        " recalc -A. The printed configuration (quota = count) needs none.",
    ),
)
_PACKED = Advice(
    after="Serve the tree with the plugin zlib, without which no packed message can be read: print"
    " the configuration anew (reinstate destination dovecot-conf DIR).",
)
_SERVER = (
    Advice(
        "Switch off full-text indexing of new messages (Dovecot: fts_autoindex = no).",
        "Switch full-text indexing on again, and index what came: doveadm index -A '*'",
    ),
    Advice(
        "Raise quotas that are too small, which plan names: they are left alone here.",
        "Put back the quotas that were raised.",
    ),
    Advice(
        "Let this machine open enough connections (Dovecot: mail_max_userip_connections), and keep"
        " it out of what bars addresses after many logins.",
        "Take back what was allowed to this machine.",
    ),
    Advice(
        "Pause replication and backups of the server, or they copy every message once more.",
        "Let replication and backups of the server work again.",
    ),
)


def advice_for(destination: str, compress: str = "none") -> tuple[Advice, ...]:
    """What belongs to the kind of the destination, and to how it stores messages."""
    scheme = destination.partition(":")[0]
    if scheme in {"imap", "imaps"}:
        return _SERVER
    if scheme != "maildir":
        return ()
    return (*_MAILDIR, _PACKED) if compress == "keep" else _MAILDIR


def to_do_after(
    destination: str, options: Mapping[str, object] = MappingProxyType({})
) -> tuple[str, ...]:
    """What to do when a restore has ended, in a line each. `options` are those of its last run, as
    the journal has them."""
    compress = str(options.get("compress", "none"))
    return tuple(advice.after for advice in advice_for(destination, compress) if advice.after)


def ways_to_store(source: Source, options: Options) -> Iterator[Finding]:
    """How messages get into the destination, where that was asked for: tried with the backup's
    first gzip file and a file without a name, which leaves nothing behind."""
    if options.compress == "keep":
        yield Finding("compress", *_way_to_keep(source, options))
    if options.dedupe == "reflink":
        place = _standing(options.destination.partition(":")[2])
        if can_share(None, place):
            yield Finding("dedupe", "ok", "equal messages share their blocks")
        else:
            told = (
                "this file system shares no blocks: equal messages are copied (see --dedupe link)"
            )
            yield Finding("dedupe", "note", told)


def _way_to_keep(source: Source, options: Options) -> tuple[str, str]:
    if not source.has_packed():
        return "note", NOTHING_TO_KEEP
    packed = _first_packed(source)
    if packed is None:
        return "note", "the backup has no gzip files: nothing can be kept"
    with closing(packed):
        shared = can_share(packed.descriptor, _standing(options.destination.partition(":")[2]))
    if shared:
        return "ok", "the backup's gzip files share their blocks with the destination's"
    return "ok", "the backup's gzip files are copied: no blocks can be shared with the backup"


def _first_packed(source: Source) -> Packed | None:
    for ref in source.accounts():
        if isinstance(ref, AccountRef):
            for item in source.items(ref.id):
                if isinstance(item, Item) and (packed := source.packed(item)) is not None:
                    return packed
    return None


def _standing(path: str) -> Path:
    """The place, or what stands nearest above it."""
    found = Path(path).absolute()
    while not found.exists():
        found = found.parent
    return found


def room_for(destination: str, size: int, files: int) -> tuple[Finding, ...]:
    """Whether `size` bytes in so many files fit into a tree at the location; nothing of a server,
    which does not tell."""
    scheme, _, path = destination.partition(":")
    if scheme != "maildir":
        return ()
    try:
        found = _standing(path)
        free, inodes = shutil.disk_usage(found).free, os.statvfs(found)
    except OSError:  # the destination itself says what is wrong with the place
        return ()
    findings = [
        Finding(
            "space",
            "ok" if size <= free else "problem",
            f"{size / _GIB:,.1f} GiB to restore, {free / _GIB:,.1f} GiB free",
        )
    ]
    if inodes.f_files:  # some file systems make them as they need them
        left = inodes.f_favail
        state = "ok" if files <= left else "problem"
        findings.append(Finding("inodes", state, f"{files:,} files to make, {left:,} inodes free"))
    return tuple(findings)
