"""What the container map answers."""

from __future__ import annotations

from reinstate_journal.container_map import (
    MappedFilter,
    MappedFolder,
    MappedMountpoint,
    Moved,
    Relocation,
)
from reinstate_journal.events import (
    FilterActivated,
    FilterChange,
    FilterLeft,
    FilterRedirected,
    FolderMapped,
    FoldersMerged,
    ItemsRelocated,
    KeywordsLeftOut,
    MountpointMapped,
    MountpointRefused,
    MountpointRestored,
    RelocationStarted,
    StrayFolderEmptied,
    StrayFolderKept,
    StrayFolderRemoved,
    account_stream,
)
from reinstate_journal.journal import Journal

ANNA = account_stream("r1", "a1")


def test_folders_are_found_by_their_backup_id(journal: Journal) -> None:
    journal.append(
        ANNA,
        0,
        [
            FolderMapped("2", ("Inbox",), ("INBOX",), "system"),
            FolderMapped("300", ("A/B", "é\0"), ("A_B", "é"), "renamed"),
        ],
    )
    assert journal.containers.folders(ANNA) == {
        "2": MappedFolder(("Inbox",), ("INBOX",), "system"),
        "300": MappedFolder(("A/B", "é\0"), ("A_B", "é"), "renamed"),
    }
    assert journal.containers.folders("nobody") == {}


def test_a_folder_that_is_mapped_again_has_its_last_place(journal: Journal) -> None:
    journal.append(ANNA, 0, [FolderMapped("3", ("A",), ("A",), "created")])
    journal.append(ANNA, 1, [FolderMapped("3", ("A",), ("B",), "existing")])
    assert journal.containers.folders(ANNA) == {"3": MappedFolder(("A",), ("B",), "existing")}


def test_the_keywords_without_a_place_are_found_by_their_folder(journal: Journal) -> None:
    journal.append(ANNA, 0, [KeywordsLeftOut("2", ("b", "a")), KeywordsLeftOut("3", ("c",))])
    journal.append(ANNA, 2, [KeywordsLeftOut("2", ("a", "d"))])
    assert journal.containers.left_out(ANNA) == {"2": ("a", "b", "d"), "3": ("c",)}


def test_merged_folders_are_found_by_their_common_path(journal: Journal) -> None:
    journal.append(ANNA, 0, [FoldersMerged(("Work", "Old"), ("300", "301"))])
    assert journal.containers.merged(ANNA) == {("Work", "Old"): ("300", "301")}


def test_a_mountpoint_is_mapped_restored_or_refused_whichever_came_last(journal: Journal) -> None:
    mapped = MountpointMapped(
        "7", ("Team",), ("Team",), "b@x.test", ("T",), ("shared", "b", "T"), "filter"
    )
    journal.append(
        ANNA,
        0,
        [
            MountpointRefused("7", ("Team",), "its owner is not there"),
            MountpointRefused("8", ("Other",), "its target is not there"),
            mapped,
        ],
    )
    shared = ("shared", "b", "T")
    place = MappedMountpoint(("Team",), ("Team",), "b@x.test", ("T",), shared, "filter", False, "")
    refused = MappedMountpoint(("Other",), (), "", (), (), "", False, "its target is not there")
    assert journal.containers.mountpoints(ANNA) == {"7": place, "8": refused}
    journal.append(ANNA, 3, [MountpointRestored("7")])
    assert journal.containers.mountpoints(ANNA)["7"].restored


def test_redirects_lead_from_the_backups_paths_to_where_things_are_now(journal: Journal) -> None:
    journal.append(
        ANNA,
        0,
        [
            FolderMapped("2", ("Inbox",), ("INBOX",), "system"),
            FolderMapped("3", ("Work",), ("Work",), "created"),
            MountpointMapped("7", ("a/b",), ("a_b",), "b@x.test", ("T",), ("shared", "T"), "free"),
            MountpointMapped(
                "8", ("Own",), ("Own",), "b@x.test", ("O",), ("shared", "O"), "beside"
            ),
            MountpointRefused("9", ("Gone",), "its owner is not there"),
        ],
    )
    assert journal.containers.redirects(ANNA) == {
        ("Inbox",): ("INBOX",),
        ("a/b",): ("shared", "T"),
        ("a_b",): ("shared", "T"),
    }


def test_a_filter_is_active_once_the_text_that_was_decided_stands(journal: Journal) -> None:
    change, left = FilterChange(2, "Team", "shared/T"), FilterLeft(5, "Gone", "no such folder")
    journal.append(ANNA, 0, [FilterRedirected("incoming", "aa", "bb", (change,), (left,))])
    decided = MappedFilter("aa", "bb", (change,), (left,), False)
    assert journal.containers.filters(ANNA) == {"incoming": decided}
    journal.append(ANNA, 1, [FilterActivated("incoming", "cc")])
    assert not journal.containers.filters(ANNA)["incoming"].active
    journal.append(ANNA, 2, [FilterActivated("incoming", "bb")])
    assert journal.containers.filters(ANNA)["incoming"].active


def test_a_relocation_is_open_until_its_outcome_is_known(journal: Journal) -> None:
    stray, target = ("Team",), ("T",)
    journal.append(ANNA, 0, [RelocationStarted("7", stray, "b@x.test", target, ("x", "y"))])
    assert journal.containers.relocating(ANNA) == [
        Relocation("7", stray, "b@x.test", target, ("x", "y"))
    ]
    journal.append(ANNA, 1, [ItemsRelocated("7", stray, "b@x.test", target, ("x",), ("y",))])
    journal.append(ANNA, 2, [RelocationStarted("7", stray, "b@x.test", target, ("z",))])
    journal.append(ANNA, 3, [ItemsRelocated("7", stray, "b@x.test", target, ("z",))])
    assert journal.containers.relocating(ANNA) == []
    assert journal.containers.moved(ANNA) == [Moved("7", stray, target, 2, 1)]


def test_the_removal_of_a_stray_folder_is_open_until_it_is_gone(journal: Journal) -> None:
    stray, target = ("Team",), ("T",)
    journal.append(ANNA, 0, [StrayFolderEmptied("7", stray, "b@x.test", target)])
    journal.append(ANNA, 1, [StrayFolderKept("7", stray, "something is in it")])
    assert journal.containers.relocating(ANNA) == [Relocation("7", stray, "b@x.test", target, ())]
    journal.append(ANNA, 2, [StrayFolderRemoved("7", stray)])
    assert journal.containers.relocating(ANNA) == []
