"""Phase 2 for one account's grants. They depend on other accounts: whom a backup could not tell
of in one run, it may in the next."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import GRANTS, GrantsApplied
from reinstate_service.destination.contract import AccessGrant, Mailbox
from reinstate_service.model import AccountRef, Containers, Folder, Frozen, Path, revision
from reinstate_service.restore.context import Context
from reinstate_service.restore.plan import plan_grants
from reinstate_service.restore.recorder import Recorder


class FolderGrants(Frozen, frozen=True):
    """What a folder's grantees are to get, and the event that says so."""

    folder: Folder
    grants: tuple[AccessGrant, ...]
    event: GrantsApplied


def open_grants(context: Context, recorder: Recorder, containers: Containers) -> list[FolderGrants]:
    """The grants that the journal does not know as given."""
    by_id = {folder.id: folder for folder in containers.folders}
    planned = [
        FolderGrants(
            by_id[folder],
            tuple(AccessGrant(grantee, rights) for grantee, rights in translated.granted),
            GrantsApplied(
                folder=folder,
                revision=revision(translated),
                granted=tuple(f"{grantee} {rights}" for grantee, rights in translated.granted),
                refused=tuple(f"{grantee}: {reason}" for grantee, reason in translated.refused),
            ),
        )
        for folder, translated in plan_grants(containers, context.addresses).items()
    ]
    return [one for one in planned if not recorder.is_done(one.event.step())]


def give_grants(
    recorder: Recorder, mailbox: Mailbox, grants: list[FolderGrants], places: Mapping[str, Path]
) -> None:
    """Gives and records them; `places` are the account's folders by id."""
    for one in grants:
        event = one.event
        if one.grants:
            # Its user may have deleted it since it was made.
            mailbox.create_folder(places[one.folder.id], one.folder)
            event = _given(one, mailbox.grant(places[one.folder.id], one.grants))
        reach(At.GRANTED)
        recorder.append(event)


def _given(one: FolderGrants, refused: Mapping[str, str]) -> GrantsApplied:
    """What is to be recorded: what was refused besides is no more among what was granted."""
    granted = [grant for grant in one.grants if grant.grantee not in refused]
    return replace(
        one.event,
        granted=tuple(f"{grant.grantee} {grant.rights}" for grant in granted),
        refused=(*one.event.refused, *(f"{who}: {why}" for who, why in refused.items())),
    )


def renew_grants(context: Context, recorder: Recorder, ref: AccountRef) -> None:
    """Gives what is new of an account that is otherwise as it was."""
    if not context.journal.progress.any_ended(recorder.stream, GRANTS):
        return  # it has none, or the journal would tell of the first
    mapped = context.journal.containers.folders(recorder.stream)
    places = {folder: known.path for folder, known in mapped.items()}
    grants = [
        one
        for one in open_grants(context, recorder, context.containers(ref))
        if one.folder.id in places
    ]
    if grants:
        with context.destination.mailbox(ref.address) as mailbox:
            give_grants(recorder, mailbox, grants, places)
