"""Restored items against what lies on the destination: a pure comparison.

An item is recognised by the name it was delivered under, and where a server or a user's
client has given it another one, by its content: its digest where both are known, else its
size and its date to the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import MAIL_TYPES, Flag, Frozen, Path
from reinstate_service.restore.verification.findings import Finding, Kind

#: The length of a digest that is a SHA-256; old backups have SHA-1, which no destination tells.
_SHA_256 = 44
_DATE = "another date"
_FLAGS = {
    Flag.SEEN: "\\Seen",
    Flag.ANSWERED: "\\Answered",
    Flag.FLAGGED: "\\Flagged",
    Flag.DRAFT: "\\Draft",
    Flag.DELETED: "\\Deleted",
    Flag.FORWARDED: "$Forwarded",
    Flag.MDN_SENT: "$MDNSent",
}


class Expected(msgspec.Struct, frozen=True, gc=False):
    """An item as it was restored. Date (milliseconds), flags and keywords are None where the
    backup could not be asked."""

    item: str
    path: Path
    digest: str
    size: int
    date: int | None = None
    flags: Flag | None = None
    keywords: tuple[str, ...] | None = None


class Move(Frozen, frozen=True):
    """An item that lies in another folder than it was restored to; `changes` is what else was
    done to it."""

    item: str
    origin: Path
    path: Path
    changes: str


@dataclass
class Items:
    """How an account's items compare. `moves` are counted neither as there nor as changed before
    `settle_moves` has been told which folders were renamed."""

    there: int = 0
    changed: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    arrived: int = 0
    earlier: int = 0
    findings: list[Finding] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def settle_moves(self, renamed: Mapping[Path, Path]) -> None:
        """Counts the items that lie elsewhere. Where their folder was renamed, that is told of the
        folder."""
        for move in self.moves:
            changes = [move.changes] if move.changes else []
            if renamed.get(move.origin) != move.path:
                changes.insert(0, f"moved from {'/'.join(move.origin)}")
            if changes:
                self.changed += 1
                detail = "; ".join(changes)
                self.findings.append(Finding(Kind.CHANGED, "item", move.item, detail, move.path))
            else:
                self.there += 1
        self.moves.clear()


def match(
    expected: Mapping[str, Expected], known: Collection[str], found: Iterable[StoredItem]
) -> tuple[dict[str, StoredItem], list[tuple[StoredItem, str]], list[StoredItem]]:
    """Which stored item each expected one is, by its name; of the others, the duplicates, each
    with the name of what it doubles; and what nobody restored.

    `known` are the names of all restored items, of which `expected` may be a sample.
    """
    by_name: dict[str, list[StoredItem]] = defaultdict(list)
    strangers: list[StoredItem] = []
    for stored in found:
        if stored.name in expected:
            by_name[stored.name].append(stored)
        elif stored.name not in known:
            strangers.append(stored)
    matched, doubled = {}, []
    for name, candidates in by_name.items():
        wanted = expected[name]
        candidates.sort(key=lambda one: (not _same(wanted, one), one.path != wanted.path))
        matched[name] = candidates[0]
        doubled += [(other, name) for other in candidates[1:]]
    strangers = _match_contents(expected, matched, strangers)
    contents = {key: name for name, one in expected.items() for key in _keys_of(one)}
    rest: list[StoredItem] = []
    for stored in strangers:
        doubles = contents.get(_key(stored))
        if doubles is None:
            rest.append(stored)
        else:
            doubled.append((stored, doubles))
    return matched, doubled, rest


def _match_contents(
    expected: Mapping[str, Expected], matched: dict[str, StoredItem], strangers: list[StoredItem]
) -> list[StoredItem]:
    """Adds to `matched` what lies there under another name, first what is in its own folder;
    answers the strangers that are left."""
    missing = [name for name in expected if name not in matched]
    for keys_of, key_of in ((_spots_of, _spot), (_keys_of, _key), (_place_of, _place)):
        if not missing:
            break
        lying: dict[object, list[StoredItem]] = defaultdict(list)
        for stored in strangers:
            lying[key_of(stored)].append(stored)
        for name in missing:
            found = next((key for key in keys_of(expected[name]) if lying.get(key)), None)
            if found is not None:
                matched[name] = lying[found].pop(0)
        missing = [name for name in missing if name not in matched]
        strangers = [stored for left in lying.values() for stored in left]
    return strangers


def _spot(stored: StoredItem) -> object:
    return stored.path, _key(stored)


def _spots_of(wanted: Expected) -> Iterator[object]:
    return ((wanted.path, key) for key in _keys_of(wanted))


def _key(stored: StoredItem) -> object:
    return stored.digest or (stored.size, stored.date // 1000)


def _keys_of(wanted: Expected) -> Iterator[object]:
    if len(wanted.digest) == _SHA_256:
        yield wanted.digest
    if wanted.date is not None:
        yield (wanted.size, wanted.date // 1000)


def _place(stored: StoredItem) -> object:
    return stored.path, stored.size, stored.date // 1000


def _place_of(wanted: Expected) -> Iterator[object]:
    if wanted.date is not None:
        yield wanted.path, wanted.size, wanted.date // 1000


def _same(wanted: Expected, stored: StoredItem) -> bool:
    """Whether the bytes are the same, as far as is known."""
    if stored.digest and len(wanted.digest) == _SHA_256:
        return stored.digest == wanted.digest
    return stored.size == wanted.size


def compare_items(
    expected: Mapping[str, Expected],
    known: Collection[str],
    found: Iterable[StoredItem],
    *,
    began: int,
    existed: bool,
) -> Items:
    """Compares an account's items.

    `began` is when the restore began (milliseconds): what is not restored and dated later has
    arrived since. `existed` says that the account was there before, with mail of its own. With
    a sample, nothing is said of what nobody restored.
    """
    result = Items()
    matched, doubled, rest = match(expected, known, found)
    for name, wanted in expected.items():
        stored = matched.get(name)
        if stored is None:
            result.missing += 1
            result.findings.append(Finding(Kind.MISSING, "item", wanted.item, "", wanted.path))
        else:
            _compare(result, wanted, stored)
    if len(expected) < len(known):
        return result
    for stored, name in doubled:
        result.extra += 1
        detail = f"a duplicate of item {expected[name].item}"
        result.findings.append(Finding(Kind.EXTRA, "item", stored.name, detail, stored.path))
    for stored in rest:
        if stored.date >= began:
            result.arrived += 1
        elif existed:
            result.earlier += 1
        else:
            result.extra += 1
            detail = "nobody restored it, and it is dated before the restore began"
            result.findings.append(Finding(Kind.EXTRA, "item", stored.name, detail, stored.path))
    return result


def _compare(result: Items, wanted: Expected, stored: StoredItem) -> None:
    changes = list(_changes(wanted, stored))
    same = _same(wanted, stored)
    if not same and stored.type in MAIL_TYPES:
        result.different += 1
        size = f"{stored.size} bytes instead of {wanted.size}"
        detail = "; ".join(["other bytes" if stored.size == wanted.size else size, *changes])
        result.findings.append(Finding(Kind.DIFFERENT, "item", wanted.item, detail, stored.path))
        return
    if not same:  # a contact or an appointment is edited in place
        changes = ["edited", *(change for change in changes if change != _DATE)]
    detail = "; ".join(changes)
    if stored.path != wanted.path:
        result.moves.append(Move(wanted.item, wanted.path, stored.path, detail))
    elif changes:
        result.changed += 1
        result.findings.append(Finding(Kind.CHANGED, "item", wanted.item, detail, stored.path))
    else:
        result.there += 1


def _changes(wanted: Expected, stored: StoredItem) -> Iterator[str]:
    """What was done to an item, save that it was moved."""
    if wanted.flags is not None and wanted.flags != stored.flags:
        added = [text for flag, text in _FLAGS.items() if flag in stored.flags & ~wanted.flags]
        removed = [text for flag, text in _FLAGS.items() if flag in wanted.flags & ~stored.flags]
        yield f"flags {_signed(added, removed)}"
    if wanted.keywords is not None:
        before = {keyword.casefold(): keyword for keyword in wanted.keywords}
        after = {keyword.casefold(): keyword for keyword in stored.keywords}
        if before.keys() != after.keys():
            added = sorted(after[key] for key in after.keys() - before.keys())
            removed = sorted(before[key] for key in before.keys() - after.keys())
            yield f"keywords {_signed(added, removed)}"
    if wanted.date is not None and wanted.date // 1000 != stored.date // 1000:
        yield _DATE


def _signed(added: Iterable[str], removed: Iterable[str]) -> str:
    return " ".join([*(f"+{one}" for one in added), *(f"-{one}" for one in removed)])
