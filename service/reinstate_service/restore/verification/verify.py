"""A verification from its beginning to its end: it writes into the journal and nowhere else.

One that was cut off is taken up by the next: what an account was found to be is recorded in one
append, so that it is recorded whole or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from reinstate_journal.catalogue import Event
from reinstate_journal.errors import Interrupted, ReinstateError, UsageError
from reinstate_journal.events import (
    AccountVerified,
    DirectoryVerified,
    VerificationFinding,
    VerificationFinished,
    VerificationStarted,
    verification_stream,
)
from reinstate_journal.journal import Journal, Reader
from reinstate_journal.progress import Account as Known
from reinstate_journal.progress import Restore
from reinstate_service.destination.contract import Destination
from reinstate_service.model import Frozen
from reinstate_service.restore.context import FATAL
from reinstate_service.restore.recorder import Recorder
from reinstate_service.restore.verification.account import AccountResult, AccountVerifier, Depth
from reinstate_service.restore.verification.directory import compare_directory, read_plan
from reinstate_service.restore.verification.findings import MOST_CHANGES, Finding, Kind
from reinstate_service.restore.verification.views import OpenSource, Views


class UnknownAccounts(UsageError):
    """Accounts were named that the restore does not have."""

    message = "Restore {restore} has no account {names}"
    hint = "reinstate report lists its accounts; nothing was compared."


class VerificationInterrupted(Interrupted):
    """The user or the system asked the verification to stop."""

    message = "Interrupted: the accounts in hand are compared and recorded"
    hint = "Go on with the accounts that are left: run the same command again"


class Request(Frozen, frozen=True):
    """What is to be compared: `accounts` are addresses or ids, none for all."""

    accounts: tuple[str, ...] = ()
    deep: bool = False
    sample: int = 0
    concurrent_accounts: int = 4


def verify(
    journal: Journal,
    restore: Restore,
    destination: Destination,
    open_source: OpenSource,
    request: Request,
    *,
    heard: Callable[[AccountVerified], None],
    stop: threading.Event,
) -> int:
    """Compares the destination with the journal and the backup; answers the verification's number.

    `heard` is told of each account, from several threads. Raises UnknownAccounts, Interrupted
    after `stop` was set, DestinationError, JournalError.
    """
    accounts = _chosen(journal, restore.restore, request)
    views = Views(journal, restore.restore, open_source)
    recorder = Recorder(journal, verification_stream(restore.restore))
    last = journal.progress.last_run(restore.restore)
    wanted = VerificationStarted(
        verification=0,
        run=last.run if last else 0,
        deep=request.deep,
        sample=request.sample,
        accounts=request.accounts,
        backup=not views.missing,
    )
    number, done, begun = _open(journal, recorder.stream, wanted)
    if not begun:
        recorder.append(replace(wanted, verification=number))
    work = _Work(journal, recorder, number, heard, stop)
    if "" not in done:
        work.directory(restore.restore, destination, views)
    verifier = AccountVerifier(
        journal,
        destination,
        views,
        _cos_names(views),
        restore.created_at,
        Depth(deep=request.deep, sample=request.sample, seed=number),
    )
    waiting = [account for account in accounts if account.account not in done]
    with ThreadPoolExecutor(request.concurrent_accounts, thread_name_prefix="verify") as pool:
        for _ in pool.map(lambda known: work.account(verifier, known), waiting):
            pass
    findings = journal.read(stream=recorder.stream, types=[VerificationFinding])
    kinds = {
        recorded.event.kind
        for recorded in findings
        if isinstance(recorded.event, VerificationFinding) and recorded.event.verification == number
    }
    recorder.append(VerificationFinished(verification=number, whole=kinds <= {Kind.CHANGED.value}))
    return number


def _chosen(journal: Reader, restore: str, request: Request) -> Sequence[Known]:
    accounts = [one for one in journal.progress.accounts(restore) if one.state != "skipped"]
    if not request.accounts:
        return accounts
    wanted = {name.lower() for name in request.accounts}
    names = {one.account: {one.account.lower(), one.address.lower()} for one in accounts}
    unknown = wanted.difference(*names.values()) if names else wanted
    if unknown:
        raise UnknownAccounts(restore=restore, names=", ".join(sorted(unknown)))
    return [one for one in accounts if names[one.account] & wanted]


def _open(journal: Reader, stream: str, wanted: VerificationStarted) -> tuple[int, set[str], bool]:
    """The verification to work on: its number, the accounts that it has done (the empty name is
    the directory), and whether it has begun."""
    number, done, going_on = 0, set[str](), False
    kinds = (VerificationStarted, DirectoryVerified, AccountVerified, VerificationFinished)
    for recorded in journal.read(stream=stream, types=kinds):
        match recorded.event:
            case VerificationStarted() as started:
                number, done = started.verification, set()
                going_on = started == replace(wanted, verification=number)
            case DirectoryVerified():
                done.add("")
            case AccountVerified(account=account):
                done.add(account)
            case VerificationFinished():
                going_on = False
    return (number, done, True) if going_on else (number + 1, set(), False)


def _cos_names(views: Views) -> dict[str, str]:
    read = read_plan(views, views.last)
    return (
        {} if read is None else {one.id: one.name for one in read.provisioning.classes_of_service}
    )


class _Work:
    """Compares and records, for one verification."""

    def __init__(
        self,
        journal: Journal,
        recorder: Recorder,
        number: int,
        heard: Callable[[AccountVerified], None],
        stop: threading.Event,
    ) -> None:
        self._journal = journal
        self._recorder = recorder
        self._number = number
        self._heard = heard
        self._stop = stop

    def directory(self, restore: str, destination: Destination, views: Views) -> None:
        objects, findings = compare_directory(self._journal, restore, destination, views)
        verified = DirectoryVerified(verification=self._number, objects=objects)
        self._recorder.append(*self._events(findings, ""), verified)

    def account(self, verifier: AccountVerifier, known: Known) -> None:
        """Compares one account. An error that concerns it alone is a finding."""
        if self._stop.is_set():
            raise VerificationInterrupted
        try:
            result = verifier.verify(known)
        except FATAL:
            self._stop.set()
            raise
        except ReinstateError as error:
            unchecked = Finding(Kind.UNCHECKED, "account", known.account, str(error))
            result = AccountResult(findings=[unchecked])
        items = result.items
        verified = AccountVerified(
            verification=self._number,
            account=known.account,
            address=known.address,
            there=items.there,
            changed=items.changed,
            missing=items.missing,
            different=items.different,
            extra=items.extra,
            arrived=items.arrived,
            earlier=items.earlier,
            objects=result.objects,
        )
        self._recorder.append(*self._events(result.findings, known.account), verified)
        self._heard(verified)

    def _events(self, findings: Iterable[Finding], account: str) -> list[Event]:
        changes = 0
        events: list[Event] = []
        for finding in findings:
            changes += finding.kind is Kind.CHANGED
            if finding.kind is Kind.CHANGED and changes > MOST_CHANGES:
                continue
            events.append(
                VerificationFinding(
                    verification=self._number,
                    kind=finding.kind.value,
                    what=finding.what,
                    name=finding.name,
                    detail=finding.detail,
                    account=account,
                    path=finding.path,
                )
            )
        return events
