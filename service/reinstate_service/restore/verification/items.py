"""Restored items against what lies on the destination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import MAIL_TYPES, Frozen, Path
from reinstate_service.restore.verification.expected import (
    DATE,
    Expected,
    changes,
    same_bytes,
)
from reinstate_service.restore.verification.findings import MOST_CHANGES, Finding, Kind
from reinstate_service.restore.verification.matching import UNTOUCHED, Matches
from reinstate_service.restore.verification.sheet import Sheet


class Move(Frozen, frozen=True):
    """An item that lies in another folder than it was restored to; `changes` is what else was
    done to it."""

    item: str
    origin: Path
    path: Path
    changes: str


@dataclass
class Items:
    """How an account's items compare. `moved` counts those that lie elsewhere, by where they were
    restored to, where they lie, and whether anything else was done to them: neither as there nor
    as changed before `settle_moves` has been told which folders were renamed. Of what users
    changed no more is listed than is told."""

    there: int = 0
    changed: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    arrived: int = 0
    earlier: int = 0
    findings: list[Finding] = field(default_factory=list)
    moved: Counter[tuple[Path, Path, bool]] = field(default_factory=Counter)
    _moves: list[Move] = field(default_factory=list)

    def change(self, item: str, detail: str, path: Path) -> None:
        """Counts an item that its user changed."""
        if self.changed < MOST_CHANGES:
            self.findings.append(Finding(Kind.CHANGED, "item", item, detail, path))
        self.changed += 1

    def move(self, move: Move) -> None:
        """Counts an item that lies elsewhere."""
        kind = (move.origin, move.path, bool(move.changes))
        if self.moved[kind] < MOST_CHANGES:
            self._moves.append(move)
        self.moved[kind] += 1

    def settle_moves(self, renamed: Mapping[Path, Path]) -> None:
        """Counts the items that lie elsewhere. Where their folder was renamed, that is told of the
        folder."""
        listed = Counter[tuple[Path, Path, bool]]()
        for move in self._moves:
            changes = [move.changes] if move.changes else []
            if renamed.get(move.origin) != move.path:
                changes.insert(0, f"moved from {'/'.join(move.origin)}")
            if changes:
                listed[move.origin, move.path, bool(move.changes)] += 1
                self.change(move.item, "; ".join(changes), move.path)
        for kind, count in self.moved.items():
            origin, path, changed = kind
            if changed or renamed.get(origin) != path:
                self.changed += count - listed[kind]
            else:
                self.there += count
        self.moved.clear()
        self._moves.clear()


def compare_items(sheet: Sheet, *, whole: bool, began: int, existed: bool) -> Items:
    """Compares an account's items.

    `began` is when the restore began (milliseconds): what is not restored and dated later has
    arrived since. `existed` says that the account was there before, with mail of its own. Unless
    the `whole` account is asked for, nothing is said of what nobody restored.
    """
    result = Items()
    matches = Matches(sheet)
    for number in sheet.asked():
        found = matches.found[number]
        if found == UNTOUCHED:
            result.there += 1
        elif found:
            _compare(result, sheet.wanted(number), sheet.stored(found))
        else:
            wanted = sheet.wanted(number)
            result.missing += 1
            result.findings.append(Finding(Kind.MISSING, "item", wanted.item, "", wanted.path))
    if whole:
        for found, number in matches.doubled:
            _double(result, sheet, found, number)
        for found, like in sheet.strangers():
            if like is None:
                _stranger(result, sheet.stored(found), began, existed)
            else:
                _double(result, sheet, found, like)
    return result


def _double(result: Items, sheet: Sheet, found: int, number: int) -> None:
    stored = sheet.stored(found)
    result.extra += 1
    detail = f"a duplicate of item {sheet.wanted(number).item}"
    result.findings.append(Finding(Kind.EXTRA, "item", stored.name, detail, stored.path))


def _stranger(result: Items, stored: StoredItem, began: int, existed: bool) -> None:
    if stored.date >= began:
        result.arrived += 1
    elif existed:
        result.earlier += 1
    else:
        result.extra += 1
        detail = "nobody restored it, and it is dated before the restore began"
        result.findings.append(Finding(Kind.EXTRA, "item", stored.name, detail, stored.path))


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
        result.move(Move(wanted.item, wanted.path, stored.path, detail))
    elif done:
        result.change(wanted.item, detail, stored.path)
    else:
        result.there += 1
