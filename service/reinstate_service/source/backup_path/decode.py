"""Bytes of a record into its states, and states into the model's objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from reinstate_service.model import (
    AbsentItem,
    Account,
    ClassOfService,
    DistributionList,
    Domain,
    Folder,
    Item,
    Mountpoint,
    Product,
    SavedSearch,
    Tag,
    UnreadableItem,
)
from reinstate_service.source import numbers
from reinstate_service.source.backup_path.layout import TooLong, read_file
from reinstate_service.source.backup_path.records import (
    ITEM_TYPES,
    AccountState,
    CosState,
    DomainState,
    FolderState,
    ItemState,
    ListState,
    MountpointState,
    RecordState,
    SearchState,
    State,
    TagState,
)
from reinstate_service.source.contract import ItemError, RecordMalformed, RecordUnreadable

Container = Folder | Mountpoint | SavedSearch | Tag

_T = TypeVar("_T")
S = TypeVar("S", bound=State)

item_decoder = msgspec.json.Decoder(list[RecordState])
account_decoder = msgspec.json.Decoder(list[AccountState])
domain_decoder = msgspec.json.Decoder(list[DomainState])
cos_decoder = msgspec.json.Decoder(list[CosState])
list_decoder = msgspec.json.Decoder(list[ListState])

_NESTED_TOO_DEEP = "its JSON is nested too deep"


def decode(data: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """`data` as what `decoder` is for. Raises RecordMalformed, whatever the bytes are."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordMalformed(detail=str(error)) from error
    except RecursionError as error:
        raise RecordMalformed(detail=_NESTED_TOO_DEEP) from error


def decode_states(data: bytes, decoder: msgspec.json.Decoder[list[S]]) -> list[S]:
    """The states of a record, at least one. Raises RecordMalformed."""
    states = decode(data, decoder)
    if not states:
        raise RecordMalformed(detail="it has no states")
    return states


def read_item_states(path: str) -> list[RecordState]:
    """The states of the record at `path`, all of items or all of one kind of container.

    Raises ItemError.
    """
    try:
        data = read_file(path)
    except TooLong as error:
        raise RecordMalformed(detail=str(error)) from error
    except OSError as error:
        raise RecordUnreadable(detail=error.strerror or str(error)) from error
    states: list[RecordState] = decode_states(data, item_decoder)
    if len(states) > 1:
        kind = _kind(states[0])
        for state in states:
            if _kind(state) is not kind:
                raise RecordMalformed(detail="it is a container in one state and not in another")
    return states


def _kind(state: RecordState) -> type[State]:
    return ItemState if isinstance(state, ItemState) else type(state)


def unreadable(item: str, error: ItemError) -> UnreadableItem:
    """The record of an item that cannot be read, as the contract reports it."""
    return UnreadableItem(item, type(error).__name__, str(error))


def item_of(
    identifier: str, state: RecordState | None, states: Sequence[RecordState] = ()
) -> Item | AbsentItem:
    """The item in the given one of its `states`; absent if it is in none."""
    if not isinstance(state, ItemState):
        return AbsentItem(identifier)
    return Item(
        identifier,
        ITEM_TYPES[type(state)],
        state.folder,
        state.date,
        state.size,
        state.digest,
        numbers.flags_of(state.flags),
        state.tags,
        state.imap_uid,
        state.name,
        state.deleted,
        _other_folders(state, states),
    )


def _other_folders(state: ItemState, states: Sequence[RecordState]) -> tuple[str, ...]:
    if len(states) <= 1:
        return ()
    folders = dict.fromkeys(
        one.folder for one in states if isinstance(one, ItemState) and one.digest == state.digest
    )
    folders.pop(state.folder, None)
    return tuple(folders)


def container_of(identifier: str, state: RecordState, product: Product) -> Container:
    """The container in the given state."""
    match state:
        case FolderState():
            return Folder(
                identifier,
                _parent(state.parent),
                state.name,
                state.view or numbers.view_of(identifier, product),
                numbers.role_of(identifier, product),
                state.colour,
                state.subscribed,
                state.url,
                state.grants,
                state.inherits,
            )
        case MountpointState():
            parent = _parent(state.parent)
            return Mountpoint(
                identifier,
                parent,
                state.name,
                state.owner,
                state.remote,
                state.view,
                state.colour,
            )
        case SearchState():
            parent = _parent(state.parent)
            return SavedSearch(identifier, parent, state.name, state.query, state.types)
        case TagState():
            return Tag(identifier, state.name, state.colour)
        case _:
            raise TypeError(f"{type(state).__name__} is no container")


def _parent(parent: str) -> str:
    return "" if parent in numbers.HIDDEN else parent


def domain_of(identifier: str, state: DomainState) -> Domain:
    """The domain in the given state."""
    return Domain(identifier, **_fields(state))


def cos_of(identifier: str, state: CosState) -> ClassOfService:
    """The class of service in the given state."""
    return ClassOfService(identifier, **_fields(state))


def list_of(identifier: str, state: ListState) -> DistributionList:
    """The distribution list in the given state."""
    return DistributionList(identifier, **_fields(state))


def account_of(identifier: str, state: AccountState) -> Account:
    """The account in the given state."""
    return Account(identifier, **_fields(state))


def _fields(state: State) -> dict[str, Any]:
    return {
        name: getattr(state, name)
        for name in state.__struct_fields__
        if name not in State.__struct_fields__
    }
