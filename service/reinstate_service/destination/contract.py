"""What every destination offers: the contract `Destination`, and its terms.

Terms. An *effect* is one change of the destination. Doing an effect again finds
it done: every method here may be called again after a crash, with the same
arguments, and ends in the same state. When a method returns, its effect is
durable: it survives a power cut.

`put_*` and `create_*` answer True when they made something and False when it was
there already. Nothing is ever deleted but an empty folder, by `remove_folder`.

Every method may raise DestinationError: the destination is unreachable, full or
broken, and the run stops. What concerns one object only is `Refused`: that
step failed and the others go on. Every method of a mailbox may raise
ChangedMeanwhile: the account is not finished, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from reinstate_journal.errors import ReinstateError
from reinstate_service.gunzip import Packed
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Flag,
    Folder,
    Frozen,
    Item,
    ItemType,
    Path,
    Role,
)


class Refused(ReinstateError):
    """The destination cannot do this one thing; trying again will not help."""

    message = "{detail}"
    hint = "The rest goes on; the report lists it with its reason."
    exit_code = 3


class AddressTaken(Refused):
    """The name or address already belongs to something of another kind."""

    message = "{address} is already taken on the destination by {detail}"


class Missing(Refused):
    """Something that must be there is not."""

    message = "{what} does not exist on the destination"


class EntryUnreadable(Refused):
    """What the destination keeps of an object is not what it was."""

    message = "its entry on the destination is no {kind}: {detail}"


class ChangedMeanwhile(ReinstateError):
    """Somebody took away what was being written to, in that very moment."""

    message = "something of {account} was moved or deleted while it was worked on: {detail}"
    hint = "Nothing is lost by it; go on with the account: reinstate resume"
    exit_code = 3
    retryable = True


class ExistingFolder(Frozen, frozen=True):
    """A folder the destination has. `role` is what the destination says it is for. A `mounted`
    one shows a folder of another account, and is none of this account's."""

    path: Path
    role: Role | None = None
    mounted: bool = False


class AccessGrant(Frozen, frozen=True):
    """Rights in the letters of RFC 4314 §2.1 for one grantee as the destination knows it:
    `user:<address>`, `group:<list address or @domain>`, `authenticated` or `anyone`."""

    grantee: str
    rights: str


class Delivery(Frozen, frozen=True):
    """One item to be put into a folder.

    `name` is a function of the restore and the item's step: printable ASCII without
    `/ : ,` and spaces; the effect is recognised by it. It is empty where a fence does that.
    `keywords` are IMAP atoms.
    `content` starts reading the bytes anew on every call; it raises an `ItemError`
    of the source when they are not right. `packed` opens them as the gzip file that the backup
    has; None if it has none. `elsewhere` are other folders in which an earlier run may have left
    the item.
    """

    name: str
    path: Path
    item: Item
    keywords: tuple[str, ...]
    content: Callable[[], Iterator[bytes]]
    elsewhere: tuple[Path, ...] = ()
    packed: Callable[[], Packed | None] = lambda: None


class Served(Frozen, frozen=True):
    """An item's digest and size in the form in which the destination keeps it."""

    digest: str
    size: int


class Delivered(Frozen, frozen=True):
    """What became of a delivery: `error` is None if the item is durable there, otherwise
    the error that concerned this one item. `found` says that it was there already, or,
    with `elsewhere`, in that one of the delivery's other folders.
    `unrepresented` are the keywords, and flags as IMAP writes them, that it was stored without,
    there being no place for them; `served` is the form that it is kept in, if that is another
    than the backup's; `taken` is how many bytes were written for it, if not just its content: none
    if it shares the file of another message."""

    found: bool = False
    error: ReinstateError | None = None
    unrepresented: tuple[str, ...] = ()
    elsewhere: Path | None = None
    served: Served | None = None
    taken: int | None = None


class StoredItem(Frozen, frozen=True):
    """An item as the destination holds it; `digest` as in the model, `date` in milliseconds
    with the destination's precision (1,000 in most)."""

    path: Path
    name: str
    type: ItemType
    digest: str
    size: int
    date: int
    flags: Flag
    keywords: tuple[str, ...]


def every_item(_name: str) -> bool:
    """Lets `contents` read every item whole."""
    return True


