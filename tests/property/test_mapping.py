"""Laws of the folder map, of keywords and of selection."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.mapping.folders import map_folders, merged
from reinstate_service.mapping.keywords import keyword_of, tag_of
from reinstate_service.mapping.mountpoints import Owner, map_mountpoints
from reinstate_service.mapping.rights import imap_rights
from reinstate_service.model import AccountRef, Folder, Mountpoint
from reinstate_service.restore.options import Options
from reinstate_service.restore.selection import UnknownAccounts, select_accounts

_AWKWARD = (
    *("Work", "Workshop", "INBOX", "Inbox", "inbox", "", " ", ".", "..", "a/b", "~x", "R&D", "%*"),
    *("é", "e\u0301", "v1.2", "x\ty", "日本語", "Entwürfe", "n" * 255, "ü" * 200, "Sent"),
)
_NAMES = st.one_of(st.sampled_from(_AWKWARD), st.text(max_size=12))


@st.composite
def trees(draw: st.DrawFn) -> list[Folder]:
    """Folders whose parents are among them, missing, or each other's."""
    count = draw(st.integers(0, 12))
    ids = [str(number) for number in range(257, 257 + count)]
    parents = st.sampled_from(["", "", "missing", *ids])
    return [Folder(identifier, draw(parents), draw(_NAMES)) for identifier in ids]


@given(trees())
def test_every_folder_maps_to_exactly_one_place_its_parent_first(folders: list[Folder]) -> None:
    decisions = map_folders(folders, [], NAMESPACE)
    decided = [decision.folder for decision in decisions]
    assert sorted(decided) == sorted(folder.id for folder in folders)
    depth = {decision.folder: len(decision.source) for decision in decisions}
    for folder in folders:
        if depth[folder.id] > 1:
            assert decided.index(folder.parent) < decided.index(folder.id)


@given(trees(), st.randoms())
def test_the_order_of_the_folders_changes_nothing(folders: list[Folder], random: object) -> None:
    shuffled = list(folders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert map_folders(folders, [], NAMESPACE) == map_folders(shuffled, [], NAMESPACE)


@given(trees())
def test_a_further_folder_changes_no_other_ones_place(folders: list[Folder]) -> None:
    further = Folder("9999", "", "something else entirely")
    before = map_folders(folders, [], NAMESPACE)
    after = map_folders([*folders, further], [], NAMESPACE)
    assert [one for one in after if one.folder != "9999"] == before


@given(trees())
def test_two_folders_share_a_place_only_if_merged_says_so(folders: list[Folder]) -> None:
    places = {one.folder: one.path for one in map_folders(folders, [], NAMESPACE)}
    sharing = {identifier for group in merged(places, NAMESPACE).values() for identifier in group}
    alone = [path for identifier, path in places.items() if identifier not in sharing]
    assert len(set(alone)) == len(alone)


@given(trees())
def test_what_is_settled_is_not_decided_again(folders: list[Folder]) -> None:
    places = {one.folder: one.path for one in map_folders(folders, [], NAMESPACE)}
    assert map_folders(folders, places.values(), NAMESPACE, places) == []


@given(trees())
def test_every_place_fits_the_destination(folders: list[Folder]) -> None:
    for decision in map_folders(folders, [], NAMESPACE):
        stored = sum(NAMESPACE.stored_bytes(segment) + 1 for segment in decision.path)
        assert stored <= NAMESPACE.path_bytes
        for segment in decision.path:
            assert segment
            assert not set(segment) & set(NAMESPACE.forbidden + NAMESPACE.separator)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_keyword_is_an_atom_and_gives_the_tag_back(tag: str) -> None:
    keyword = keyword_of(tag)
    assert re.fullmatch(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]+', keyword)
    assert tag_of(keyword) == tag


def test_roles_of_the_shared_rights() -> None:
    assert imap_rights("r") == "lrs"
    assert imap_rights("rwidx") == "lrswipte"
    assert imap_rights("xpf") == ""


@pytest.mark.parametrize(
    ("mountpoint", "refused"),
    [
        (Mountpoint("300", "", "Team", "owner", "257"), ""),
        (Mountpoint("300", "", "Team", "nobody", "257"), "its owner"),
        (Mountpoint("300", "", "Team", "owner", "999"), "folder 999"),
        (Mountpoint("300", "", "Taken", "owner", "257"), "a folder is in its place"),
    ],
)
def test_a_mountpoint_leads_to_its_owners_folder_or_is_refused_with_the_reason(
    mountpoint: Mountpoint, refused: str
) -> None:
    owner = Owner("ann@example.com", {"257": ("Büro", "Team")})
    (decision,) = map_mountpoints([mountpoint], {}, [("Taken",)], {"owner": owner}.get, NAMESPACE)
    assert decision.refused.startswith(refused)
    if not refused:
        assert decision.address == ("shared", "example.com", "ann", "Büro", "Team")


_REFS = (
    AccountRef("1", "ann@example.com"),
    AccountRef("2", "bob@example.com"),
    AccountRef("3", "galsync@example.com", system=True),
    AccountRef("4", "ann@example.com", deleted=True),
    AccountRef("5", "eve@example.org"),
)
_DOMAINS = {"example.com", "example.org"}


def _chosen(**options: object) -> tuple[list[str], dict[str, str]]:
    asked = Options("backup", "memory:", **options)  # type: ignore[arg-type]
    selection = select_accounts(_REFS, _DOMAINS, asked)
    return [ref.id for ref in selection.chosen], {ref.id: why for ref, why in selection.skipped}


def test_accounts_are_chosen_by_the_documented_parameters() -> None:
    assert _chosen() == (["1", "2", "5"], {"3": "system account", "4": "deleted"})
    assert _chosen(accounts=("5", "BOB@example.com"))[0] == ["5", "2"]
    assert _chosen(accounts=("2", "5"), domains=("example.org",))[0] == ["5"]
    assert _chosen(skip_system_accounts=False)[0] == ["1", "2", "3", "5"]
    kept, left = _chosen(filter_deleted=False)
    assert kept == ["1", "2", "5"]
    assert left["4"] == "deleted account whose address is in use again"


def test_accounts_that_the_backup_lacks_are_all_named_at_once() -> None:
    with pytest.raises(UnknownAccounts, match=r"x@example\.com, y@example\.com"):
        _chosen(accounts=("x@example.com", "1", "y@example.com"))
