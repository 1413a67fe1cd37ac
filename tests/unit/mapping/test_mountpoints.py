"""Container-restore rules 5 and 8: a mountpoint on a free path, and one that leads nowhere."""

from __future__ import annotations

import pytest

from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.mapping.mountpoints import (
    MountpointDecision,
    Owner,
    map_mountpoints,
    shared_address,
)
from reinstate_service.model import ItemType, Mountpoint, Path

ANNA = Owner("anna@example.com", {"257": ("Work",), "258": ("Renamed~123456",)})


def owner_of(account: str) -> Owner | None:
    return ANNA if account == "a1" else None


def decide(
    *mountpoints: Mountpoint, occupied: tuple[Path, ...] = (), places: dict[str, Path] | None = None
) -> list[MountpointDecision]:
    return map_mountpoints(mountpoints, places or {}, occupied, owner_of, NAMESPACE)


def test_rule_5_on_a_free_path_it_shows_the_owners_folder_as_it_was_mapped() -> None:
    (made,) = decide(Mountpoint("320", "", "Annas", "a1", "258"))
    assert made.refused == ""
    assert made.path == ("Annas",)
    assert made.owner == "anna@example.com"
    assert made.target == ("Renamed~123456",)
    assert made.address == ("shared", "example.com", "anna", "Renamed~123456")


def test_rule_5_it_stands_below_its_mapped_parent() -> None:
    (made,) = decide(Mountpoint("320", "9", "Annas", "a1", "257"), places={"9": ("Mapped",)})
    assert made.path == ("Mapped", "Annas")


def test_rule_8_an_owner_who_is_not_there_is_refused() -> None:
    (made,) = decide(Mountpoint("320", "", "Gone", "nobody", "257"))
    assert made.refused == "its owner, account nobody, is not on the destination"
    assert made.address == ()


def test_rule_8_a_folder_that_is_not_there_is_refused() -> None:
    (made,) = decide(Mountpoint("320", "", "Gone", "a1", "9999"))
    assert made.refused == "folder 9999 of anna@example.com is not on the destination"


def test_a_path_that_is_taken_is_refused_and_reported() -> None:
    (made,) = decide(Mountpoint("320", "", "Annas", "a1", "257"), occupied=(("Annas",),))
    assert "in its place" in made.refused


@pytest.mark.parametrize("view", [ItemType.CONTACT, ItemType.APPOINTMENT, ItemType.DOCUMENT])
def test_a_shared_collection_has_no_place_yet(view: ItemType) -> None:
    (made,) = decide(Mountpoint("320", "", "Calendar", "a1", "257", view))
    assert "no place for a shared collection" in made.refused


def test_the_order_of_the_mountpoints_changes_nothing() -> None:
    some = [
        Mountpoint("320", "", "Z", "a1", "257"),
        Mountpoint("321", "", "A", "a1", "258"),
        Mountpoint("322", "", "M", "nobody", "1"),
    ]
    assert decide(*some) == decide(*some[::-1])
    assert [made.path for made in decide(*some)] == [("A",), ("M",), ("Z",)]


def test_the_address_is_made_of_the_owners_domain_and_local_part() -> None:
    address = shared_address("anna@example.com", ("INBOX", "x"), NAMESPACE)
    assert address == ("shared", "example.com", "anna", "INBOX", "x")
