"""Whether a journal is sound: everything that can be found out from the file alone."""

from __future__ import annotations

import os

import msgspec

from reinstate_journal.catalogue import Catalogue


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong, at the event with that position where it is about one."""

    message: str
    position: int | None = None


def check(path: str | os.PathLike[str], catalogue: Catalogue | None = None) -> list[Finding]:
    """Everything that is wrong with the journal at `path`; nothing when it is sound.

    Reads the whole file without a lock and in a bounded amount of memory:
    pages and indexes, numbering, types of columns, the chain, the head, whether
    each event decodes, and the projections against a fresh fold. Raises
    JournalMissing when there is no file and JournalTooNew when this version of
    the code cannot judge it.
    """
    from reinstate_journal.sqlite.audit import audit  # noqa: PLC0415 - imports stay cheap

    return audit(path, catalogue)
