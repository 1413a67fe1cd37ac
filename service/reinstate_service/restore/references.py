"""Phase 3 for what points at folders and accounts: attributes (rule 10) and data sources."""

from __future__ import annotations

from msgspec.structs import replace

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import AttributesMapped, DataSourceRestored, ProvisioningFailed
from reinstate_service.destination.contract import Refused
from reinstate_service.mapping.attributes import Maps, map_attributes
from reinstate_service.mapping.mountpoints import Owner, shared_address
from reinstate_service.model import Account, Path, revision
from reinstate_service.restore.context import Context
from reinstate_service.restore.mountpoints import OwnerOf
from reinstate_service.restore.provisioning import configure, settings_revision
from reinstate_service.restore.recorder import Recorder

#: Grantees that are no objects: everybody who is logged in, and everybody.
_PSEUDO_GRANTEES = (
    "00000000-0000-0000-0000-000000000000",
    "99999999-9999-9999-9999-999999999999",
)


def restore_references(
    context: Context, recorder: Recorder, account: Account, owner_of: OwnerOf
) -> None:
    """Lets the account's attributes and data sources mean the destination's objects."""
    maps = _maps(context, recorder, account, owner_of)
    _map_attributes(context, recorder, account, maps)
    if context.options.restore_datasource:
        _restore_data_sources(context, recorder, account, maps)


def _maps(context: Context, recorder: Recorder, account: Account, owner_of: OwnerOf) -> Maps:
    places = context.journal.containers.folders(recorder.stream)

    def folder_path(owner: str, folder: str) -> Path | None:
        if owner in {"", account.id}:
            return places[folder].path if folder in places else None
        found: Owner | None = owner_of(owner)
        if found is None or folder not in found.folders:
            return None
        return shared_address(found.address, found.folders[folder], context.namespace)

    pseudo = {grantee: grantee for grantee in _PSEUDO_GRANTEES}
    kept = {one.id for one in account.identities} | {one.id for one in account.signatures}
    return Maps(
        folder_path,
        {**pseudo, **context.addresses, **context.cos_names},
        frozenset(kept),
        context.namespace.separator,
    )


def _map_attributes(context: Context, recorder: Recorder, account: Account, maps: Maps) -> None:
    own = map_attributes(account.attributes, maps)
    identities = [map_attributes(identity.attributes, maps) for identity in account.identities]
    mapped = tuple(name for one in (own, *identities) for name in one.mapped)
    left = tuple(name for one in (own, *identities) for name in one.left)
    if not mapped and not left:
        return
    settled = replace(
        account,
        attributes=own.attributes,
        identities=tuple(
            replace(identity, attributes=one.attributes)
            for identity, one in zip(account.identities, identities, strict=True)
        ),
    )
    event = AttributesMapped(revision=settings_revision(context, settled), mapped=mapped, left=left)
    if not recorder.is_done(event.step()):
        configure(context, settled)
        reach(At.ATTRIBUTES_SET)
        recorder.append(event)


def _restore_data_sources(
    context: Context, recorder: Recorder, account: Account, maps: Maps
) -> None:
    for source in account.data_sources:
        path = maps.folders("", source.folder)
        folder = maps.separator.join(path) if path else ""
        placed = replace(
            source,
            folder=folder,
            attributes=map_attributes(source.attributes, maps).attributes,
        )
        event = DataSourceRestored(source=source.id, revision=revision(placed))
        if not recorder.is_done(event.step()):
            try:
                context.destination.put_data_source(account.address, placed)
            except Refused as error:
                failure = type(error).__name__
                recorder.append_news(
                    ProvisioningFailed(ended=event.step(), failure=failure, reason=str(error)),
                    failure,
                )
                continue
            reach(At.DATA_SOURCE_PUT)
            recorder.append(event)
