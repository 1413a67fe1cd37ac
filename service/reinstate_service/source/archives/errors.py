"""What can be wrong with an archive, beside what can be wrong with any item."""

from __future__ import annotations

from reinstate_journal.errors import BackupError
from reinstate_service.source.contract import AccountUnreadable, ItemError


class ArchiveTruncated(ItemError):
    """The archive ends before its end: whatever came after is missing."""

    message = "{archive} ends early, {detail}: what came after is missing"
    hint = "Export the account again, in parts if it is large, and put the new archive beside it."


class ArchiveDamaged(ItemError):
    """The archive cannot be read any further; what came before is whole."""

    message = "{archive} is damaged, {detail}: what comes after cannot be read"
    hint = "Copy or export the archive again; see its size and checksum where it was made."


class MetaMissing(ItemError):
    """An entry without the `.meta` that says what it is."""

    message = "{archive}, entry {entry}: it has no .meta, so flags, tags and folder are not known"
    hint = "Export with meta=1: zmmailbox -z -m ADDRESS getRestURL '//?fmt=tgz&meta=1'"


class ContentMissing(ItemError):
    """The archive has an item's `.meta` but not its content."""

    message = "the archive has no content of it"


class ContentPadded(ItemError):
    """The server had less of the content than it should have had, and filled it up with blanks."""

    message = "the exporting server had lost a part of it and put blanks in its place"


class ContentTooLarge(ItemError):
    """More than an item of this kind can sensibly be: a damaged record, or a bomb."""

    message = "it has more than {limit} bytes"


class TypeUnknown(ItemError):
    """An item of a kind that has no place in a restore."""

    message = "items of type {type} are not restored"


class IndexLost(BackupError):
    """An index that was there a moment ago cannot be read: somebody emptied the cache."""

    message = "The index {path} cannot be read: {detail}"
    hint = "Run the same command again: an index is made anew where there is none."
    retryable = True


class ScratchFull(AccountUnreadable):
    """There is no room for the index or the contents of an account's archives."""

    message = "Account {account} cannot be read from {path}: no room in {folder}: {detail}"
    hint = "Free space there, or name another place with TMPDIR or REINSTATE_CACHE; then resume"
    retryable = True
