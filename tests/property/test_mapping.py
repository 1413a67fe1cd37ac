"""Laws of the folder map, of keywords and of selection."""

from __future__ import annotations

import os
import re
import unicodedata
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.mapping.folders import Reason, map_folders, merged
from reinstate_service.mapping.keywords import keyword_of, tag_of
from reinstate_service.mapping.mountpoints import Owner, map_mountpoints
from reinstate_service.mapping.rights import imap_rights
from reinstate_service.model import AccountRef, Folder, Mountpoint, Path, Role
from reinstate_service.restore.options import Options
from reinstate_service.restore.selection import UnknownAccounts, select_accounts

LAW = settings(max_examples=1000 if "REINSTATE_LONG" in os.environ else 300)

_AWKWARD = (
    *("Work", "Workshop", "INBOX", "Inbox", "inbox", "", " ", ".", "..", "a/b", "~x", "R&D", "%*"),
    *("é", "e\u0301", "v1.2", "x\ty", "日本語", "Entwürfe", "n" * 255, "ü" * 200, "Sent"),
    *("Bu\u0308/ro", "B\u00fc/ro", "\x00", "\x7f", "a\\b", "&-", "n" * 256, "n" * 400, "shared"),
)
_NAMES = st.one_of(st.sampled_from(_AWKWARD), st.text(max_size=12))


@st.composite
def trees(draw: st.DrawFn) -> list[Folder]:
    """Folders whose parents are among them, missing, or each other's."""
    count = draw(st.integers(0, 12))
    ids = [str(number) for number in range(257, 257 + count)]
    parents = st.sampled_from(["", "", "missing", *ids])
    roles = st.sampled_from([None, None, None, *Role])
    return [Folder(identifier, draw(parents), draw(_NAMES), role=draw(roles)) for identifier in ids]


_EXISTING = st.lists(
    st.lists(st.sampled_from(["Work", "Inbox", "INBOX", "é", "e\u0301", "Sent"]), min_size=1).map(
        lambda segments: tuple(segments[:3])
    ),
    max_size=5,
)


@LAW
@given(trees())
def test_every_folder_maps_to_exactly_one_place_its_parent_first(folders: list[Folder]) -> None:
    decisions = map_folders(folders, [], NAMESPACE)
    decided = [decision.folder for decision in decisions]
    assert sorted(decided) == sorted(folder.id for folder in folders)
    depth = {decision.folder: len(decision.source) for decision in decisions}
    for folder in folders:
        if depth[folder.id] > 1:
            assert decided.index(folder.parent) < decided.index(folder.id)


@LAW
@given(trees(), st.randoms())
def test_the_order_of_the_folders_changes_nothing(folders: list[Folder], random: object) -> None:
    shuffled = list(folders)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert map_folders(folders, [], NAMESPACE) == map_folders(shuffled, [], NAMESPACE)


@LAW
@given(trees())
def test_a_further_folder_changes_no_other_ones_place(folders: list[Folder]) -> None:
    further = Folder("9999", "", "something else entirely")
    before = map_folders(folders, [], NAMESPACE)
    after = map_folders([*folders, further], [], NAMESPACE)
    assert [one for one in after if one.folder != "9999"] == before


@LAW
@given(trees())
def test_two_folders_share_a_place_only_if_merged_says_so(folders: list[Folder]) -> None:
    places = {one.folder: one.path for one in map_folders(folders, [], NAMESPACE)}
    sharing = {identifier for group in merged(places, NAMESPACE).values() for identifier in group}
    alone = [path for identifier, path in places.items() if identifier not in sharing]
    assert len(set(alone)) == len(alone)


@LAW
@given(trees())
def test_what_is_settled_is_not_decided_again(folders: list[Folder]) -> None:
    places = {one.folder: one.path for one in map_folders(folders, [], NAMESPACE)}
    assert map_folders(folders, places.values(), NAMESPACE, places) == []


@LAW
@given(trees())
def test_every_place_fits_the_destination(folders: list[Folder]) -> None:
    for decision in map_folders(folders, [], NAMESPACE):
        stored = sum(NAMESPACE.stored_bytes(segment) + 1 for segment in decision.path)
        assert stored <= NAMESPACE.path_bytes
        for segment in decision.path:
            assert segment
            assert not set(segment) & set(NAMESPACE.forbidden + NAMESPACE.separator)


@LAW
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_keyword_is_an_atom_and_gives_the_tag_back(tag: str) -> None:
    keyword = keyword_of(tag)
    assert re.fullmatch(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]+', keyword)
    assert tag_of(keyword) == tag


