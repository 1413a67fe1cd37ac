"""One account of the destination against what it should be."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from msgspec.structs import replace

from reinstate_journal.catalogue import Outcome
from reinstate_journal.events import account_stream
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Account as Known
from reinstate_service.destination.contract import (
    Destination,
    EntryUnreadable,
    ExistingFolder,
    Mailbox,
    Missing,
    every_item,
)
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import comparable
from reinstate_service.model import Account, Frozen, Path
from reinstate_service.restore.verification.configuration import (
    differences,
    filter_findings,
    grant_findings,
)
from reinstate_service.restore.verification.expectation import Expectation, expect_account
from reinstate_service.restore.verification.findings import Finding, Kind
from reinstate_service.restore.verification.folders import folder_findings, renamed_folders
from reinstate_service.restore.verification.items import Items, compare_items
from reinstate_service.restore.verification.sheet import Sheet
from reinstate_service.restore.verification.views import Views


class Depth(Frozen, frozen=True):
    """How closely items are looked at: whole if `deep`, else by what the destination tells without
    reading them; all, or a `sample` of so many of each account, chosen by `seed`."""

    deep: bool = False
    sample: int = 0
    seed: int = 0

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Those of an account's items that are looked at: the same whenever they are asked for."""
        if not self.sample:
            return list(names)

        def lot(name: str) -> bytes:
            return hashlib.sha256(f"{self.seed} {name}".encode()).digest()

        return heapq.nsmallest(self.sample, names, key=lot)


@dataclass
class AccountResult:
    """What the comparison of one account found; `objects` were compared beside its items."""

    items: Items = field(default_factory=Items)
    objects: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class AccountVerifier:
    """Compares accounts, several at once if need be. Only reads, from all three."""

    journal: Reader
    destination: Destination
    views: Views
    cos_names: Mapping[str, str]
    began: int
    depth: Depth

    def verify(self, known: Known) -> AccountResult:
        """Compares one account. Raises what the destination and the journal raise."""
        try:
            with closing(Sheet()) as sheet, self.destination.mailbox(known.address) as mailbox:
                try:
                    there = self.destination.account(known.address)
                except EntryUnreadable as error:
                    unread = Finding(Kind.UNCHECKED, "account", known.account, str(error))
                    result = self._compare(known, None, mailbox, sheet)
                    result.findings.insert(0, unread)
                    return result
                return self._compare(known, there, mailbox, sheet)
        except Missing as error:
            gone = Finding(Kind.MISSING, "account", known.account, str(error))
            tallies = self.journal.progress.tallies(account_stream(known.restore, known.account))
            lost = sum(tally.count for tally in tallies if tally.outcome is Outcome.DONE)
            return AccountResult(Items(missing=lost), objects=1, findings=[gone])

    def _compare(
        self, known: Known, there: Account | None, mailbox: Mailbox, sheet: Sheet
    ) -> AccountResult:
        namespace = self.destination.namespace()
        existing = mailbox.folders()
        place = _placing(existing, namespace)
        expected = expect_account(
            self.journal, self.views, known, self.cos_names, place=place, sheet=sheet
        )
        if namespace.mail_only:
            expected.leave_out_all_but_mail()
        result = AccountResult(objects=1)
        if there is not None:
            result.findings += _settings(expected, there)
        result.items = self._items(sheet, mailbox, existed=expected.existed)
        self._folders(result, expected, existing)
        for path, grants in expected.grants.items():
            if any(folder.path == path for folder in existing):
                result.objects += len(grants)
                made = expected.folders.get(path, False)
                result.findings += grant_findings(path, grants, mailbox.grants(path), made=made)
        result.objects += len(expected.filters)
        if expected.filters:
            result.findings += filter_findings(expected.filters, mailbox.scripts())
        if expected.unreadable:
            told = Finding(Kind.UNCHECKED, "account", known.account, expected.unreadable)
            result.findings.append(told)
        result.findings += result.items.findings
        return result

    def _folders(
        self, result: AccountResult, expected: Expectation, existing: Iterable[ExistingFolder]
    ) -> None:
        """Compares folders; the items that moved tell what one is called now."""
        own = {folder.path for folder in existing if not folder.mounted}
        missing = {path for path in expected.folders if path not in own}
        new = own - expected.folders.keys() - {folder.path for folder in existing if folder.role}
        result.objects += len(expected.folders)
        renamed = renamed_folders(missing, new, result.items.moved)
        result.items.settle_moves(renamed)
        result.findings += folder_findings(missing, renamed)

    def _items(self, sheet: Sheet, mailbox: Mailbox, *, existed: bool) -> Items:
        sample = set[str]()
        whole = True
        if self.depth.sample:
            sample.update(self.depth.chosen(sheet.names()))
            whole = sheet.ask_for(sample)
        sheet.add_found(mailbox.contents(self._reads(sample)))
        return compare_items(sheet, whole=whole, began=self.began, existed=existed)

    def _reads(self, sample: Container[str]) -> Callable[[str], bool]:
        if not self.depth.deep:
            return lambda _name: False
        if self.depth.sample:
            return sample.__contains__
        return every_item


def _placing(existing: Iterable[ExistingFolder], namespace: Namespace) -> Callable[[Path], Path]:
    """Tells how a path of the journal is spelled on the destination."""
    spelled = {comparable(folder.path, namespace): folder.path for folder in existing}
    return lambda path: spelled.get(comparable(path, namespace), path)


def _settings(expected: Expectation, there: Account) -> Iterable[Finding]:
    known = expected.known
    if expected.settings is not None:
        wanted, found = _without_ids(expected.settings), _without_ids(there)
        ignored = {*expected.absent, "quota", "filters"}
        texts = differences(
            wanted,
            found,
            existed=expected.existed,
            ignored=ignored,
            attributes=expected.mapped,
        )
        if detail := "; ".join(texts):
            yield Finding(Kind.DIFFERENT, "account", known.account, detail)
    if expected.quota is not None and expected.quota != there.quota:
        detail = f"{there.quota} bytes instead of {expected.quota}"
        yield Finding(Kind.DIFFERENT, "quota", known.account, detail)


def _without_ids(account: Account) -> Account:
    """The account without what in its data sources means the destination's objects."""
    sources = tuple(replace(one, folder="", attributes={}) for one in account.data_sources)
    return replace(account, data_sources=sources)
