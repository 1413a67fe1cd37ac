"""What every backup format offers: the contract `Source`, and the errors of its parts.

Terms. A *state* is an object as it was for a while; a source answers for one
moment (`at`, milliseconds, None for the latest). A *blob* is an item's bytes,
addressed by its digest. A source is read-only and may be used from several
threads at once.

Two kinds of error leave a source. A `BackupError` says that the backup as a
whole, or a whole account, cannot be read. An `ItemError` says that one item
cannot; its class name is what reports call the failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from reinstate_journal.errors import BackupError, ReinstateError
from reinstate_service.gunzip import Packed
from reinstate_service.model import (
    AbsentItem,
    Account,
    AccountRef,
    BackupIdentity,
    ClassOfService,
    Containers,
    DistributionList,
    Domain,
    Frozen,
    Item,
    UnreadableItem,
)

#: What a source says of each item: the item, or why there is none.
ItemRecord = Item | UnreadableItem | AbsentItem


class NotABackup(BackupError):
    """The path holds no backup that can be read."""

    message = "{path} is no backup that reinstate can read: {detail}"
    hint = "A Backup Path holds accounts/, items/ and backupstat; docs/backup-path.md describes it."


class VendorFormat(BackupError):
    """The tree is a vendor's Backup Path, whose JSON nobody has published."""

    message = "{path} is a Backup Path in the vendor's own format, which is not published"
    hint = (
        "reinstate never guesses. Restore from account archives instead, or send a sample:"
        " docs/backup-path.md says how."
    )


class AccountUnreadable(BackupError):
    """One account's record cannot be read; the others can."""

    message = "Account {account} cannot be read from {path}: {detail}"
    retryable = False


class OutOfFiles(BackupError):
    """The system opens no more files for now: nothing that is wrong with the backup."""

    message = "{path} cannot be opened now: {detail}"
    hint = "Allow more open files (ulimit -n), or fewer accounts at once, then: reinstate resume"
    retryable = True


class ItemError(ReinstateError):
    """One item cannot be restored; it never stops the others."""

    message = "{detail}"
    hint = "See reinstate backup check for everything of this kind in the backup."
    exit_code = 3


class BlobMissing(ItemError):
    """The item's blob is not in the backup."""

    message = "blob {digest} is not in the backup"


class BlobCorrupt(ItemError):
    """The blob's bytes do not have the digest that names them, or do not unpack."""

    message = "blob {digest} is corrupt: {detail}"


class BlobTooLarge(ItemError):
    """The blob unpacks to more than its item says: a damaged record, or a bomb."""

    message = "blob {digest} unpacks to more than the {limit} bytes its item has"


class RecordMalformed(ItemError):
    """The item's record is not what the format says."""

    message = "record is malformed: {detail}"


class RecordUnreadable(ItemError):
    """The item's record cannot be read from the disk."""

    message = "record cannot be read: {detail}"


class UnsafeName(ItemError):
    """A name or link in the backup would lead outside of it."""

    message = "{detail}"


class Storage(Frozen, frozen=True):
    """What a backup takes on the disk: so many `files` that hold contents, of so many bytes in
    all. `scratch` is what an account needs at most of the space for temporary files, in bytes."""

    files: int
    size: int
    scratch: int = 0


class Missing(Frozen, frozen=True):
    """Something that the infrastructure had and the backup has not. `place` is the account's
    address or the file that it is about, empty for the backup as a whole."""

    place: str
    what: str


class Source(Protocol):
    """A backup, read at one moment."""

    @property
    def path(self) -> str:
        """The backup as the user named it."""

    def identity(self) -> BackupIdentity:
        """Whose backup it is. Raises NotABackup, VendorFormat."""

    def storage(self) -> Storage:
        """What it takes on the disk; looks at everything. Raises BackupError."""

    def missing(self, *, accounts: bool = True) -> Iterator[Missing]:
        """What it lacks, as far as it can tell; without `accounts` only what is known without
        reading them, and cheap. Raises BackupError."""

    def domains(self) -> Iterator[Domain]:
        """Every domain, by name. Raises BackupError."""

    def classes_of_service(self) -> Iterator[ClassOfService]:
        """Every class of service, by name. Raises BackupError."""

    def distribution_lists(self) -> Iterator[DistributionList]:
        """Every distribution list, by address. Raises BackupError."""

    def accounts(self) -> Iterator[AccountRef | AccountUnreadable]:
        """Every account, by address; the ones whose record is broken last, as the
        error (fields `account`: id, `detail`)."""

    def account(self, account: str) -> Account:
        """The account of this id. Raises AccountUnreadable."""

    def state(self, account: str) -> str:
        """A stamp that changes whenever an item of the account may have changed;
        cheap. Raises AccountUnreadable."""

    def count_items(self, account: str) -> int:
        """How many records `items` will yield. Raises AccountUnreadable."""

    def containers(self, account: str, *, deleted: bool = False) -> Containers:
        """The folders, mountpoints, searches and tags; with `deleted`, those that the backup
        saw deleted as well. Raises AccountUnreadable."""

    def items(self, account: str, after: str = "") -> Iterator[ItemRecord]:
        """Every item once, by ascending id, streamed; then what is no item. With `after`, only
        what comes behind the item of that id. Raises AccountUnreadable."""

    def content(self, item: Item) -> Iterator[bytes]:
        """The item's bytes in pieces of bounded size; checked against size limit and
        digest, so that a caller who saw the end knows that they are right.
        Raises BlobMissing, BlobCorrupt, BlobTooLarge, UnsafeName, at any piece."""

    def has_packed(self) -> bool:
        """Whether `packed` may answer anything but None, of any item."""

    def packed(self, item: Item) -> Packed | None:
        """The item's content as the gzip file that the backup has of it, checked as `content`
        checks. None if it has none, or one that does not unpack to just that."""


class Export(Source, Protocol):
    """A backup that may be one of a part, and says of which."""

    def lists_everything(self) -> bool:
        """Whether a domain, class of service, list or account that is not in it is gone.
        Raises BackupError."""

    def holds_everything(self, account: str, container: str) -> bool:
        """Whether an item of that folder that is not in it is gone, and the folder, mountpoint,
        search or tag itself if it is not in it. Raises AccountUnreadable."""
