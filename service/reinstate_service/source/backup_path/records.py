"""The JSON on disk, as Structs; docs/backup-path.schema.json is generated from them.

A record is an array of states. A state holds from `start` until before `end`, or
until now where `end` is absent. It is a photograph of the whole object, never a
difference; a deletion is a state too and still shows the object. Unknown keys are
ignored when read and kept when a further state is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from reinstate_service.model import (
    Attributes,
    DataSource,
    Filters,
    Grant,
    Identity,
    ItemType,
    OutOfOffice,
    Product,
    Signature,
)

FORMAT = "reinstate-backup-path"
VERSION = 1

#: Milliseconds since 1970-01-01 UTC, within the years 1 to 9999.
Millis = Annotated[int, Meta(ge=-62_135_596_800_000, le=253_402_300_799_999)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
#: RFC 3501 §2.3.1.1: a non-zero 32-bit number.
ImapUid = Annotated[int, Meta(ge=1, le=2**32 - 1)]


class Marker(msgspec.Struct, frozen=True, omit_defaults=True):
    """`backupstat` at the root: what makes the tree a backup of this format."""

    format: str
    version: int
    server_id: str
    product: Product
    first_scan: Millis | None = None
    last_scan: Millis | None = None


class AccountScan(msgspec.Struct, frozen=True, omit_defaults=True):
    """`accounts/<uuid>/backupstat`: when the account was scanned."""

    first_scan: Millis | None = None
    last_scan: Millis | None = None


class AccountIndex(msgspec.Struct, frozen=True):
    """`accounts/<uuid>/account_stat`: spares a pass over all records to find the containers.

    It is believed only while `files` is the number of records that are there.
    """

    files: Count
    last_item: Count
    containers: tuple[str, ...]


class State(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What every state has."""

    start: Millis
    end: Millis | None = None
    deleted: bool = False


class DomainState(State, frozen=True):
    """`server/domains/<id>`."""

    name: str
    status: str = "active"
    default_cos: str = ""
    account_quota: Count = 0
    aggregate_quota: Count = 0
    max_accounts: Count = 0
    gal_mode: str = ""
    aliases: tuple[str, ...] = ()
    attributes: Attributes = {}


class CosState(State, frozen=True):
    """`server/cos/<id>`."""

    name: str
    quota: Count = 0
    attributes: Attributes = {}


class ListState(State, frozen=True):
    """`server/lists/<id>`."""

    address: str
    members: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    display_name: str = ""
    hide_in_gal: bool = False
    dynamic: bool = False
    attributes: Attributes = {}


class AccountState(State, frozen=True):
    """`accounts/<uuid>/account_info`."""

    address: str
    status: str = "active"
    password: str = ""
    display_name: str = ""
    cos: str = ""
    quota: Count = 0
    admin: bool = False
    system: bool = False
    hide_in_gal: bool = False
    aliases: tuple[str, ...] = ()
    forwarding: tuple[str, ...] = ()
    keep_forwarded: bool = True
    out_of_office: OutOfOffice | None = None
    identities: tuple[Identity, ...] = ()
    signatures: tuple[Signature, ...] = ()
    data_sources: tuple[DataSource, ...] = ()
    filters: Filters = Filters()
    attributes: Attributes = {}


class FolderState(State, frozen=True, tag_field="type", tag="folder"):
    """A folder. `view` absent: what the number of a system folder says, else message."""

    parent: str
    name: str
    view: ItemType | None = None
    colour: str = ""
    subscribed: bool = True
    url: str = ""
    grants: tuple[Grant, ...] = ()
    inherits: bool = True


class MountpointState(State, frozen=True, tag_field="type", tag="mountpoint"):
    """A folder that shows folder `remote` of the account `owner`."""

    parent: str
    name: str
    owner: str
    remote: str
    view: ItemType = ItemType.MESSAGE
    colour: str = ""


class SearchState(State, frozen=True, tag_field="type", tag="search"):
    """A saved search."""

    parent: str
    name: str
    query: str
    types: str = ""


class TagState(State, frozen=True, tag_field="type", tag="tag"):
    """A tag; items carry it by name."""

    name: str
    colour: str = ""


class ItemState(State, frozen=True, tag_field="type"):
    """An item of any type. `origin` is the file it was read from, where the builder knows one."""

    folder: str
    date: Millis
    size: Count
    digest: str
    flags: str = ""
    tags: tuple[str, ...] = ()
    imap_uid: ImapUid | None = None
    name: str = ""
    origin: str = ""


class MessageState(ItemState, frozen=True, tag="message"):
    """A message (RFC 5322)."""


class ChatState(ItemState, frozen=True, tag="chat"):
    """A chat, kept as a message."""


class ContactState(ItemState, frozen=True, tag="contact"):
    """A contact (vCard, RFC 6350)."""


class AppointmentState(ItemState, frozen=True, tag="appointment"):
    """An appointment (iCalendar, RFC 5545)."""


class TaskState(ItemState, frozen=True, tag="task"):
    """A task (iCalendar VTODO, RFC 5545)."""


class DocumentState(ItemState, frozen=True, tag="document"):
    """A file; `name` is its name."""


ITEM_STATES: dict[ItemType, type[ItemState]] = {
    ItemType.MESSAGE: MessageState,
    ItemType.CHAT: ChatState,
    ItemType.CONTACT: ContactState,
    ItemType.APPOINTMENT: AppointmentState,
    ItemType.TASK: TaskState,
    ItemType.DOCUMENT: DocumentState,
}
ITEM_TYPES: dict[type[State], ItemType] = {state: kind for kind, state in ITEM_STATES.items()}

ContainerState = FolderState | MountpointState | SearchState | TagState
AnyItemState = (
    MessageState | ChatState | ContactState | AppointmentState | TaskState | DocumentState
)
RecordState = ContainerState | AnyItemState

S = TypeVar("S", bound=State)


def state_at(states: Sequence[S], at: int | None) -> S | None:
    """The state that held at the moment `at`; None if none did.

    The latest (`at` None) is the one that started last, even where its `end` is
    set: a backup never loses an object because its scanner stopped. Of several
    that hold, the one that started last wins, the later in the array if they tie.
    """
    found: S | None = None
    for state in states:
        if at is not None and (state.start > at or (state.end is not None and state.end <= at)):
            continue
        if found is None or state.start >= found.start:
            found = state
    return found
