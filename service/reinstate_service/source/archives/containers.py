"""From the rows of an index to the model's folders, mountpoints, searches and tags."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from reinstate_service.model import (
    Containers,
    Folder,
    Grant,
    ItemType,
    Mountpoint,
    Product,
    SavedSearch,
    Tag,
)
from reinstate_service.source import numbers
from reinstate_service.source.archives import kinds
from reinstate_service.source.archives.rows import ContainerRow

_SUBSCRIBED, _INHERITS_NOT = "*", "i"
#: Tasks and Briefcase, which Zimbra has and Carbonio has not.
_ZIMBRAS = frozenset({15, 16})
#: Ids of folders that are known by their path alone begin here: above any that a server gives.
_FIRST_DERIVED = 1 << 31


def containers_of(
    rows: Mapping[int, ContainerRow],
    places: Mapping[int, str],
    product: Product,
    names: Mapping[str, str],
) -> Containers:
    """All containers of an account. `places` are the paths of folders that items lie in, some
    of which may have no record; `names` are those of grantees by id."""
    product = _product(rows, product)
    visible = {key: row for key, row in rows.items() if str(key) not in numbers.HIDDEN}
    folders = {key: row for key, row in visible.items() if row.kind == kinds.FOLDER}
    # Who never used IMAP has subscribed to nothing, and would see nothing.
    subscribes = any(_SUBSCRIBED in row.characters for row in folders.values())
    found = {
        str(key): Folder(
            str(key),
            _parent(row),
            row.name,
            row.view or numbers.view_of(str(key), product),
            numbers.role_of(str(key), product),
            row.colour,
            not subscribes or _SUBSCRIBED in row.characters,
            row.url,
            tuple(_named(grant, names) for grant in row.grants),
            _INHERITS_NOT not in row.characters,
        )
        for key, row in folders.items()
    }
    _derive(found, visible, places, product)
    others = [(str(key), row) for key, row in visible.items()]
    return Containers(
        tuple(sorted(found.values(), key=lambda folder: int(folder.id))),
        tuple(
            Mountpoint(
                key,
                _parent(row),
                row.name,
                row.owner,
                row.remote,
                row.view or ItemType.MESSAGE,
                row.colour,
            )
            for key, row in others
            if row.kind == kinds.MOUNTPOINT
        ),
        tuple(
            SavedSearch(key, _parent(row), row.name, row.query, row.types)
            for key, row in others
            if row.kind == kinds.SEARCH
        ),
        tuple(Tag(key, row.name, row.colour) for key, row in others if row.kind == kinds.TAG),
    )


def _product(rows: Iterable[int], told: Product) -> Product:
    """Where no directory tells it, the folders that an account has do."""
    if told is Product.GENERIC and not _ZIMBRAS.isdisjoint(rows):
        return Product.ZIMBRA
    return told


def _parent(row: ContainerRow) -> str:
    parent = str(row.parent)
    return "" if parent in numbers.HIDDEN or row.parent < 0 else parent


def _named(grant: Grant, names: Mapping[str, str]) -> Grant:
    return grant if grant.name else replace(grant, name=names.get(grant.grantee, ""))


def _derive(
    found: dict[str, Folder],
    rows: Mapping[int, ContainerRow],
    places: Mapping[int, str],
    product: Product,
) -> None:
    """Adds the folders that have no record: an export of a search has none at all. They are
    told by the paths of what lies in them."""
    ids = {row.path.strip("/"): str(key) for key, row in rows.items() if str(key) in found}
    lost = {key: path for key, path in places.items() if str(key) not in found}
    for key, path in sorted(lost.items()):
        if str(key) not in numbers.HIDDEN and key > 0:
            ids.setdefault(path, str(key))
    for key, row in rows.items():
        parent = _parent(row)
        if str(key) in found and parent not in {"", *found}:
            above = row.path.strip("/").rpartition("/")[0]
            _need(found, ids, above, product)
            found[str(key)] = replace(found[str(key)], parent=ids.get(above, ""))
    for key, path in sorted(lost.items()):
        if str(key) not in numbers.HIDDEN and key > 0:
            _need(found, ids, path, product, str(key))


def _need(
    found: dict[str, Folder], ids: dict[str, str], path: str, product: Product, key: str = ""
) -> None:
    """Makes the folder at `path`, and those above it, unless they are there."""
    if not path and not key:
        return
    key = key or ids.setdefault(path, _derived_id(path))
    if key in found:
        return
    above, _, name = path.rpartition("/")
    if above:
        _need(found, ids, above, product)
    found[key] = Folder(
        key,
        ids.get(above, "") if above else "",
        name or f"Folder {key}",
        numbers.view_of(key, product),
        numbers.role_of(key, product),
    )


def _derived_id(path: str) -> str:
    """The same for the same path, in every run."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()
    return str(_FIRST_DERIVED + int.from_bytes(digest[:6]))
