"""The backup's objects, whatever format they were read from.

Everything here is frozen and holds no behaviour but what follows from its own
fields. Times are milliseconds since 1970-01-01 UTC, sizes bytes, ids the
backup's own texts. A path is a tuple of segments, outermost first, without the
account's root.
"""

from __future__ import annotations

import enum
import hashlib

import msgspec

Path = tuple[str, ...]
#: Attributes by name, each with all its values in the backup's order.
Attributes = dict[str, tuple[str, ...]]


#: Fields that are shown in no repr, and so in no log, traceback or failed test.
_SECRETS = frozenset({"password"})


class Frozen(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of the model; equal when all fields are. A repr shows of secrets only that they are.
    What is frozen refers to nothing that refers to it: no collector has to look."""

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={'...' if value and name in _SECRETS else repr(value)}"
            for name, value in msgspec.structs.asdict(self).items()
        )
        return f"{type(self).__name__}({shown})"


class ItemType(enum.StrEnum):
    """What lies in a folder."""

    MESSAGE = "message"
    CHAT = "chat"
    CONTACT = "contact"
    APPOINTMENT = "appointment"
    TASK = "task"
    DOCUMENT = "document"


#: The types that a mailbox holds; the others lie in a collection of files.
MAIL_TYPES = frozenset({ItemType.MESSAGE, ItemType.CHAT})


class Role(enum.StrEnum):
    """What a system folder is for (RFC 6154 §2, and the inbox)."""

    INBOX = "inbox"
    SENT = "sent"
    DRAFTS = "drafts"
    TRASH = "trash"
    JUNK = "junk"
    ARCHIVE = "archive"


class Product(enum.StrEnum):
    """Who wrote the backup; decides what the low folder numbers mean."""

    CARBONIO = "carbonio"
    ZIMBRA = "zimbra"
    GENERIC = "generic"


class Flag(enum.IntFlag):
    """System flags of RFC 3501 §2.3.2 and keywords of RFC 5788 that have a meaning everywhere."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DRAFT = 8
    DELETED = 16
    FORWARDED = 32
    MDN_SENT = 64


class GranteeType(enum.StrEnum):
    """Whom a grant speaks of."""

    USER = "user"
    LIST = "list"
    DOMAIN = "domain"
    COS = "cos"
    ALL = "all"
    PUBLIC = "public"
    GUEST = "guest"
    KEY = "key"


class Grant(Frozen, frozen=True):
    """Rights on a folder: `rights` in the letters r w i d x a c p f of Zimbra and Carbonio.

    `grantee` is the backup's id of the account, list, domain or class of service
    (empty for `all` and `public`, an address for a guest); `name` is what the
    backup calls it, if it says.
    """

    grantee: str
    type: GranteeType
    rights: str
    name: str = ""


class Folder(Frozen, frozen=True):
    """A folder of items. `parent` is empty for what lies at the account's root.

    Where it `inherits`, the grants of the folders above it hold for it as well.
    """

    id: str
    parent: str
    name: str
    view: ItemType = ItemType.MESSAGE
    role: Role | None = None
    colour: str = ""
    subscribed: bool = True
    url: str = ""
    grants: tuple[Grant, ...] = ()
    inherits: bool = True


class Mountpoint(Frozen, frozen=True):
    """A folder in this account that shows folder `remote` of account `owner` (ids)."""

    id: str
    parent: str
    name: str
    owner: str
    remote: str
    view: ItemType = ItemType.MESSAGE
    colour: str = ""


class SavedSearch(Frozen, frozen=True):
    """A search folder."""

    id: str
    parent: str
    name: str
    query: str
    types: str = ""


class Tag(Frozen, frozen=True):
    """A tag of the account; items carry tags by name."""

    id: str
    name: str
    colour: str = ""


class Containers(Frozen, frozen=True):
    """All that an account holds beside its items; bounded, so it is read at once."""

    folders: tuple[Folder, ...] = ()
    mountpoints: tuple[Mountpoint, ...] = ()
    searches: tuple[SavedSearch, ...] = ()
    tags: tuple[Tag, ...] = ()


class Item(Frozen, frozen=True):
    """One item in the state that the restore is about.

    `digest` is base64 of the SHA-256 of the content with "/" written as ","
    (28 characters: SHA-1, in old data); `size` is that of the content. `name` is
    a document's file name. `deleted` means that the backup saw it deleted. `other_folders`
    are those in which other states of the item have this content.
    """

    id: str
    type: ItemType
    folder: str
    date: int
    size: int
    digest: str
    flags: Flag = Flag(0)
    tags: tuple[str, ...] = ()
    imap_uid: int | None = None
    name: str = ""
    deleted: bool = False
    other_folders: tuple[str, ...] = ()


class UnreadableItem(Frozen, frozen=True):
    """An item whose record cannot be read; `failure` is the name of an error class."""

    id: str
    failure: str
    reason: str


class AbsentItem(Frozen, frozen=True):
    """An item that did not exist yet at the moment that was asked for."""

    id: str


class Identity(Frozen, frozen=True):
    """A persona the account sends as."""

    id: str
    name: str
    attributes: Attributes = {}


class Signature(Frozen, frozen=True):
    """A signature of the account, as text or HTML."""

    id: str
    name: str
    text: str = ""
    html: str = ""


class DataSource(Frozen, frozen=True):
    """An external POP or IMAP account that is collected into `folder`.

    `password` is in clear text: a source undoes what its infrastructure stored, since
    that is of use only beside the same id. It is in no repr, event or report, and goes
    nowhere but into the destination's own protected store.
    """

    id: str
    name: str
    type: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    connection: str = "ssl"
    folder: str = ""
    enabled: bool = True
    attributes: Attributes = {}


class OutOfOffice(Frozen, frozen=True):
    """The absence reply. `start` and `until` bound it where the backup says so."""

    enabled: bool
    text: str = ""
    start: int | None = None
    until: int | None = None


class Filters(Frozen, frozen=True):
    """Sieve scripts (RFC 5228) as the backup has them; empty means none.

    `incoming` and `outgoing` are the user's; `before` and `after` the
    administrator's, around `incoming`.
    """

    incoming: str = ""
    outgoing: str = ""
    before: str = ""
    after: str = ""


class AccountRef(Frozen, frozen=True):
    """Enough of an account to select it and to keep its place in the order."""

    id: str
    address: str
    cos: str = ""
    system: bool = False
    deleted: bool = False


class Account(Frozen, frozen=True):
    """An account with everything but its folders and items.

    `password` carries its scheme (`{SSHA}...`); `quota` is bytes, 0 means none;
    `cos` is the id of its class of service, empty for the domain's default.
    `attributes` holds what has no field of its own.
    """

    id: str
    address: str
    status: str = "active"
    password: str = ""
    display_name: str = ""
    cos: str = ""
    quota: int = 0
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

    @property
    def domain(self) -> str:
        """The part of the address behind the last @."""
        return self.address.rpartition("@")[2]


class Domain(Frozen, frozen=True):
    """A mail domain. Quotas are bytes, 0 means none; `aliases` are other domain names."""

    id: str
    name: str
    status: str = "active"
    default_cos: str = ""
    account_quota: int = 0
    aggregate_quota: int = 0
    max_accounts: int = 0
    gal_mode: str = ""
    aliases: tuple[str, ...] = ()
    attributes: Attributes = {}


class ClassOfService(Frozen, frozen=True):
    """Defaults that its accounts share. `quota` is bytes, 0 means none."""

    id: str
    name: str
    quota: int = 0
    attributes: Attributes = {}


class DistributionList(Frozen, frozen=True):
    """An address that stands for its members; a member may be another list."""

    id: str
    address: str
    members: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    display_name: str = ""
    hide_in_gal: bool = False
    dynamic: bool = False
    attributes: Attributes = {}

    @property
    def domain(self) -> str:
        """The part of the address behind the last @."""
        return self.address.rpartition("@")[2]


class BackupIdentity(Frozen, frozen=True):
    """Whose backup this is and how fresh. `last_scan` is None if it was never finished."""

    server_id: str
    product: Product
    format: str
    last_scan: int | None = None


_canonical = msgspec.json.Encoder(order="deterministic")


def revision(value: object) -> str:
    """Twelve hex digits that change when any part of `value` does; `value` is of the model."""
    return hashlib.sha256(_canonical.encode(value)).hexdigest()[:12]
