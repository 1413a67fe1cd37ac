"""Container-restore rules 1 to 4."""

from __future__ import annotations

from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.mapping.folders import FolderDecision, Reason, map_folders, merged
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import Folder, Path, Role

CASELESS = Namespace(case_sensitive=False)


def places(decisions: list[FolderDecision]) -> dict[str, Path]:
    return {decision.folder: decision.path for decision in decisions}


def reasons(decisions: list[FolderDecision]) -> dict[str, Reason]:
    return {decision.folder: decision.reason for decision in decisions}


def test_rule_1_system_folders_go_by_role_whatever_they_are_called() -> None:
    folders = [
        Folder("2", "", "Posteingang", role=Role.INBOX),
        Folder("5", "", "Gesendet", role=Role.SENT),
        Folder("9", "2", "Newsletters"),
    ]
    decisions = map_folders(folders, [], NAMESPACE)
    assert places(decisions) == {
        "2": ("INBOX",),
        "5": ("Sent",),
        "9": ("INBOX", "Newsletters"),
    }
    assert reasons(decisions)["2"] is Reason.SYSTEM


def test_rule_1_a_role_that_the_destination_does_not_have_is_a_folder_like_another() -> None:
    (decision,) = map_folders([Folder("20", "", "Archive", role=Role.ARCHIVE)], [], Namespace())
    assert decision.path == ("Archive",)
    assert decision.reason is Reason.CREATED


def test_rule_2_a_folder_that_is_there_is_used_as_it_is_written_there() -> None:
    (decision,) = map_folders([Folder("1", "", "work")], [("Work",)], CASELESS)
    assert decision.path == ("Work",)
    assert decision.reason is Reason.EXISTING


def test_rule_2_what_lies_below_an_existing_folder_goes_below_it() -> None:
    folders = [Folder("1", "", "work"), Folder("2", "1", "plans")]
    assert places(map_folders(folders, [("Work",)], CASELESS))["2"] == ("Work", "plans")


def test_rule_2_a_folder_that_is_not_there_is_created_at_its_path() -> None:
    (decision,) = map_folders([Folder("1", "", "Workshop")], [("Work",)], NAMESPACE)
    assert decision.path == ("Workshop",)
    assert decision.reason is Reason.CREATED


def test_rule_3_two_folders_share_a_place_only_if_their_paths_are_the_same_there() -> None:
    folders = [Folder("1", "", "Work"), Folder("2", "", "WORK"), Folder("3", "", "Other")]
    apart = places(map_folders(folders, [], NAMESPACE))
    assert merged(apart, NAMESPACE) == {}
    together = places(map_folders(folders, [], CASELESS))
    ((_, sharing),) = merged(together, CASELESS).items()
    assert sharing == ("1", "2")


def test_rule_3_a_user_folder_named_like_a_system_folder_joins_it() -> None:
    folders = [Folder("5", "", "Gesendet", role=Role.SENT), Folder("9", "", "Sent")]
    found = places(map_folders(folders, [], NAMESPACE))
    assert merged(found, NAMESPACE) == {("Sent",): ("5", "9")}


def test_rule_3_names_that_differ_only_in_normalisation_are_one_folder() -> None:
    folders = [Folder("1", "", "B\u00fcro"), Folder("2", "", "Bu\u0308ro")]
    found = places(map_folders(folders, [], NAMESPACE))
    assert merged(found, NAMESPACE) == {("B\u00fcro",): ("1", "2")}


def test_rule_4_a_name_that_cannot_be_held_is_changed_and_the_original_is_recorded() -> None:
    folders = [Folder("1", "", "R&D / Ideen"), Folder("2", "1", "x")]
    first, second = map_folders(folders, [], NAMESPACE)
    assert first.source == ("R&D / Ideen",)
    assert first.path[0].startswith("R&D _ Ideen~")
    assert first.reason is Reason.RENAMED
    assert second.path == (*first.path, "x")
    assert second.reason is Reason.CREATED


def test_rule_4_an_orphan_stands_at_the_root_and_counts_as_renamed() -> None:
    (decision,) = map_folders([Folder("1", "gone", "Lost")], [], NAMESPACE)
    assert decision.path == ("Lost",)
    assert decision.reason is Reason.RENAMED


def test_rule_4_folders_that_contain_each_other_are_all_restored() -> None:
    folders = [Folder("1", "2", "A"), Folder("2", "1", "B")]
    assert places(map_folders(folders, [], NAMESPACE)) == {"1": ("A",), "2": ("B",)}


def test_a_settled_decision_stands_whatever_has_changed_since() -> None:
    settled: dict[str, Path] = {"1": ("Alt",)}
    folders = [Folder("1", "", "New name"), Folder("2", "1", "below")]
    (decision,) = map_folders(folders, [("New name",)], NAMESPACE, settled)
    assert decision.folder == "2"
    assert decision.path == ("Alt", "below")
