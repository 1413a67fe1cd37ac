"""Accounts that share folders with each other, and attributes that hold their ids.

The mountpoints lead everywhere: to folders and to what is below them, to mountpoints, in
circles, back home, to accounts and folders that are not there; and they stand on free
paths, on folders that filters or users have made, and on the account's own folders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from hypothesis import strategies as st

from reinstate_service.mapping.attributes import KINDS, Points
from reinstate_service.mapping.folders import map_folders
from reinstate_service.mapping.mountpoints import Grantee, Owner
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import place_below
from reinstate_service.model import Attributes, Folder, ItemType, Mountpoint, Path
from reinstate_service.testing.folders import (
    AWKWARD_NAMES,
    PLAIN_NAMES,
    Existing,
    choices,
    folder_trees,
)

FIRST_ID = 400
#: An account and a folder that no backup has.
NOBODY, NOWHERE = "99999999-0000-4000-8000-000000000000", "99998"
_ADDRESSES = ("anna@example.com", "bruno@example.com", "chiara@example.org")


class AwkwardShare(StrEnum):
    """What is awkward about a mountpoint."""

    NO_OWNER = "its owner is not there"
    NO_FOLDER = "its folder is not there"
    CHAIN = "it leads to a mountpoint"
    CIRCLE = "it leads to a mountpoint that leads back"
    HOME = "it leads into its own account"
    SUBFOLDER = "it leads to a folder below another one"
    COLLECTION = "it leads to a collection"
    BELOW = "it stands below a folder"
    BELOW_MOUNTPOINT = "it stands below a mountpoint"
    ON_FOLDER = "it stands on a folder of the backup"
    ON_FILTERS = "it stands on what a filter has made"
    ABOVE_FILTERS = "it stands above what a filter has made"
    ON_USERS = "it stands on what a user has made"
    ON_BOTH = "it stands on what a user has made and a filter files to"
    TOGETHER = "it stands where another one does"


class SharingAccount(NamedTuple):
    """An account of the backup, and what stands on the destination when phase 3 begins."""

    id: str
    address: str
    folders: tuple[Folder, ...]
    mountpoints: tuple[Mountpoint, ...] = ()
    existing: Existing = Existing()


class Sharing(NamedTuple):
    """Accounts that share folders with each other, on a destination."""

    accounts: tuple[SharingAccount, ...]
    namespace: Namespace

    def places(self, account: SharingAccount) -> dict[str, Path]:
        """Where the account's folders are mapped to, by id."""
        return _places(account.folders, self.namespace)

    def owner_of(self) -> Callable[[str], Owner | None]:
        """Answers for the accounts, as a restore does."""
        owners = {
            account.id: Owner(
                account.address,
                self.places(account),
                frozenset(mountpoint.id for mountpoint in account.mountpoints),
            )
            for account in self.accounts
        }
        return owners.get

    def grantee(self, account: SharingAccount) -> Grantee:
        """The account as its mountpoints are decided for it."""
        places = self.places(account)
        made = {
            path[:depth] for path in places.values() for depth in range(1, len(path) + 1)
        } | set(self.namespace.roles.values())
        present = tuple(sorted({*made, *account.existing.paths}))
        return Grantee(account.id, account.folders, places, present, account.existing.filed)


class _Raw(NamedTuple):
    """A mountpoint as it was drawn: numbers stand for what is chosen by them."""

    name: str
    parent: int
    owner: int
    remote: int
    ground: str
    view: ItemType


@st.composite
def sharings(
    draw: st.DrawFn,
    namespaces: st.SearchStrategy[Namespace],
    names: Sequence[str] = (),
    *,
    folders: int = 4,
    mountpoints: int = 4,
    whole: bool = False,
) -> Sharing:
    """Two or three accounts. With `whole` no folder has a role or a broken link, as in a backup
    that a product has written."""
    namespace = draw(namespaces)
    tree = folder_trees(folders, names, roles=not whole, broken=not whole)
    links = st.lists(_raws, max_size=mountpoints)
    raw = draw(st.lists(st.tuples(tree, links), min_size=2, max_size=3))
    ids = [account_id(place) for place in range(len(raw))]
    held = [tuple(str(FIRST_ID + place) for place in range(len(raws))) for _, raws in raw]
    accounts = []
    trees = [tree for tree, _ in raw]
    for place, (own, raws) in enumerate(raw):
        linked = tuple(
            _mountpoint(FIRST_ID + number, one, place, ids, held=held, trees=trees)
            for number, one in enumerate(raws)
        )
        places = _places(own, namespace)
        existing = _grounds(linked, [one.ground for one in raws], places, namespace)
        accounts.append(SharingAccount(ids[place], _ADDRESSES[place], own, linked, existing))
    return Sharing(tuple(accounts), namespace)


def account_id(place: int) -> str:
    """The id of the account at this place."""
    return f"00000000-0000-4000-8000-{place + 1:012}"


def _places(folders: Iterable[Folder], namespace: Namespace) -> dict[str, Path]:
    return {one.folder: one.path for one in map_folders(folders, (), namespace)}


_GROUNDS = ("", "", "filter", "filter", "below", "user", "both", "filed")
_VIEWS = (ItemType.MESSAGE,) * 7 + (ItemType.APPOINTMENT,)


_NAMES = (*PLAIN_NAMES, "Work", "Team", *AWKWARD_NAMES[::3])
_raws = choices(_NAMES, range(16), range(16), range(16), _GROUNDS, _VIEWS).map(
    lambda chosen: _Raw(*chosen)
)


