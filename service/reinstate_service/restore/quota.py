"""A quota that was lifted for a restore is put back, on every way out."""

from __future__ import annotations

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import JournalDamaged
from reinstate_journal.events import (
    QuotaLifted,
    QuotaPutBack,
    RunEnded,
    account_stream,
    restore_stream,
)
from reinstate_journal.journal import Journal
from reinstate_service.destination.contract import Destination, Refused
from reinstate_service.restore.recorder import Recorder


def put_quota_back(destination: Destination, recorder: Recorder, address: str, quota: int) -> None:
    """Gives one account its quota (bytes) again; doing it twice is the same as once.

    Raises JournalDamaged if the events say of another quota, or of none, that it is due.
    """
    told = _told_last(recorder)
    if not isinstance(told, QuotaLifted) or told.put_back != quota:
        detail = f"the quota that is due for {address} is not what the events say"
        raise JournalDamaged(path=recorder.journal.path, detail=detail)
    destination.set_quota(address, quota)
    reach(At.QUOTA_PUT_BACK)
    recorder.append(QuotaPutBack(quota=quota))


def put_quotas_back(journal: Journal, destination: Destination, restore: str) -> list[str]:
    """Gives every account of the restore its quota again that has it lifted still.

    Answers their addresses. Raises Refused, when all others are through, if one cannot be set.
    """
    due = journal.progress.quotas_due(restore)
    refused: Refused | None = None
    for one in due:
        recorder = Recorder(journal, account_stream(restore, one.account))
        try:
            put_quota_back(destination, recorder, one.address, one.quota)
        except Refused as error:
            refused = refused or error
    if refused is not None:
        raise refused
    return [one.address for one in due]


def recall_quotas(journal: Journal, destination: Destination, restore: str) -> None:
    """For a journal that is behind its destination: where a run that it does not know may have
    lifted a quota, what the account had by the last that it does know is due again."""
    for account in journal.progress.accounts(restore):
        if account.quota_due is not None or not destination.has_account(account.address):
            continue
        recorder = Recorder(journal, account_stream(restore, account.account))
        told = _told_last(recorder)
        if isinstance(told, QuotaPutBack) and told.quota and not destination.quota(account.address):
            recorder.append(QuotaLifted(put_back=told.quota))


def _told_last(recorder: Recorder) -> QuotaLifted | QuotaPutBack | None:
    """What the account's events say of its quota last."""
    told = None
    for recorded in recorder.journal.read(recorder.stream, types=(QuotaLifted, QuotaPutBack)):
        if isinstance(recorded.event, (QuotaLifted, QuotaPutBack)):
            told = recorded.event
    return told


def abort(journal: Journal, destination: Destination, restore: str) -> list[str]:
    """Ends a restore that will not go on: quotas come back, what is restored stays.

    Answers the addresses whose quota came back.
    """
    addresses = put_quotas_back(journal, destination, restore)
    last = journal.progress.last_run(restore)
    if last is not None and last.outcome not in {"finished", "incomplete", "aborted"}:
        Recorder(journal, restore_stream(restore)).append(
            RunEnded(run=last.run, outcome="aborted", reason="by the administrator")
        )
    return addresses
