"""What the container map answers."""

from __future__ import annotations

from reinstate_journal.container_map import MappedFolder, MappedMountpoint
from reinstate_journal.events import (
    FolderMapped,
    FoldersMerged,
    MountpointRefused,
    MountpointRestored,
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


def test_merged_folders_are_found_by_their_common_path(journal: Journal) -> None:
    journal.append(ANNA, 0, [FoldersMerged(("Work", "Old"), ("300", "301"))])
    assert journal.containers.merged(ANNA) == {("Work", "Old"): ("300", "301")}


def test_a_mountpoint_is_restored_or_refused_whichever_came_last(journal: Journal) -> None:
    journal.append(
        ANNA,
        0,
        [
            MountpointRefused("7", ("Team",), "its owner is not there"),
            MountpointRefused("8", ("Other",), "its target is not there"),
            MountpointRestored("7", ("Team",), "b@x.test", ("T",), ("shared", "b", "T")),
        ],
    )
    assert journal.containers.mountpoints(ANNA) == {
        "7": MappedMountpoint(("Team",), "b@x.test", ("T",), ("shared", "b", "T"), ""),
        "8": MappedMountpoint(("Other",), "", (), (), "its target is not there"),
    }