def _mountpoint(
    identifier: int,
    raw: _Raw,
    place: int,
    ids: Sequence[str],
    *,
    held: Sequence[tuple[str, ...]],
    trees: Sequence[tuple[Folder, ...]],
) -> Mountpoint:
    others = [other for other in range(len(ids)) if other != place]
    owner = place if raw.owner == 14 else others[raw.owner % len(others)]
    parents = ["", "", *(folder.id for folder in trees[place])]
    parent = parents[raw.parent % len(parents)]
    if raw.parent == 15:
        parent = held[place][0]
    remotes = [folder.id for folder in trees[owner]] * 3 + [*held[owner], NOWHERE]
    return Mountpoint(
        str(identifier),
        "" if parent == str(identifier) else parent,
        raw.name,
        NOBODY if raw.owner == 15 else ids[owner],
        remotes[raw.remote % len(remotes)],
        raw.view,
    )


def _grounds(
    mountpoints: Sequence[Mountpoint],
    grounds: Sequence[str],
    places: Mapping[str, Path],
    namespace: Namespace,
) -> Existing:
    users, filters, filed = [], [], []
    for mountpoint, ground in zip(mountpoints, grounds, strict=True):
        path = place_below(places.get(mountpoint.parent, ()), mountpoint.name, namespace)
        below = (*path, "Old")
        match ground:
            case "filter":
                filters.append(path)
                filed.append(path)
            case "below":
                filters += [path, below]
                filed.append(below)
            case "user":
                users.append(path)
            case "both":
                users.append(path)
                filed.append(path)
            case "filed":
                filed.append(below)
    return Existing(tuple(users), tuple(filters), tuple(filed))


def awkward_shares(sharing: Sharing) -> set[AwkwardShare]:
    """What is awkward about the mountpoints."""
    by_id = {account.id: account for account in sharing.accounts}
    return {
        kind
        for account in sharing.accounts
        for mountpoint in account.mountpoints
        for kind in (*_leads(account, mountpoint, by_id), *_stands(sharing, account, mountpoint))
    }


def _leads(
    account: SharingAccount, mountpoint: Mountpoint, by_id: Mapping[str, SharingAccount]
) -> Iterable[AwkwardShare]:
    owner = by_id.get(mountpoint.owner)
    if mountpoint.view is not ItemType.MESSAGE:
        yield AwkwardShare.COLLECTION
    if owner is None:
        yield AwkwardShare.NO_OWNER
        return
    if owner is account:
        yield AwkwardShare.HOME
    folders = {folder.id: folder for folder in owner.folders}
    links = {link.id: link for link in owner.mountpoints}
    if mountpoint.remote in folders:
        if folders[mountpoint.remote].parent in folders:
            yield AwkwardShare.SUBFOLDER
    elif mountpoint.remote in links:
        yield AwkwardShare.CHAIN
        further = links[mountpoint.remote]
        if (further.owner, further.remote) == (account.id, mountpoint.id):
            yield AwkwardShare.CIRCLE
    else:
        yield AwkwardShare.NO_FOLDER


def _stands(
    sharing: Sharing, account: SharingAccount, mountpoint: Mountpoint
) -> Iterable[AwkwardShare]:
    places = sharing.places(account)

    def path_of(one: Mountpoint) -> Path:
        return place_below(places.get(one.parent, ()), one.name, sharing.namespace)

    path = path_of(mountpoint)
    existing = account.existing
    if mountpoint.parent in places:
        yield AwkwardShare.BELOW
    if mountpoint.parent in {other.id for other in account.mountpoints}:
        yield AwkwardShare.BELOW_MOUNTPOINT
    if any(place == path for place in places.values()):
        yield AwkwardShare.ON_FOLDER
    if path in existing.by_filters:
        yield AwkwardShare.ON_FILTERS
    if any(len(one) > len(path) and one[: len(path)] == path for one in existing.by_filters):
        yield AwkwardShare.ABOVE_FILTERS
    if path in existing.by_users:
        yield AwkwardShare.ON_BOTH if path in existing.filed else AwkwardShare.ON_USERS
    if any(path_of(other) == path for other in account.mountpoints if other is not mountpoint):
        yield AwkwardShare.TOGETHER


def attributes(ids: Sequence[str]) -> st.SearchStrategy[Attributes]:
    """Attributes of every kind that hold some of `ids`, ids of nothing, and what is no id; and
    attributes that nobody knows."""
    identifier = st.sampled_from([*ids, NOBODY, NOWHERE, "", "2"]) | st.text(max_size=3)
    unknown = st.dictionaries(
        st.sampled_from(("description", "zimbraPrefLocale", "zimbracosid", "x")),
        st.lists(identifier, max_size=2).map(tuple),
        max_size=2,
    )
    known = st.dictionaries(
        st.sampled_from(sorted(KINDS)), st.lists(identifier, max_size=3), max_size=3
    ).flatmap(_written)
    return st.builds(lambda one, other: {**one, **other}, unknown, known)


_FORMS = {
    Points.FOLDER: ("{}", f"{account_id(0)}:{{}}", f"{NOBODY}:{{}}"),
    Points.COS_COUNT: ("{}:10", "{}", "{}:"),
    Points.GRANTEE: ("{} usr sendAs", "{} grp +loginAs", "{}", "{} usr"),
}


def _written(known: Mapping[str, Sequence[str]]) -> st.SearchStrategy[Attributes]:
    """Each id as its attribute writes it."""
    return st.integers(0, 3).map(
        lambda number: {
            name: tuple(
                _form(KINDS[name], number + place).format(one) for place, one in enumerate(values)
            )
            for name, values in known.items()
        }
    )


def _form(kind: Points, number: int) -> str:
    forms = _FORMS.get(kind, ("{}",))
    return forms[number % len(forms)]
