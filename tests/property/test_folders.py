"""Laws of the folder map: container-restore rules 1 to 4, over whatever folders there may be."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from random import Random

from hypothesis import event, given
from hypothesis import strategies as st

from reinstate_service.destination.maildir.layout import folder_directory, folder_path
from reinstate_service.mapping.folders import FolderDecision, Reason, map_folders, merged
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import comparable, source_paths
from reinstate_service.model import Folder, Path
from reinstate_service.testing import law
from reinstate_service.testing.folders import (
    NAMESPACES,
    Existing,
    awkward_folders,
    existing_folders,
    folder_trees,
    namespaces,
)

MAILDIR = NAMESPACES[0]
trees = folder_trees()
#: A tree, and what stands on its destination already.
met = trees.flatmap(lambda tree: st.tuples(st.just(tree), existing_folders(tree)))


def places(decisions: Sequence[FolderDecision]) -> dict[str, Path]:
    return {decision.folder: decision.path for decision in decisions}


def tell(folders: Sequence[Folder]) -> None:
    """The printed statistics show that the awkward cases are really generated."""
    for kind in awkward_folders(folders):
        event(f"awkward: {kind}")


@law()
@given(met, namespaces())
def test_every_folder_maps_to_exactly_one_place_and_its_parent_is_mapped_before_it(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace
) -> None:
    folders, existing = drawn
    tell(folders)
    decisions = map_folders(folders, existing.paths, namespace)
    decided = [decision.folder for decision in decisions]
    assert sorted(decided) == sorted(folder.id for folder in folders)
    for decision in decisions:
        event(f"reason: {decision.reason}")
    place = {folder: position for position, folder in enumerate(decided)}
    sources = source_paths(folders)
    for folder in folders:
        if len(sources[folder.id]) > 1:
            assert place[folder.parent] < place[folder.id]


@law()
@given(met, namespaces())
def test_two_folders_share_a_place_exactly_if_merged_says_so(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace
) -> None:
    folders, existing = drawn
    found = places(map_folders(folders, existing.paths, namespace))
    together = merged(found, namespace)
    said = {frozenset(ids) for ids in together.values()}
    if said:
        event("folders merge")
    for one in found:
        for other in found:
            shared = comparable(found[one], namespace) == comparable(found[other], namespace)
            assert shared == (one == other or any({one, other} <= ids for ids in said))


@law()
@given(met, namespaces(), st.sampled_from(("", "257")), st.sampled_from(("Unrelated", "x" * 300)))
def test_an_unrelated_folder_more_in_the_backup_changes_no_other_ones_place(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace, parent: str, name: str
) -> None:
    folders, existing = drawn
    before = map_folders(folders, existing.paths, namespace)
    after = map_folders([*folders, Folder("9999", parent, name)], existing.paths, namespace)
    assert [decision for decision in after if decision.folder != "9999"] == before


@law()
@given(met, namespaces(), st.randoms(use_true_random=False))
def test_the_order_of_folders_and_of_what_is_there_changes_nothing(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace, random: Random
) -> None:
    folders, existing = drawn
    shuffled, there = list(folders), list(existing.paths)
    random.shuffle(shuffled)
    random.shuffle(there)
    decisions = map_folders(folders, existing.paths, namespace)
    assert map_folders(shuffled, there, namespace) == decisions


@law()
@given(met, namespaces())
def test_the_name_in_the_backup_comes_back_from_the_place_through_the_recorded_map(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace
) -> None:
    folders, existing = drawn
    decisions = map_folders(folders, existing.paths, namespace)
    together = merged(places(decisions), namespace)
    alone = [one for one in decisions if one.path not in together]
    recorded = {one.path: one.source for one in decisions}
    sources, names = source_paths(folders), {folder.id: folder.name for folder in folders}
    for decision in alone:
        assert recorded[decision.path] == sources[decision.folder]
    for decision in decisions:
        assert decision.source[-1] == names[decision.folder]
        if decision.reason is Reason.CREATED:
            assert decision.path[-1] == decision.source[-1]


@law()
@given(met)
def test_what_a_maildir_stores_decodes_to_the_path_again(
    drawn: tuple[Sequence[Folder], Existing],
) -> None:
    folders, existing = drawn
    for decision in map_folders(folders, existing.paths, MAILDIR):
        assert folder_path(folder_directory(decision.path)) == decision.path


@law()
@given(trees, namespaces())
def test_every_place_can_be_held_by_the_destination(
    folders: Sequence[Folder], namespace: Namespace
) -> None:
    roles = set(namespace.roles.values())
    first = tuple(namespace.forbidden_first)
    refused = set(namespace.forbidden + namespace.separator)
    for decision in map_folders(folders, (), namespace):
        path = decision.path
        assert sum(namespace.stored_bytes(part) + 1 for part in path) <= namespace.path_bytes
        if path in roles:
            continue
        for segment in path:
            assert segment.strip(" ") == segment != ""
            assert namespace.stored_bytes(segment) <= namespace.segment_bytes
            assert segment not in namespace.reserved
            assert not set(segment) & refused
            assert not any(unicodedata.category(one) in {"Cc", "Cs"} for one in segment)
            assert not segment.startswith(first)


@law()
@given(met, namespaces())
def test_a_folder_lies_where_its_parent_does_or_above_or_where_one_was_already(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace
) -> None:
    folders, existing = drawn
    decisions = map_folders(folders, existing.paths, namespace)
    found = places(decisions)
    parents = {folder.id: folder.parent for folder in folders}
    for decision in decisions:
        if len(decision.source) > 1 and decision.reason in {Reason.CREATED, Reason.RENAMED}:
            path, above = decision.path, found[parents[decision.folder]]
            assert path[:-1] == above[: len(path) - 1] or path[:1] == ("INBOX",)


@law()
@given(met, namespaces(), st.integers(0, 8))
def test_going_on_after_any_part_gives_what_one_go_gives(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace, part: int
) -> None:
    folders, existing = drawn
    whole = map_folders(folders, existing.paths, namespace)
    settled = places(whole[:part])
    assert map_folders(folders, existing.paths, namespace, settled) == whole[part:]


@law()
@given(met, namespaces())
def test_doing_it_again_on_what_it_made_gives_the_same_places(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace
) -> None:
    folders, existing = drawn
    once = places(map_folders(folders, existing.paths, namespace))
    again = places(map_folders(folders, (*existing.paths, *once.values()), namespace))
    assert again == once


@law()
@given(met, namespaces())
def test_a_folder_that_stands_at_the_path_is_used_as_it_is_written_there(
    drawn: tuple[Sequence[Folder], Existing], namespace: Namespace
) -> None:
    folders, existing = drawn
    there = {comparable(path, namespace) for path in existing.paths}
    for decision in map_folders(folders, existing.paths, namespace):
        if decision.reason not in {Reason.SYSTEM, Reason.MERGED}:
            stands = comparable(decision.path, namespace) in there
            assert stands == (decision.reason is Reason.EXISTING)
            assert not stands or decision.path in map(normalised_root, existing.paths)


def normalised_root(path: Path) -> Path:
    return ("INBOX", *path[1:]) if path[0].casefold() == "inbox" else path
