"""Phase 3 for one account, when every account is through phase 2: mountpoints, data sources,
and the quota put back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from reinstate_journal.events import (
    AccountCompleted,
    DataSourceRestored,
    MountpointRefused,
    MountpointRestored,
    account_stream,
)
from reinstate_service.mapping.mountpoints import Owner
from reinstate_service.model import AccountRef, Containers, revision
from reinstate_service.restore.context import Context
from reinstate_service.restore.plan import plan_mountpoints
from reinstate_service.restore.quota import put_quota_back
from reinstate_service.restore.recorder import Recorder

OwnerOf = Callable[[str], Owner | None]


def finish_account(context: Context, ref: AccountRef, owner_of: OwnerOf) -> None:
    """Carries out phase 3 for one account."""
    recorder = context.recorder(ref.id)
    containers = context.containers(ref)
    if containers.mountpoints:
        _restore_mountpoints(context, recorder, ref, containers, owner_of)
    if context.options.restore_datasource and not context.options.skip_account_provisioning:
        _restore_data_sources(context, recorder, ref)
    known = context.journal.progress.account(context.log.restore, ref.id)
    if known is not None and known.quota_due is not None:
        put_quota_back(context.destination, recorder, ref.address, known.quota_due)
    if known is None or known.state != "completed":
        recorder.append(AccountCompleted(run=context.log.run))
    context.observer.account(ref.address, "done")


def owners(context: Context) -> OwnerOf:
    """Answers for an account of the backup that is on the destination: a mountpoint's owner."""

    @cache
    def owner_of(account: str) -> Owner | None:
        known = context.journal.progress.account(context.log.restore, account)
        if known is None or known.state == "skipped":
            return None
        stream = account_stream(context.log.restore, account)
        mapped = context.journal.containers.folders(stream)
        return Owner(known.address, {folder: place.path for folder, place in mapped.items()})

    return owner_of


def _restore_mountpoints(
    context: Context, recorder: Recorder, ref: AccountRef, containers: Containers, owner_of: OwnerOf
) -> None:
    mapped = context.journal.containers.folders(recorder.stream)
    places = {folder: place.path for folder, place in mapped.items()}
    with context.destination.mailbox(ref.address) as mailbox:
        existing = [folder.path for folder in mailbox.folders()]
        decisions = plan_mountpoints(containers, places, existing, owner_of, context.namespace)
        for decision in decisions:
            if decision.refused:
                refused = MountpointRefused(
                    mountpoint=decision.mountpoint, path=decision.path, reason=decision.refused
                )
                recorder.append_news(refused, decision.refused)
                continue
            restored = MountpointRestored(
                mountpoint=decision.mountpoint,
                path=decision.path,
                owner=decision.owner,
                target=decision.target,
                address=decision.address,
            )
            if not recorder.is_done(restored.step()):
                mailbox.subscribe(decision.address)
                recorder.append(restored)


def _restore_data_sources(context: Context, recorder: Recorder, ref: AccountRef) -> None:
    account = context.source.account(ref.id)
    for source in account.data_sources:
        event = DataSourceRestored(source=source.id, revision=revision(source))
        if not recorder.is_done(event.step()):
            context.destination.put_data_source(ref.address, source)
            recorder.append(event)
