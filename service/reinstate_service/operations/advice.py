"""What to do about a failure, by its class: for reports and explanations."""

from __future__ import annotations

_ADVICE = {
    "BlobMissing": (
        "The backup lacks the content. Look for the blob in an older copy of the backup, put it"
        " back under items/, and run: reinstate resume"
    ),
    "BlobCorrupt": (
        "The content in the backup is damaged. Take the blob from another copy of the backup and"
        " run: reinstate resume"
    ),
    "BlobTooLarge": (
        "The content is larger than its record says: the record is damaged, or somebody has put a"
        " bomb there. Look at it with: reinstate backup extract"
    ),
    "RecordMalformed": (
        "The backup's record of the item cannot be understood. Look at it with: reinstate backup"
        " item; take it from another copy of the backup, then: reinstate resume"
    ),
    "RecordUnreadable": (
        "The backup's record of the item cannot be read from the disk. Check permissions and the"
        " disk, then: reinstate resume"
    ),
    "UnsafeName": (
        "A name in the backup leads outside of it. Somebody has planted it, or the copy is damaged:"
        " compare it with the original"
    ),
    "ArchiveTruncated": (
        "The archive ends early, so what came after is missing in it. Export that account again,"
        " then: reinstate resume"
    ),
    "ArchiveDamaged": (
        "The archive is damaged. Take it from another copy, or export that account again, then:"
        " reinstate resume"
    ),
    "MetaMissing": (
        "The archive was exported without metadata. Export that account again with meta=1, then:"
        " reinstate resume"
    ),
    "ContentMissing": (
        "The archive lists the item and does not hold it. Export that account again, then:"
        " reinstate resume"
    ),
    "ContentPadded": (
        "The exporting server had lost a part of it already. Look for it in an older backup of that"
        " server"
    ),
    "ContentTooLarge": "It is larger than can be restored. Take it out of the backup by hand",
    "TypeUnknown": (
        "Items of this type are not restored. Nothing can be done here; look at it in the backup"
    ),
    "PasswordUnreadable": (
        "Its user types the password in again on the destination; everything else of it is there"
    ),
    "LoginRefused": (
        "The account is not on the server, or the configuration's login may not act for it. Make"
        " the account, or mend restore.toml, then: reinstate resume"
    ),
    "NoInbox": (
        "The account is not on the server, or was never used there. Make it, or have it deliver"
        " once, then: reinstate resume"
    ),
    "ServerRefuses": ("The server says why in its answer. Mend that there, then: reinstate resume"),
    "EntryUnreadable": "Somebody has written to the directory. Mend that row, or put a copy back",
    "OverQuota": "Raise or lift the account's quota on the server, then: reinstate resume",
    "NotOverImap": (
        "IMAP cannot make it. Make it on the server by its own means, if it is wanted there; then"
        " accept this with: reinstate approve"
    ),
    "ChangedMeanwhile": (
        "A user was at work in that very place. Nothing is lost; go on with: reinstate resume"
    ),
    "ItemInDoubt": (
        "Look for it on the destination by its Message-ID: reinstate explain tells where it should"
        " be. It is not delivered again, since it could then be there twice"
    ),
    "NoMail": (
        "The destination holds mail only. Take it out of the backup with: reinstate backup extract"
    ),
    "UnknownFolder": (
        "The backup does not have the item's folder. A newer scan may know it; otherwise take the"
        " message out with: reinstate backup extract"
    ),
    "MountpointRefused": (
        "Bring the account or folder that it leads to onto the destination, then: reinstate resume"
    ),
    "StrayFolderKept": (
        "Something other than messages is in the folder that a filter had made. Move it away, then:"
        " reinstate resume"
    ),
    "AddressTaken": (
        "The address belongs to something else on the destination. Free it there, then: reinstate"
        " resume"
    ),
    "Missing": "What it needs is not on the destination. Make it there, then: reinstate resume",
    "Refused": "The destination refuses it. Its reason says why; mend that, then: reinstate resume",
    "AccountUnreadable": (
        "The backup's record of the account is damaged. Take it from another copy of the backup,"
        " then: reinstate resume"
    ),
    "InternalError": "This is a fault of reinstate. Please report it, with the reason",
}


def advice(failure: str) -> str:
    """One sentence without a full stop, for the name of a failure class."""
    return _ADVICE.get(failure, "Mend what its reason names, then: reinstate resume")
