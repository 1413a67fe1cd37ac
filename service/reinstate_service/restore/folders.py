"""Phase 2 for one account's folders: decided, recorded, made, and granted."""

from __future__ import annotations

from collections.abc import Mapping

from reinstate_journal.catalogue import Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import FolderMapped, FoldersCreated, FoldersMerged
from reinstate_service.destination.contract import Mailbox
from reinstate_service.model import Containers, Path
from reinstate_service.restore.context import Context
from reinstate_service.restore.grants import give_grants, open_grants
from reinstate_service.restore.plan import plan_folders, with_roles
from reinstate_service.restore.recorder import Recorder


def restore_folders(
    context: Context, recorder: Recorder, mailbox: Mailbox, containers: Containers
) -> Mapping[str, Path]:
    """Decides, records, and then makes the folders; answers every folder's place by its id."""
    mapped = context.journal.containers.folders(recorder.stream)
    settled = {folder: known.path for folder, known in mapped.items()}
    existing = mailbox.folders()
    namespace = with_roles(context.namespace, existing)
    plan = plan_folders(containers, [one.path for one in existing], settled, namespace)
    events: list[Event] = [
        FolderMapped(
            folder=decision.folder,
            source=decision.source,
            path=decision.path,
            reason=decision.reason.value,
        )
        for decision in plan.decisions
    ]
    known_merges = context.journal.containers.merged(recorder.stream)
    events += [
        FoldersMerged(path=path, folders=folders)
        for path, folders in plan.merged.items()
        if known_merges.get(path) != folders
    ]
    recorder.append(*events)
    reach(At.FOLDERS_DECIDED)
    created = FoldersCreated(count=len(plan.places))
    if not recorder.is_done(created.step()):
        for folder in sorted(containers.folders, key=lambda folder: plan.places[folder.id]):
            mailbox.create_folder(plan.places[folder.id], folder)
            reach(At.FOLDER_MADE)
        reach(At.FOLDERS_MADE)
        recorder.append(created)
    grants = open_grants(context, recorder, containers)
    give_grants(recorder, mailbox, grants, plan.places)
    return plan.places
