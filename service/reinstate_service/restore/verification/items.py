"""Restored items against what lies on the destination: a pure comparison."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import MAIL_TYPES, Frozen, Path
from reinstate_service.restore.verification.expected import (
    DATE,
    Expected,
    changes,
    same_bytes,
)
from reinstate_service.restore.verification.findings import Finding, Kind
from reinstate_service.restore.verification.matching import match


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
    matches = match(expected, known, found)
    result.there = len(matches.settled)
    for name, wanted in expected.items():
        if (stored := matches.others.get(name)) is not None:
            _compare(result, wanted, stored)
        elif name not in matches.settled:
            result.missing += 1
            result.findings.append(Finding(Kind.MISSING, "item", wanted.item, "", wanted.path))
    if len(expected) < len(known):
        return result
    for stored, name in matches.doubled:
        result.extra += 1
        detail = f"a duplicate of item {expected[name].item}"
        result.findings.append(Finding(Kind.EXTRA, "item", stored.name, detail, stored.path))
    for stored in matches.rest:
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
    done = list(changes(wanted, stored))
    same = same_bytes(wanted, stored)
    if not same and stored.type in MAIL_TYPES:
        result.different += 1
        size = f"{stored.size} bytes instead of {wanted.size}"
        detail = "; ".join(["other bytes" if stored.size == wanted.size else size, *done])
        result.findings.append(Finding(Kind.DIFFERENT, "item", wanted.item, detail, stored.path))
        return
    if not same:  # a contact or an appointment is edited in place
        done = ["edited", *(change for change in done if change != DATE)]
    detail = "; ".join(done)
    if stored.path != wanted.path:
        result.moves.append(Move(wanted.item, wanted.path, stored.path, detail))
    elif done:
        result.changed += 1
        result.findings.append(Finding(Kind.CHANGED, "item", wanted.item, detail, stored.path))
    else:
        result.there += 1