class Mailbox(Protocol):
    """One account of the destination, open for folders and items. Used by one thread."""

    def folders(self) -> Sequence[ExistingFolder]:
        """Every folder, mailboxes and collections alike."""

    def create_folder(self, path: Path, folder: Folder) -> bool:
        """Makes the folder, with what is missing above it, and subscribes to it if the
        backup's `folder` is; `folder.view` says whether it holds mail or a collection."""

    def grant(self, path: Path, grants: Sequence[AccessGrant]) -> Mapping[str, str]:
        """Adds `grants` to the folder; those of other grantees stay. Answers the grantees that the
        destination refuses, each with the reason. Raises Missing."""

    def subscribe(self, path: Path) -> None:
        """Shows `path`, as the account's user sees it, among the subscribed folders.
        Lists it with the shared prefix if it is another user's."""

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """Puts items into their folders, which are made where they are missing; all
        are durable on return. One answer per delivery, in order. An item whose name is in
        its folder already, or else in one `elsewhere`, is found and left as it is; no folder
        is made to look there."""

    def install_filters(self, filters: Filters) -> Sequence[str]:
        """Stores the scripts and activates the incoming one; the user is never without
        active filters. Answers the names of the scripts stored. Raises Refused."""

    def scripts(self) -> Mapping[str, str]:
        """Every Sieve script of the account by its name, the restored ones and the user's own."""

    def replace_script(self, name: str, text: str) -> None:
        """Puts `text` in the place of a script, at once: an active one stays active, and there
        is no moment without it. Raises Missing."""

    def check_mount(self, owner: str, target: Path) -> None:
        """Raises Missing (owner or target) or Refused (nothing is granted on the folder that
        could reach this user; in place: nothing is granted to this user by name)."""

    def mount(self, path: Path, owner: str, target: Path) -> None:
        """Shows folder `target` of the account `owner`: at `path` where the namespace mounts in
        place, otherwise under its shared address, subscribed. Raises what `check_mount`
        raises; in place also Refused if something of the user's stands at `path`."""

    def item_names(self, path: Path) -> Sequence[str]:
        """The names of the messages in a folder, in order; none if there is no such folder. A
        message keeps its name while its flags change."""

    def relocate(
        self, path: Path, owner: str, target: Path, names: Sequence[str]
    ) -> Sequence[bool]:
        """Moves messages of the folder `path` into folder `target` of the account `owner`, with
        flags, keywords and dates. Answers for each whether it lies there now, by this
        call or an earlier one; False if it is in neither place: its user has moved it.
        Raises Missing (owner or target)."""

    def remove_folder(self, path: Path) -> bool:
        """Removes a folder that holds no message and has no folder below it, and its
        subscription. Answers whether it is gone; False if it holds something. A removal that
        was cut off is ended by the next change; until then `folders` names the folder."""

    def grants(self, path: Path) -> Sequence[AccessGrant]:
        """The folder's grants, without what its owner may do; for verification. Raises Missing."""

    def contents(self, read: Callable[[str], bool] = every_item) -> Iterator[StoredItem]:
        """Every item, for verification: read back whole if `read` says so of its name, else with
        an empty digest, from what the destination tells without that."""


@runtime_checkable
class OverlappingMailbox(Mailbox, Protocol):
    """A mailbox that takes a batch in while the one before becomes durable."""

    def begin(self, deliveries: Sequence[Delivery]) -> Callable[[], Sequence[Delivered]]:
        """The beginning of `deliver`; what is answered is its end, to be called from the same
        thread: with its return the items are durable. One batch may be begun before the end of
        another one; the ends come in the order of the beginnings."""


class Destination(Protocol):
    """A mail system that is restored onto. Provisioning may be called from several threads."""

    @property
    def url(self) -> str:
        """The destination as the user named it, without secrets."""

    def identity(self) -> str:
        """An id that this destination keeps for life."""

    def namespace(self) -> Namespace:
        """What its mailbox names can represent."""

    def epoch(self) -> int:
        """The epoch that was stored last; 0 at first."""

    def store_epoch(self, epoch: int) -> None:
        """Keeps the number of the run that writes now; a journal that is behind is
        noticed by it."""

    def has_domain(self, name: str) -> bool:
        """Whether the domain exists."""

    def put_domain(self, domain: Domain) -> bool:
        """Makes an empty domain. Its aliases and attributes come with configure_domain."""

    def configure_domain(self, domain: Domain) -> None:
        """Sets status, limits, GAL settings, aliases, attributes. Raises Missing, AddressTaken."""

    def has_class_of_service(self, name: str) -> bool:
        """Whether the class of service exists."""

    def put_class_of_service(self, cos: ClassOfService) -> bool:
        """Makes a class of service with its attributes; one of the same name is left as it is."""

    def has_list(self, address: str) -> bool:
        """Whether the distribution list exists."""

    def put_list(self, lst: DistributionList) -> bool:
        """Makes an empty distribution list. Raises Missing (its domain), AddressTaken."""

    def configure_list(self, lst: DistributionList, with_aliases: bool) -> None:
        """Sets members, attributes and aliases. Raises Missing, AddressTaken."""

    def has_account(self, address: str) -> bool:
        """Whether the account exists."""

    def put_account(self, account: Account) -> bool:
        """Makes an empty account with its system folders and without a quota; it can receive
        mail from now on. Raises Missing (its domain), AddressTaken."""

    def configure_account(self, account: Account, cos: str, with_aliases: bool) -> Sequence[str]:
        """Sets everything but filters, quota, data sources and folders; `cos` is the *name* of its
        class of service, or empty. Answers what the destination has no place for, by name.
        Raises Missing, AddressTaken (an alias; all else is set)."""

    def quota(self, address: str) -> int:
        """The account's own quota in bytes, 0 for none. Raises Missing."""

    def set_quota(self, address: str, quota: int) -> None:
        """Sets it. Raises Missing, and Refused where it cannot be set."""

    def room(self, address: str) -> int | None:
        """How many more bytes the account can hold, None if nothing limits a restore; for the
        plan. Raises Missing."""

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """Stores a data source with its secrets; True if it is new or changed. Raises Missing."""

    def domain(self, name: str) -> Domain:
        """The domain as it is; for verification, as are the next three. What the destination has
        no place for is as by default. Raises Missing; all four raise EntryUnreadable."""

    def class_of_service(self, name: str) -> ClassOfService:
        """The class of service as it is. Raises Missing."""

    def distribution_list(self, address: str) -> DistributionList:
        """The list as it is. Raises Missing."""

    def account(self, address: str) -> Account:
        """The account as it is, with its quota and its data sources, without filters; `cos` is the
        *name* of its class of service. Raises Missing."""

    def mailbox(self, address: str) -> AbstractContextManager[Mailbox]:
        """Opens the account. Raises Missing."""

    def close(self) -> None:
        """Lets go of everything."""
