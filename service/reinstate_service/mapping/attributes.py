"""Rule 10: ids inside attributes mean the destination's objects after a restore.

An attribute that points at a folder, an identity, a signature, a class of service or
an account is named in the tables here by its kind; all others pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from reinstate_service.model import Attributes, Frozen, Path


class Points(StrEnum):
    """What the values of an attribute point at, and how they are written."""

    FOLDER = "folder id, or account id:folder id in another account"
    SIGNATURE = "signature id"
    IDENTITY = "identity id"
    COS = "class of service id"
    COS_COUNT = "class of service id:number"
    GRANTEE = "grantee id, kind and right, separated by blanks"
    ACCOUNT = "account id"


#: Attributes of Zimbra and Carbonio that hold ids, by what they point at.
KINDS: dict[str, Points] = {
    "zimbraPrefWhenInFolderIds": Points.FOLDER,
    "zimbraDataSourceFolderId": Points.FOLDER,
    "zimbraPrefDefaultSignatureId": Points.SIGNATURE,
    "zimbraPrefForwardReplySignatureId": Points.SIGNATURE,
    "zimbraPrefDefaultIdentityId": Points.IDENTITY,
    "zimbraCOSId": Points.COS,
    "zimbraDomainDefaultCOSId": Points.COS,
    "zimbraDomainCOSMaxAccounts": Points.COS_COUNT,
    "zimbraACE": Points.GRANTEE,
    "zimbraChildAccount": Points.ACCOUNT,
    "zimbraPrefChildVisibleAccount": Points.ACCOUNT,
    "zimbraGalAccountId": Points.ACCOUNT,
}


class Maps(Frozen, frozen=True):
    """What ids mean on the destination.

    `folders` gives a folder's path by (account id, folder id), with "" for the account
    itself; `names` the address or name of accounts, lists, domains and classes of service
    by id; `kept` the ids of signatures and identities, which come along unchanged.
    """

    folders: Callable[[str, str], Path | None]
    names: Mapping[str, str]
    kept: frozenset[str]
    separator: str = "/"


class MappedAttributes(Frozen, frozen=True):
    """The attributes with their ids mapped; `mapped` and `left` name those with a value that
    was, or that points at what is not there and so stayed."""

    attributes: Attributes
    mapped: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def map_attributes(attributes: Attributes, maps: Maps) -> MappedAttributes:
    """Maps every id that an attribute of KINDS holds; values keep their order."""
    result: Attributes = {}
    mapped, left = [], []
    for name, values in attributes.items():
        kind = KINDS.get(name)
        if kind is None:
            result[name] = values
            continue
        new = [_map_value(value, kind, maps) for value in values]
        result[name] = tuple(
            value if found is None else found for value, found in zip(values, new, strict=True)
        )
        if None in new:
            left.append(name)
        if result[name] != values:
            mapped.append(name)
    return MappedAttributes(result, tuple(mapped), tuple(left))


def _map_value(value: str, kind: Points, maps: Maps) -> str | None:
    """The value on the destination; None if what it points at is not there."""
    match kind:
        case Points.FOLDER:
            account, _, folder = value.rpartition(":")
            path = maps.folders(account, folder)
            return None if path is None else maps.separator.join(path)
        case Points.SIGNATURE | Points.IDENTITY:
            return value if value in maps.kept else None
        case Points.COS | Points.ACCOUNT:
            return maps.names.get(value)
        case Points.COS_COUNT:
            cos, colon, number = value.partition(":")
            name = maps.names.get(cos)
            return None if name is None else f"{name}{colon}{number}"
        case Points.GRANTEE:
            grantee, blank, rest = value.partition(" ")
            name = maps.names.get(grantee)
            return None if name is None else f"{name}{blank}{rest}"
