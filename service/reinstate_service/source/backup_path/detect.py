"""Is this a backup, and of which format: decided before anything is read from it."""

from __future__ import annotations

from itertools import islice

import msgspec

from reinstate_service.source.backup_path import layout
from reinstate_service.source.backup_path.decode import account_decoder
from reinstate_service.source.backup_path.layout import Tree
from reinstate_service.source.backup_path.records import FORMAT, VERSION, Marker
from reinstate_service.source.contract import NotABackup, UnsafeName, VendorFormat

#: Of so many accounts at least one must have our shape.
_PROBED = 8


class _Format(msgspec.Struct):
    format: str
    version: int


def read_marker(tree: Tree, path: str) -> Marker:
    """What `backupstat` says, if the tree is a backup of this format.

    Raises NotABackup, and VendorFormat for a Backup Path that somebody else wrote: one
    without our marker, or one that has it but holds no account of our shape.
    """
    try:
        data = tree.read(layout.MARKER)
    except FileNotFoundError as error:
        raise _without_marker(tree, path) from error
    except (OSError, layout.TooLong, UnsafeName) as error:
        raise NotABackup(path=path, detail=f"backupstat cannot be read ({error})") from error
    try:
        found = msgspec.json.decode(data, type=_Format)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _without_marker(tree, path) from error
    if found.format != FORMAT:
        raise _without_marker(tree, path)
    if not 1 <= found.version <= VERSION:
        detail = (
            f"its format version is {found.version}, this reinstate reads up to {VERSION};"
            " a newer reinstate is needed"
        )
        raise NotABackup(path=path, detail=detail)
    try:
        marker = msgspec.json.decode(data, type=Marker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotABackup(path=path, detail=f"backupstat is malformed ({error})") from error
    if _is_foreign(tree):
        raise VendorFormat(path=path)
    return marker


def _without_marker(tree: Tree, path: str) -> NotABackup | VendorFormat:
    if _has_folder(tree, layout.ACCOUNTS) and _has_folder(tree, layout.ITEMS):
        return VendorFormat(path=path)
    if not _has_folder(tree, ""):
        return NotABackup(path=path, detail="there is no folder of that name")
    return NotABackup(path=path, detail="it has no backupstat that says so")


def _has_folder(tree: Tree, name: str) -> bool:
    try:
        tree.check_folder(name or ".")
    except (OSError, UnsafeName):
        return False
    return True


def _is_foreign(tree: Tree) -> bool:
    """Whether the first accounts all hold JSON, and none of it of our shape.

    JSON that does not even parse is damage, not another format.
    """
    foreign = 0
    try:
        accounts = (each.name for each in tree.entries(layout.ACCOUNTS))
        for account in islice(filter(layout.is_account_id, accounts), _PROBED):
            data = tree.read(f"{layout.ACCOUNTS}/{account}/{layout.ACCOUNT_INFO}")
            try:
                account_decoder.decode(data)
            except msgspec.ValidationError:
                foreign += 1
            else:
                return False
    except (msgspec.DecodeError, OSError, RecursionError, UnicodeDecodeError):
        return False
    except (layout.TooLong, UnsafeName):
        return False
    return foreign > 0