@LAW
@given(trees(), _EXISTING, st.randoms(use_true_random=False))
def test_the_order_of_what_is_there_changes_nothing(
    folders: list[Folder], existing: list[Path], random: Random
) -> None:
    shuffled = list(existing)
    random.shuffle(shuffled)
    assert map_folders(folders, existing, NAMESPACE) == map_folders(folders, shuffled, NAMESPACE)


@LAW
@given(trees(), _EXISTING)
def test_a_folder_lies_where_its_parent_does_or_above(
    folders: list[Folder], existing: list[Path]
) -> None:
    places = {one.folder: one.path for one in map_folders(folders, existing, NAMESPACE)}
    sources = {one.folder: one.source for one in map_folders(folders, existing, NAMESPACE)}
    for folder in folders:
        place = places[folder.id]
        if len(sources[folder.id]) > 1 and place not in {*existing, *NAMESPACE.roles.values()}:
            assert place[:-1] == places[folder.parent][: len(place) - 1]


@LAW
@given(trees())
def test_plain_folders_share_a_place_only_if_their_names_and_parents_places_do(
    folders: list[Folder],
) -> None:
    plain = [Folder(one.id, one.parent, one.name) for one in folders]
    decisions = map_folders(plain, [], NAMESPACE)
    sources: dict[Path, Path] = {}
    for one in decisions:
        composed = tuple(unicodedata.normalize("NFC", name) for name in one.source)
        root = "INBOX" if composed[0].upper() == "INBOX" else composed[0]
        assert sources.setdefault(one.path, (root, *composed[1:])) == (root, *composed[1:])


def test_a_folder_called_inbox_below_another_keeps_its_own_spelling() -> None:
    folders = [Folder("1", "", "Work"), Folder("2", "1", "Inbox"), Folder("3", "1", "INBOX")]
    decisions = map_folders(folders, [("Work", "Inbox")], NAMESPACE)
    assert {one.folder: (one.path, one.reason) for one in decisions} == {
        "1": (("Work",), Reason.CREATED),
        "2": (("Work", "Inbox"), Reason.EXISTING),
        "3": (("Work", "INBOX"), Reason.CREATED),
    }


def test_what_lies_below_a_folder_that_is_there_decomposed_goes_below_that_one() -> None:
    folders = [Folder("1", "", "é"), Folder("2", "1", "x")]
    decisions = map_folders(folders, [("e\u0301",)], NAMESPACE)
    assert [one.path for one in decisions] == [("e\u0301",), ("e\u0301", "x")]


def test_what_lies_below_folders_that_contain_each_other_stays_below_them() -> None:
    folders = [Folder("1", "2", "A"), Folder("2", "1", "B"), Folder("3", "1", "C")]
    places = {one.folder: one.path for one in map_folders(folders, [], NAMESPACE)}
    assert places == {"1": ("A",), "2": ("B",), "3": ("A", "C")}


@pytest.mark.parametrize("name", ["e\u0301", "é/x", "e\u0301/x", "Inbox"])
def test_a_mountpoint_never_takes_the_place_of_a_folder_of_the_same_name(name: str) -> None:
    (folder,) = map_folders([Folder("1", "", name)], [], NAMESPACE)
    owner = Owner("ann@example.com", {"257": ("Team",)})
    mountpoint = Mountpoint("300", "", name, "owner", "257")
    (made,) = map_mountpoints([mountpoint], {}, [folder.path], {"owner": owner}.get, NAMESPACE)
    assert made.refused == "a folder is in its place"


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
    assert left["4"] == "another account has the address"


def test_accounts_that_the_backup_lacks_are_all_named_at_once() -> None:
    with pytest.raises(UnknownAccounts, match=r"x@example\.com, y@example\.com"):
        _chosen(accounts=("x@example.com", "1", "y@example.com"))


@pytest.mark.parametrize("named", [("ann@example.com",), ("4", "1")])
def test_a_living_account_is_never_left_out_for_a_deleted_one_of_its_address(
    named: tuple[str, ...],
) -> None:
    asked = Options("backup", "memory:", accounts=named, filter_deleted=False)
    selection = select_accounts(_REFS[::-1], _DOMAINS, asked)
    assert [ref.id for ref in selection.chosen] == ["1"]
    assert [ref.id for ref, _ in selection.skipped] == ["4"]


def test_a_deleted_account_named_alone_is_left_out_if_a_living_one_has_its_address() -> None:
    kept, left = _chosen(accounts=("4",), filter_deleted=False)
    assert kept == []
    assert left == {"4": "another account has the address"}
