"""Named points at which a test lets the process die.

One stands at every boundary between intent, effect, flush, outcome, commit and checkpoint,
each in exactly one place of the code: `reach(At.BATCH_FLUSHED)`. Nothing but a call of
`watch` in the dying process itself switches them on; no option and no environment does.

A point that nobody watches costs a function call and a comparison with None: under 100 ns on
a busy machine of two cores, three times for an item that takes 300 us to restore. Measured by
python -m timeit -s "from reinstate_journal.crashpoints import At, reach" "reach(At.COMMITTED)"
"""

from __future__ import annotations

from collections.abc import Callable


class Point:
    """A boundary; `meaning` says what is done there, and what is not yet."""

    # No Enum: before Python 3.12 the look-up of a member costs more than all the rest.
    def __init__(self, meaning: str) -> None:
        self.meaning = meaning
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name.lower()


class At:
    """Every point, in the order in which a restore comes by."""

    # The journal's lock and file.
    LOCK_OPENED = Point("the lock file is there and not locked")
    LOCK_TAKEN = Point("the lock is held and names nobody")
    LOCK_NAMED = Point("the lock names its holder; the journal is not opened")
    JOURNAL_EMPTY = Point("a new journal is an empty file under its temporary name")
    JOURNAL_HAS_TABLES = Point("the new journal has its tables and no projections")
    JOURNAL_WHOLE = Point("the new journal is whole and not flushed")
    JOURNAL_FLUSHED = Point("the new journal is flushed and not renamed")
    JOURNAL_RENAMED = Point("the new journal has its name; the folder is not flushed")
    JOURNAL_MADE = Point("the new journal is durable and not opened")

    # The journal's transactions.
    PROJECTIONS_RENEWED = Point("the projections are at the head in an open transaction")
    PROJECTIONS_COMMITTED = Point("the renewed projections are committed")
    COMMIT_ASKED = Point("events wait; their transaction is not begun")
    COMMIT_BEGUN = Point("the transaction is begun and empty")
    EVENTS_INSERTED = Point("the events are inserted; neither head nor projections know them")
    EVENTS_FOLDED = Point("events, head and projections are written and not committed")
    COMMITTED = Point("the events are durable; whoever waits is not told")
    WAL_FULL = Point("the last commit is done; the WAL is not copied into the file")
    WAL_EMPTIED = Point("the WAL is copied into the file; the lock is still held")
    LOCK_EMPTIED = Point("the lock names nobody any more and is still held")

    # The destination: making it, its directory.sqlite, small files.
    ROOT_MADE = Point("the destination's folder is made; its name is not flushed")
    DIRECTORY_FILE_MADE = Point("directory.sqlite is an empty file; its name is not flushed")
    DICTIONARY_FOLDER_MADE = Point("the dictionary's folder is made and not flushed")
    SERVED_FOLDER_MADE = Point("the folder that Radicale serves is made and not flushed")
    DIRECTORY_CHANGED = Point("a change of directory.sqlite is made and not committed")
    DIRECTORY_COMMITTED = Point("a change of directory.sqlite is durable and not recorded")
    REPLACEMENT_EMPTY = Point("the file that will replace another is there, empty")
    REPLACEMENT_WRITTEN = Point("the replacing file is written and not flushed")
    REPLACEMENT_FLUSHED = Point("the replacing file is flushed and has not the name")
    REPLACEMENT_RENAMED = Point("the file is replaced; the folder is not flushed")
    LINK_WRITTEN = Point("a symlink waits under its temporary name")
    LINK_RENAMED = Point("the symlink has its name; the folder is not flushed")
    DOTLOCK_WRITTEN = Point("a file that names the locker is written and not linked")
    DOTLOCK_LINKED = Point("the lock is held under both of its names")
    DOTLOCK_BROKEN = Point("a lock of a dead process is removed")
    DOTLOCK_HELD = Point("a file is locked and not changed")
    DOTLOCK_CHANGED = Point("the locked file is changed; the lock is still there")
    LEFTOVER_REMOVED = Point("one leftover of a dead process is removed")

    # A run, phase 1.
    EPOCH_STORED = Point("the destination knows the run; the journal does not")
    RUN_BEGUN = Point("the run, or its phase, is recorded as begun; nothing is done in it")
    OBJECTS_PLANNED = Point("it is recorded what will be made; nothing of it is")
    OBJECT_SET = Point("a domain, list, settings or scripts are set and not recorded")
    QUOTA_DUE = Point("the quota of the backup is recorded as due; it is not lifted")
    HOME_DIRECTORY_MADE = Point("an account's home is an empty folder")
    MAILBOX_PART_MADE = Point("a mailbox has one more of cur/, new/ and tmp/")
    SYSTEM_FOLDER_MADE = Point("a system folder is a folder without its parts")
    HOME_NOT_SUBSCRIBED = Point("the home has its folders and no subscriptions")
    HOME_SUBSCRIBED = Point("the home is whole and not flushed")
    HOME_DURABLE = Point("the home is durable; Radicale cannot find it")
    COLLECTIONS_LINKED = Point("Radicale finds the home by a link that is not flushed")
    HOME_SERVED = Point("the home is durable and found; nobody can log in")
    ACCOUNT_MADE = Point("the account is there and not recorded")
    QUOTA_LIFTED = Point("the quota is lifted; the account is not configured")
    SCRIPT_STORED = Point("one of an account's scripts is stored")
    SCRIPTS_STORED = Point("all scripts are stored and none is active")

    # Phase 2.
    FOUND_QUOTA_DUE = Point("the destination's own quota is recorded as due; it is not lifted")
    FOUND_QUOTA_LIFTED = Point("the destination's own quota is lifted")
    FOLDERS_DECIDED = Point("it is recorded where folders go; none is made")
    MAILBOX_DIRECTORY_MADE = Point("a mailbox is a folder without its parts")
    MAILBOX_NOT_MARKED = Point("a mailbox has its parts and not its mark")
    MAILBOX_MARKED = Point("a mailbox is whole and not flushed")
    MAILBOX_FLUSHED = Point("a mailbox is flushed; its name is not")
    MAILBOX_NOT_SUBSCRIBED = Point("a mailbox is durable and not subscribed")
    COLLECTION_DIRECTORY_MADE = Point("a collection is made and not flushed")
    COLLECTION_NOT_DESCRIBED = Point("a collection is durable and does not say what it is")
    FOLDER_MADE = Point("one of the folders is made")
    FOLDERS_MADE = Point("all folders are made and not recorded")
    ACL_WRITTEN = Point("a folder's grants are written; Dovecot's own list is an old one")
    ACL_LIST_DROPPED = Point("Dovecot's list is dropped; the dictionary does not know the grants")
    GRANTED = Point("a folder is shared, which is not recorded")
    BATCH_DECIDED = Point("it is decided what of a batch is delivered")
    TEMPORARY_SWEPT = Point("one file of a dead process is removed from tmp/")
    KEYWORDS_LOCKED = Point("Dovecot's lock on a mailbox's keywords is held")
    KEYWORDS_ADDED = Point("a mailbox has its new keywords; the lock is still there")
    KEYWORDS_GIVEN = Point("a batch's keywords have letters; none of it is written")
    TWIN_LINKED = Point("a message's file has a second name in tmp/, for another message")
    CONTENT_EMPTY = Point("an item's file in tmp/ is empty")
    CONTENT_WRITTEN = Point("an item's file in tmp/ is written and not flushed")
    SIDECAR_WRITTEN = Point("what a collection keeps beside an item is written in tmp/")
    BATCH_WRITTEN = Point("a batch is in tmp/ and not flushed")
    BATCH_FLUSHED = Point("a batch is flushed; no file has its name")
    SIDECAR_RENAMED = Point("what belongs beside an item is there; the item is not")
    SIDECARS_DURABLE = Point("what stands beside a batch's items is durable; none has its name")
    ITEM_RENAMED = Point("one item of a batch has its name; its folder is not flushed")
    BATCH_RENAMED = Point("all files have their names; a folder is not flushed")
    BATCH_DURABLE = Point("a batch is durable; the destination has not answered")
    DELIVERY_INTENDED = Point("it is recorded what goes above which fence; none of it is sent")
    DELIVERY_SENT = Point("messages are sent; whether the server has stored them is not known")
    DELIVERY_STORED = Point("the server has stored messages; others may be under way behind them")
    BATCH_DELIVERED = Point("a batch is durable and not recorded")
    ARRIVALS_COMPARED = Point("what stands above a fence is recognised, which is not recorded")
    ITEMS_RECORDED = Point("all items are recorded; that they are all is not")

    # Phase 3.
    MOUNTPOINTS_DECIDED = Point("it is recorded where mountpoints go; none is made")
    BELOW_TARGET_MADE = Point("a folder below a target is made and not shared")
    BELOW_TARGET_GRANTED = Point("a folder below a target is shared")
    MOUNTED_BESIDE = Point("a mountpoint is made; the filters still write where it was")
    FILTER_DECIDED = Point("a script's change is recorded; the old one is active")
    SCRIPT_REPLACED = Point("a script is replaced; what was compiled of the old one is there")
    COMPILED_DROPPED = Point("one of two compiled scripts is removed")
    FILTER_REPLACED = Point("a script is replaced, which is not recorded")
    FILTERS_REDIRECTED = Point("all scripts are redirected; what they had filed is in the way")
    RELOCATION_STARTED = Point("it is recorded which messages move; none has moved")
    LETTERS_GIVEN = Point("the messages' keywords have letters in the target")
    SECOND_NAME_MADE = Point("a message has a name in both folders, not flushed")
    SECOND_NAME_FLUSHED = Point("a message has a name in both folders, durably")
    SECOND_NAME_REMOVED = Point("a second name that a dead process left is removed")
    MESSAGE_MOVED = Point("one message has moved; neither folder is flushed")
    MESSAGES_MOVED = Point("all messages have moved; neither folder is flushed")
    TARGET_FLUSHED = Point("the target is flushed; where they came from is not")
    RELOCATION_COPIED = Point("messages are copied into the target, and still where they were")
    RELOCATED = Point("messages have moved durably, which is not recorded")
    STRAY_EMPTIED = Point("a stray folder seems empty and is there")
    ASIDE_FOLDER_MADE = Point("the folder for what is put aside is there and not flushed")
    STRAY_ASIDE = Point("a stray folder is put aside, not flushed")
    ASIDE_FOUND = Point("a folder that a dead process had put aside is found")
    ASIDE_FLUSHED = Point("a stray folder is put aside durably")
    ASIDE_PART_REMOVED = Point("a folder that was put aside has lost one of its parts")
    ASIDE_EMPTIED = Point("a folder that was put aside has lost everything")
    PUT_BACK_WHOLE = Point("mail has arrived in it: it has its parts again, not its name")
    PUT_BACK_RENAMED = Point("it has its name again; the folder above is not flushed")
    PUT_BACK_MOVED = Point("a message that has arrived joins a mailbox that was made anew")
    PUT_BACK_FLUSHED = Point("all that has arrived is in the new mailbox, durably")
    ASIDE_ENDED = Point("nothing is put aside any more; the folder above is not flushed")
    STRAY_SUBSCRIBED = Point("a stray folder is gone and still subscribed")
    STRAY_REMOVED = Point("a stray folder is gone, which is not recorded")
    PLACE_CLEARED = Point("a mountpoint's place is free")
    MOUNT_LINKED = Point("a mountpoint's link is made and not flushed")
    MOUNT_NOT_SUBSCRIBED = Point("a mountpoint's link is durable and not subscribed")
    MOUNTPOINT_DONE = Point("a mountpoint is done, which is not recorded")
    ATTRIBUTES_SET = Point("attributes point at the new objects, which is not recorded")
    DATA_SOURCE_PUT = Point("a data source is there, which is not recorded")
    QUOTA_PUT_BACK = Point("a quota is back, which is not recorded")
    ACCOUNT_FINISHED = Point("an account is done, which is not recorded")
    PHASE_THROUGH = Point("a phase is through, which is not recorded")
    RUN_THROUGH = Point("everything is done; the end of the run is not recorded")


POINTS: tuple[Point, ...] = tuple(one for one in vars(At).values() if isinstance(one, Point))

_watcher: Callable[[Point], None] | None = None


def reach(point: Point) -> None:
    """Tells whoever watches that the process is at `point`."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[Point], None]) -> None:
    """Has `watcher` called at every point that this process reaches from now on. For tests."""
    global _watcher  # noqa: PLW0603 - the one switch, and the cheapest to ask
    _watcher = watcher
