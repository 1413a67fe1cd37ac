"""Phase 3 for one account, when every account is through phase 2: mountpoints,
filters, references, and the quota put back."""

from __future__ import annotations

from functools import lru_cache

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import AccountCompleted, account_stream
from reinstate_service.mapping.mountpoints import Owner
from reinstate_service.mapping.paths import comparable
from reinstate_service.model import AccountRef
from reinstate_service.restore.context import Context
from reinstate_service.restore.mountpoints import OwnerOf, restore_mountpoints
from reinstate_service.restore.quota import put_quota_back
from reinstate_service.restore.references import restore_references


def finish_account(context: Context, ref: AccountRef, owner_of: OwnerOf) -> None:
    """Carries out phase 3 for one account."""
    recorder = context.recorder(ref.id)
    containers = context.containers(ref)
    restore_mountpoints(context, recorder, ref, containers, owner_of)
    if not context.options.skip_account_provisioning:
        restore_references(context, recorder, context.source.account(ref.id), owner_of)
    known = context.journal.progress.account(context.log.restore, ref.id)
    if known is not None and known.quota_due is not None:
        put_quota_back(context.destination, recorder, ref.address, known.quota_due)
    if known is None or known.state != "completed":
        reach(At.ACCOUNT_FINISHED)
        recorder.append(AccountCompleted(run=context.log.run))
    context.observer.account(ref.address, "done")


def owners(context: Context) -> OwnerOf:
    """Answers for an account of the backup that is on the destination, a mountpoint's owner,
    with those of its folders that are there still."""

    @lru_cache(maxsize=256)
    def owner_of(account: str) -> Owner | None:
        known = context.journal.progress.account(context.log.restore, account)
        if known is None or known.state == "skipped":
            return None
        if not context.destination.has_account(known.address):
            return None
        stream = account_stream(context.log.restore, account)
        mapped = context.journal.containers.folders(stream)
        held = context.source.containers(account).mountpoints
        with context.destination.mailbox(known.address) as mailbox:
            there = {comparable(one.path, context.namespace) for one in mailbox.folders()}
        return Owner(
            known.address,
            {
                folder: place.path
                for folder, place in mapped.items()
                if comparable(place.path, context.namespace) in there
            },
            frozenset(mountpoint.id for mountpoint in held),
        )

    return owner_of
