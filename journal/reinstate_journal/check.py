"""Whether a journal is sound: everything that can be found out from the file alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import zip_longest

import msgspec

from reinstate_journal.catalogue import Catalogue
from reinstate_journal.journal import Reader


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong, at the event with that position where it is about one."""

    message: str
    position: int | None = None


class Linked(msgspec.Struct, frozen=True):
    """The chain (hex) of the event at a position, in a journal and in its redacted copy: a line of
    the file that lies beside the copy."""

    position: int
    chain: str
    redacted: str


def check_redacted(copy: Reader, chains: Iterable[bytes]) -> list[Finding]:
    """Where a redacted copy is not the one that `chains` (lines of JSON) were written with."""
    found: list[Finding] = []
    for recorded, line in zip_longest(copy.read(), chains):
        if recorded is None or line is None:
            found.append(Finding("the copy and its chains do not end at the same event"))
            return found
        try:
            linked = msgspec.json.decode(line, type=Linked)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return [*found, Finding(f"the chains cannot be read: {error}", recorded.position)]
        if (linked.position, linked.redacted) != (recorded.position, recorded.chain.hex()):
            found.append(Finding("it is not the event that was redacted", recorded.position))
    return found


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
