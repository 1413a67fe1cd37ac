"""Container-restore rules 5 to 8: where mountpoints go, and which of them go nowhere."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.mapping.folders import map_folders
from reinstate_service.mapping.mountpoints import (
    Grantee,
    Ground,
    MountpointDecision,
    Owner,
    map_mountpoints,
    shared_address,
)
from reinstate_service.model import Folder, ItemType, Mountpoint, Path

IN_PLACE = replace(NAMESPACE, mounts_in_place=True)
CASELESS = replace(NAMESPACE, case_sensitive=False)
ANNA = Owner("anna@example.com", {"257": ("Work",), "258": ("Renamed~123456",)}, {"300"})
BRUNO = Owner("bruno@example.com", {"257": ("Work",)})
OWNERS = {"anna": ANNA, "bruno": BRUNO, "me": Owner("me@example.com", {"257": ("Mine",)})}
TEAM: Path = ("Team",)
OLD: Path = ("Team", "Old")
ME = Grantee("me", folders=(), places={}, existing=())


def team(identifier: str = "320", owner: str = "anna", remote: str = "257") -> Mountpoint:
    """A mountpoint at Team."""
    return Mountpoint(identifier, "", "Team", owner, remote)


def decided(*mountpoints: Mountpoint, me: Grantee = ME) -> list[MountpointDecision]:
    return map_mountpoints(mountpoints, me, OWNERS.get, NAMESPACE)


def in_place(*mountpoints: Mountpoint, me: Grantee = ME) -> list[Path]:
    """The addresses where mountpoints stand at their own path."""
    return [one.address for one in map_mountpoints(mountpoints, me, OWNERS.get, IN_PLACE)]


def own_folder(identifier: str, *place: str) -> Grantee:
    """The grantee with one folder of the backup, mapped to `place`."""
    folders = (Folder(identifier, "", place[-1]),)
    return replace(ME, folders=folders, places={identifier: place})


def filed(*paths: Path, existing: tuple[Path, ...] = (TEAM,)) -> Grantee:
    """The grantee whose filters file to `paths`."""
    return replace(ME, existing=existing, filed=paths)


def ground_of(me: Grantee) -> tuple[Ground, tuple[Path, ...]]:
    """What the mountpoint at Team finds there."""
    (made,) = decided(team(), me=me)
    return made.ground, made.stray


# -- rule 5


def test_rule_5_on_a_free_path_it_shows_the_owners_folder_as_it_was_mapped() -> None:
    (made,) = decided(team(remote="258"))
    assert made == MountpointDecision(
        mountpoint="320",
        source=TEAM,
        path=TEAM,
        remote=("anna", "258"),
        owner="anna@example.com",
        target=("Renamed~123456",),
        address=("shared", "example.com", "anna", "Renamed~123456"),
    )


def test_rule_5_it_stands_below_its_parent_wherever_that_was_mapped() -> None:
    below = Mountpoint("320", "9", "Team", "anna", "257")
    (made,) = decided(below, me=own_folder("9", "Mapped", "Elsewhere"))
    assert made.source == ("Elsewhere", "Team")
    assert made.path == ("Mapped", "Elsewhere", "Team")


def test_rule_5_below_another_mountpoint_or_nothing_it_stands_at_the_root() -> None:
    below = Mountpoint("321", "320", "Below", "anna", "258")
    orphan = Mountpoint("322", "404", "Orphan", "anna", "258")
    found = {made.mountpoint: made for made in decided(team(), below, orphan)}
    assert found["321"].source == ("Team", "Below")
    assert [found[number].path for number in ("321", "322")] == [("Below",), ("Orphan",)]


def test_rule_5_a_folder_whose_name_only_begins_alike_is_not_in_the_way() -> None:
    me = replace(ME, existing=(("Teamwork",), ("Team.Old",)), filed=(("Teamwork",),))
    assert ground_of(me) == (Ground.FREE, ())


def test_rule_5_a_filter_for_a_folder_that_is_not_there_leaves_the_path_free() -> None:
    assert ground_of(filed(TEAM, existing=())) == (Ground.FREE, ())


def test_the_address_is_made_of_the_owners_domain_and_local_part() -> None:
    address = shared_address("anna@example.com", ("INBOX", "x"), NAMESPACE)
    assert address == ("shared", "example.com", "anna", "INBOX", "x")


def test_where_mountpoints_stand_in_place_the_address_is_their_own_path() -> None:
    assert in_place(team()) == [TEAM]
    assert in_place(team(), me=filed(TEAM)) == [TEAM]


def test_a_name_that_the_destination_cannot_hold_is_changed() -> None:
    (made,) = decided(Mountpoint("320", "", "a/b", "anna", "257"))
    assert made.source == ("a/b",)
    assert made.path[0].startswith("a_b~")


# -- rule 6


def test_rule_6_a_folder_that_a_filter_files_to_is_stray_with_all_below_it() -> None:
    me = filed(TEAM, existing=((*OLD, "x"), ("Other",), OLD, TEAM))
    assert ground_of(me) == (Ground.FILTER, (TEAM, OLD, (*OLD, "x")))


def test_rule_6_a_filter_that_files_below_the_path_has_made_the_folder() -> None:
    assert ground_of(filed(OLD, existing=(TEAM, OLD))) == (Ground.FILTER, (TEAM, OLD))


def test_rule_6_what_a_filter_made_below_is_stray_even_if_nothing_stands_at_the_path() -> None:
    assert ground_of(filed(OLD, existing=(OLD,))) == (Ground.FILTER, (OLD,))


@pytest.mark.parametrize("there", ["T\u00e9am", "Te\u0301am"])
def test_rule_6_paths_are_compared_in_their_normal_form(there: str) -> None:
    mountpoint = Mountpoint("320", "", "Te\u0301am", "anna", "257")
    (made,) = decided(mountpoint, me=filed(("T\u00e9am",), existing=((there,),)))
    assert (made.ground, made.stray) == (Ground.FILTER, ((there,),))


def test_rule_6_case_counts_only_where_the_destination_tells_it() -> None:
    me = filed(("TEAM",), existing=(("team",),))
    assert ground_of(me) == (Ground.FREE, ())
    (made,) = map_mountpoints([team()], me, OWNERS.get, CASELESS)
    assert (made.ground, made.stray) == (Ground.FILTER, (("team",),))


# -- rule 7


@pytest.mark.parametrize("filters", [(), (("Teamwork",),), (("Work", "Team"),)])
def test_rule_7_a_folder_that_no_filter_files_to_is_the_users_own(
    filters: tuple[Path, ...],
) -> None:
    assert ground_of(filed(*filters)) == (Ground.BESIDE, ())


def test_rule_7_a_folder_of_the_users_below_the_path_is_in_the_way_as_well() -> None:
    assert ground_of(filed(existing=(OLD,))) == (Ground.BESIDE, ())


@pytest.mark.parametrize("place", [TEAM, OLD])
def test_rule_7_a_folder_from_the_backup_stays_even_if_a_filter_files_there(place: Path) -> None:
    me = replace(own_folder("9", *place), existing=(place,), filed=(place,))
    assert ground_of(me) == (Ground.BESIDE, ())


@pytest.mark.parametrize("name", ["Work", "e\u0301", "\u00e9/x", "e\u0301/x", "Inbox"])
def test_rule_7_a_mountpoint_never_takes_the_place_of_a_folder_of_its_name(name: str) -> None:
    (folder,) = map_folders([Folder("9", "", name)], [], NAMESPACE)
    mountpoint = Mountpoint("320", "", name, "anna", "257")
    (made,) = decided(mountpoint, me=own_folder("9", *folder.path))
    assert made.ground is Ground.BESIDE
    assert made.address == ("shared", "example.com", "anna", "Work")


@pytest.mark.parametrize("name", ["inbox", "Sent"])
def test_rule_7_a_mountpoint_never_takes_the_place_of_a_system_folder(name: str) -> None:
    mountpoint = Mountpoint("320", "", name, "anna", "257")
    (made,) = decided(mountpoint)
    assert made.ground is Ground.BESIDE
    assert in_place(mountpoint) == [(f"{made.path[0]} (anna@example.com)",)]


def test_rule_7_of_two_mountpoints_at_one_path_the_second_stands_beside_the_first() -> None:
    first, second = decided(team("321", "bruno"), team("320"), me=filed(TEAM))
    assert (first.mountpoint, first.ground, first.stray) == ("320", Ground.FILTER, (TEAM,))
    assert (second.mountpoint, second.ground, second.stray) == ("321", Ground.BESIDE, ())


def test_rule_7_in_place_the_name_beside_tells_whose_folder_it_is() -> None:
    assert in_place(team(), me=filed()) == [("Team (anna@example.com)",)]
    assert in_place(team(), team("321", "bruno")) == [TEAM, ("Team (bruno@example.com)",)]


@pytest.mark.parametrize("taken", ["a folder", "from the backup", "another mountpoint"])
def test_rule_7_a_name_beside_that_is_taken_as_well_gets_a_mark(taken: str) -> None:
    beside: Path = ("Team (anna@example.com)",)
    others = []
    me = filed()
    match taken:
        case "a folder":
            me = replace(me, existing=(TEAM, beside))
        case "from the backup":
            me = replace(own_folder("9", *beside), existing=(TEAM,))
        case _:
            others = [Mountpoint("319", "", "Team", "anna", "258")]
    *_, (address,) = in_place(*others, team(), me=me)
    assert address.startswith(f"{beside[0]} ")
    assert len(address) == len(beside[0]) + 7


def test_rule_7_many_mountpoints_at_one_path_all_have_their_own_names() -> None:
    found = in_place(*(team(str(number)) for number in range(320, 326)))
    assert found[:2] == [TEAM, ("Team (anna@example.com)",)]
    assert len(set(found)) == 6


# -- rule 8


@pytest.mark.parametrize(
    ("owner", "remote", "refused"),
    [
        ("nobody", "257", "its owner, account nobody, is not on the destination"),
        ("anna", "9999", "folder 9999 of anna@example.com is not on the destination"),
        ("anna", "300", "folder 300 of anna@example.com is itself a mountpoint"),
        ("me", "257", "it leads back into its own account"),
    ],
)
def test_rule_8_what_leads_nowhere_is_refused_and_touches_nothing(
    owner: str, remote: str, refused: str
) -> None:
    (made,) = decided(team(owner=owner, remote=remote), me=filed(TEAM))
    assert made == MountpointDecision("320", TEAM, TEAM, (owner, remote), refused=refused)


def test_rule_8_in_a_circle_of_mountpoints_every_one_is_refused() -> None:
    circle = {
        "anna": Owner("anna@example.com", {}, {"1"}),
        "me": Owner("me@example.com", {}, {"2"}),
    }
    anna = Grantee("anna", folders=(), places={}, existing=())
    for grantee, mountpoint in (
        (anna, Mountpoint("1", "", "To me", "me", "2")),
        (ME, Mountpoint("2", "", "To anna", "anna", "1")),
    ):
        (made,) = map_mountpoints([mountpoint], grantee, circle.get, NAMESPACE)
        assert made.refused.endswith("is itself a mountpoint")


@pytest.mark.parametrize("view", [ItemType.CONTACT, ItemType.APPOINTMENT, ItemType.DOCUMENT])
def test_rule_8_a_shared_collection_has_no_place(view: ItemType) -> None:
    (made,) = decided(replace(team(), view=view))
    assert made.refused == f"the destination has no place for a shared collection ({view})"


def test_rule_8_a_refused_mountpoint_leaves_its_path_to_the_next_one() -> None:
    refused, made = decided(team("319", "nobody"), team("320"))
    assert refused.refused
    assert made.ground is Ground.FREE


# -- whatever the order


def test_the_order_of_the_arguments_changes_nothing() -> None:
    some = [
        team("320"),
        team("321", "bruno"),
        team("322", "nobody"),
        Mountpoint("323", "9", "A", "anna", "258"),
    ]
    me = Grantee(
        "me",
        folders=(Folder("9", "", "Zoo"), Folder("8", "", "Apes")),
        places={"9": ("Zoo",), "8": ("Apes",)},
        existing=(("Zoo", "A"), OLD, TEAM),
        filed=(OLD, ("Zoo", "A")),
    )
    expected = decided(*some, me=me)
    assert [made.path for made in expected] == [TEAM, TEAM, TEAM, ("Zoo", "A")]
    for seed in range(10):
        random = Random(seed)
        shuffled = Grantee(
            "me",
            folders=tuple(random.sample(me.folders, 2)),
            places=dict(random.sample(list(me.places.items()), 2)),
            existing=tuple(random.sample(me.existing, 3)),
            filed=tuple(random.sample(me.filed, 2)),
        )
        assert decided(*random.sample(some, 4), me=shuffled) == expected


@pytest.mark.parametrize(
    ("grantees", "shared", "in_place"),
    [
        (("user:me@example.com",), True, True),
        (("user:carol@example.com", "group:team@example.com"), True, False),
        (("anyone",), True, False),
        (("user:carol@example.com",), False, False),
        ((), False, False),
    ],
)
def test_rule_8_what_is_granted_to_nobody_who_could_be_the_grantee_is_refused(
    grantees: tuple[str, ...], shared: bool, in_place: bool
) -> None:
    owner = replace(BRUNO, grantees={"257": grantees})
    me = replace(ME, address="me@example.com")
    for namespace, is_made in ((NAMESPACE, shared), (IN_PLACE, in_place)):
        (made,) = map_mountpoints([team(owner="bruno")], me, {"bruno": owner}.get, namespace)
        why = "folder 257 of bruno@example.com is not granted to it"
        assert made.refused == ("" if is_made else why)
