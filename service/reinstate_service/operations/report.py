"""What the journal says was restored, was not, and why: for people and for scripts.

Everything here is read from the journal alone; neither backup nor destination is
opened, so a report can be made months later from the journal's file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from reinstate_journal.catalogue import Outcome
from reinstate_journal.events import ItemFailed, ItemInDoubt, SpaceSaved, account_stream
from reinstate_journal.journal import Reader, Recorded
from reinstate_journal.progress import Account, Restore, Run, Tally
from reinstate_service.mapping.keywords import tag_of
from reinstate_service.model import Frozen, Path
from reinstate_service.operations.restores import choose_restore, runs_of
from reinstate_service.operations.score import Score, account_score, worst
from reinstate_service.operations.verification import (
    Verification,
    Verified,
    last_verification,
)
from reinstate_service.restore.verification.findings import Kind


class Counts(Frozen, frozen=True, omit_defaults=False):
    """Items by what became of them. `skipped` is by reason, `failed` by failure class;
    `doubt` counts those whose effect could not be decided. `size` is the bytes restored."""

    items: int = 0
    restored: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    failed: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    doubt: int = 0
    size: int = 0


class AccountReport(Frozen, frozen=True, omit_defaults=False):
    """One account. A skipped one counts its items as skipped for the account's reason. `score` is
    how consistent it is, by the restore and the last verification; None if it was skipped."""

    account: str
    address: str
    state: str
    reason: str
    counts: Counts
    score: Score | None = None


class Failure(Frozen, frozen=True, omit_defaults=False):
    """One step that failed: of an item, or of something else (`item` is empty then)."""

    account: str
    address: str
    item: str
    folder: str
    path: Path
    what: str
    failure: str
    reason: str
    position: int


class FilterNote(Frozen, frozen=True, omit_defaults=False):
    """A rule of a filter script that is only a comment now (`line` is that of the backup's
    script), or a string in one that was left as it is, for a person to look at."""

    account: str
    address: str
    script: str
    line: int
    text: str
    reason: str


class KeywordNote(Frozen, frozen=True, omit_defaults=False):
    """Tags that items of a folder are restored without, since the destination has no place for
    them there."""

    account: str
    address: str
    folder: str
    path: Path
    tags: tuple[str, ...]


class Saved(Frozen, frozen=True, omit_defaults=False):
    """So many messages take `bytes` less than their contents; `shared` of them share the file or
    the blocks of another message or of the backup."""

    messages: int = 0
    shared: int = 0
    bytes: int = 0


class Report(Frozen, frozen=True, omit_defaults=False):
    """A restore as its journal has it. `score` is that of its worst account, `verification` the
    last one; `head` is the journal's last position and its chain in hex: the report can be
    checked against the journal by it."""

    restore: Restore
    runs: tuple[Run, ...]
    totals: Counts
    accounts: tuple[AccountReport, ...]
    failures: tuple[Failure, ...]
    filter_notes: tuple[FilterNote, ...]
    keyword_notes: tuple[KeywordNote, ...]
    saved: Saved
    score: Score
    verification: Verified | None
    head: tuple[int, str]

    @property
    def whole(self) -> bool:
        """Whether everything that was asked for is restored."""
        return not self.failures and all(account.state != "failed" for account in self.accounts)


def make_report(journal: Reader, restore: str | None = None) -> Report:
    """The report of one restore. Raises NoRestore, SeveralRestores."""
    chosen = choose_restore(journal, restore)
    head = journal.head()
    tallies: dict[str, list[Tally]] = defaultdict(list)
    for tally in journal.progress.all_tallies(chosen.restore):
        tallies[tally.account].append(tally)
    known = list(journal.progress.accounts(chosen.restore))
    failures = tuple(_failures(journal, chosen.restore, known))
    verification = last_verification(journal, chosen.restore)
    troubles = _troubles(failures, verification)
    accounts = tuple(
        sorted(
            (
                _account(account, tallies[account.account], troubles[account.account])
                for account in known
            ),
            key=lambda account: account.address,
        )
    )
    return Report(
        restore=chosen,
        runs=runs_of(journal, chosen.restore),
        totals=_sum(account.counts for account in accounts),
        accounts=accounts,
        failures=failures,
        filter_notes=tuple(_filter_notes(journal, chosen.restore, known)),
        keyword_notes=tuple(_keyword_notes(journal, chosen.restore, known)),
        saved=_saved(journal, chosen.restore),
        score=worst([account.score for account in accounts if account.score]),
        verification=verification.summary if verification else None,
        head=(head.position, head.chain.hex()),
    )


class Troubles(NamedTuple):
    """What speaks against an account: items lost, and everything else."""

    lost: int = 0
    others: int = 0


def _troubles(
    failures: Iterable[Failure], verification: Verification | None
) -> dict[str, Troubles]:
    lost: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for failure in failures:
        (lost if failure.item else others)[failure.account] += 1
    for verified in verification.accounts if verification else ():
        lost[verified.account] += verified.missing + verified.different
    for finding in verification.findings if verification else ():
        if (finding.what != "item" and finding.kind != Kind.CHANGED) or finding.kind == Kind.EXTRA:
            others[finding.account] += 1
    found = lost.keys() | others.keys()
    return defaultdict(Troubles, {one: Troubles(lost[one], others[one]) for one in found})


def _account(account: Account, tallies: list[Tally], troubles: Troubles) -> AccountReport:
    if account.state == "skipped":
        items = account.items or 0
        counts = Counts(items=items, skipped={f"account: {account.reason}": items})
        return AccountReport(
            account.account, account.address, account.state, account.reason, counts
        )
    counts = _counts(tallies)
    reason = f"{account.failure}: {account.reason}" if account.failure else account.reason
    score = account_score(
        items=counts.items,
        lost=troubles.lost,
        troubles=troubles.others,
        broken=account.state == "failed",
    )
    return AccountReport(account.account, account.address, account.state, reason, counts, score)


def _counts(tallies: Iterable[Tally]) -> Counts:
    restored = doubt = size = 0
    skipped: dict[str, int] = {}
    failed: dict[str, int] = {}
    for tally in tallies:
        match tally.outcome:
            case Outcome.DONE:
                restored, size = restored + tally.count, size + tally.bytes
            case Outcome.SKIPPED:
                skipped[tally.reason] = tally.count
            case Outcome.FAILED:
                failed[tally.reason] = tally.count
            case Outcome.DOUBT:
                doubt += tally.count
    items = restored + sum(skipped.values()) + sum(failed.values()) + doubt
    return Counts(items, restored, skipped, failed, doubt, size)


def _sum(counts: Iterable[Counts]) -> Counts:
    items = restored = doubt = size = 0
    skipped: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    for one in counts:
        items, restored = items + one.items, restored + one.restored
        doubt, size = doubt + one.doubt, size + one.size
        for reason, count in one.skipped.items():
            skipped[reason] += count
        for failure, count in one.failed.items():
            failed[failure] += count
    return Counts(items, restored, dict(skipped), dict(failed), doubt, size)


def _filter_notes(
    journal: Reader, restore: str, accounts: Iterable[Account]
) -> Iterator[FilterNote]:
    for account in accounts:
        stream = account_stream(restore, account.account)
        translated = journal.containers.translated(stream).items()
        redirected = journal.containers.filters(stream).items()
        notes = [(name, kept) for name, script in translated for kept in script.kept]
        notes += [(name, left) for name, script in redirected for left in script.left]
        for name, note in notes:
            yield FilterNote(
                account.account, account.address, name, note.line, note.text, note.reason
            )


def _keyword_notes(
    journal: Reader, restore: str, accounts: Iterable[Account]
) -> Iterator[KeywordNote]:
    for account in accounts:
        stream = account_stream(restore, account.account)
        left_out = journal.containers.left_out(stream)
        places = journal.containers.folders(stream) if left_out else {}
        for folder, keywords in left_out.items():
            path = places[folder].path if folder in places else ()
            tags = tuple(map(tag_of, keywords))
            yield KeywordNote(account.account, account.address, folder, path, tags)


def _saved(journal: Reader, restore: str) -> Saved:
    runs = runs_of(journal, restore)
    if not any(run.options.keys() & {"compress", "dedupe"} for run in runs):
        return Saved()  # without a look at every event
    messages = shared = size = 0
    streams = account_stream(restore, "")
    for recorded in journal.read(types=[SpaceSaved]):
        event = recorded.event
        if isinstance(event, SpaceSaved) and recorded.stream.startswith(streams):
            messages += event.messages
            shared += event.shared
            size += event.saved
    return Saved(messages, shared, size)


def _failures(journal: Reader, restore: str, accounts: Iterable[Account]) -> Iterator[Failure]:
    addresses = {account_stream(restore, one.account): one for one in accounts}
    folders: dict[str, dict[str, Path]] = {}
    for recorded in journal.progress.failures(restore):
        stream = recorded.stream
        account = addresses.get(stream)
        if account is not None and stream not in folders:
            mapped = journal.containers.folders(stream)
            folders = {stream: {folder: place.path for folder, place in mapped.items()}}
        yield _failure(recorded, account, folders.get(stream, {}))


def _failure(recorded: Recorded, account: Account | None, places: dict[str, Path]) -> Failure:
    event = recorded.event
    item, folder = "", ""
    if isinstance(event, ItemFailed | ItemInDoubt):
        item, folder = event.item, event.folder
    return Failure(
        account=account.account if account else "",
        address=account.address if account else "",
        item=item,
        folder=folder,
        path=places.get(folder, getattr(event, "path", ())),
        what=event.step() or recorded.type,
        failure=getattr(event, "failure", recorded.type),
        reason=getattr(event, "reason", ""),
        position=recorded.position,
    )
