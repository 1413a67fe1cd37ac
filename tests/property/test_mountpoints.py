"""Laws of mountpoints and of ids inside attributes: container-restore rules 5 to 8 and 10."""

from __future__ import annotations

from random import Random
from typing import NamedTuple, TypeVar

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from reinstate_service.mapping.attributes import KINDS, Maps, map_attributes
from reinstate_service.mapping.mountpoints import (
    Ground,
    MountpointDecision,
    at_or_below,
    map_mountpoints,
    shared_address,
)
from reinstate_service.mapping.paths import comparable
from reinstate_service.model import MAIL_TYPES, Attributes, Mountpoint, Path
from reinstate_service.testing import law
from reinstate_service.testing.folders import namespaces
from reinstate_service.testing.mountpoints import (
    Sharing,
    SharingAccount,
    attributes,
    awkward_shares,
    sharings,
)

T = TypeVar("T")
some = sharings(namespaces())
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


class Decided(NamedTuple):
    """An account, and what was decided for its mountpoints."""

    account: SharingAccount
    decisions: list[MountpointDecision]


def decide(sharing: Sharing) -> list[Decided]:
    owner_of = sharing.owner_of()
    return [
        Decided(
            account,
            map_mountpoints(
                account.mountpoints, sharing.grantee(account), owner_of, sharing.namespace
            ),
        )
        for account in sharing.accounts
    ]


def tell(sharing: Sharing) -> None:
    """The printed statistics show that the awkward cases are really generated."""
    for kind in awkward_shares(sharing):
        event(f"awkward: {kind}")


@law()
@given(some)
def test_every_mountpoint_is_decided_once_with_a_place_or_a_reason(sharing: Sharing) -> None:
    tell(sharing)
    for account, decisions in decide(sharing):
        ids = sorted(mountpoint.id for mountpoint in account.mountpoints)
        assert sorted(decision.mountpoint for decision in decisions) == ids
        for decision in decisions:
            event("refused" if decision.refused else f"ground: {decision.ground}")
            assert bool(decision.refused) != bool(decision.address)
            assert bool(decision.address) == bool(decision.target) == bool(decision.owner)


@law()
@given(some, st.randoms(use_true_random=False))
def test_the_order_of_accounts_folders_and_mountpoints_changes_nothing(
    sharing: Sharing, random: Random
) -> None:
    shuffled = Sharing(
        tuple(
            account._replace(
                folders=_shuffled(account.folders, random),
                mountpoints=_shuffled(account.mountpoints, random),
            )
            for account in _shuffled(sharing.accounts, random)
        ),
        sharing.namespace,
    )
    before = {account.id: decisions for account, decisions in decide(sharing)}
    assert {account.id: decisions for account, decisions in decide(shuffled)} == before


def _shuffled(values: tuple[T, ...], random: Random) -> tuple[T, ...]:
    return tuple(random.sample(values, len(values)))


@law()
@given(some)
def test_a_mountpoint_leads_to_its_owners_folder_as_that_was_mapped(sharing: Sharing) -> None:
    owners = {account.id: account for account in sharing.accounts}
    for account, decisions in decide(sharing):
        by_id = {mountpoint.id: mountpoint for mountpoint in account.mountpoints}
        for decision in decisions:
            mountpoint = by_id[decision.mountpoint]
            owner = owners.get(mountpoint.owner)
            leads = owner is not None and mountpoint.remote in sharing.places(owner)
            if decision.refused:
                home = mountpoint.owner == account.id
                assert home or not leads or mountpoint.view not in MAIL_TYPES
                continue
            assert owner is not None
            assert decision.owner == owner.address
            assert decision.target == sharing.places(owner)[mountpoint.remote]
            if not sharing.namespace.mounts_in_place:
                address = shared_address(owner.address, decision.target, sharing.namespace)
                assert decision.address == address


@law()
@given(some)
def test_chains_and_circles_of_mountpoints_are_refused(sharing: Sharing) -> None:
    held = {account.id: {one.id for one in account.mountpoints} for account in sharing.accounts}
    for account, decisions in decide(sharing):
        for mountpoint in account.mountpoints:
            if mountpoint.remote in held.get(mountpoint.owner, ()):
                (decision,) = (one for one in decisions if one.mountpoint == mountpoint.id)
                assert decision.refused


@law()
@given(some)
def test_what_stands_there_decides_between_joining_the_owner_and_standing_beside(
    sharing: Sharing,
) -> None:
    namespace = sharing.namespace
    for account, decisions in decide(sharing):
        own = [comparable(path, namespace) for path in sharing.places(account).values()]
        own += [comparable(path, namespace) for path in namespace.roles.values()]
        filed = [comparable(path, namespace) for path in account.existing.filed]
        standing = sharing.grantee(account).existing
        for decision in decisions:
            if decision.refused:
                continue
            key = comparable(decision.path, namespace)
            there = at_or_below(decision.path, standing, namespace)
            is_own = any(path[: len(key)] == key for path in own)
            is_filed = any(path[: len(key)] == key for path in filed)
            match decision.ground:
                case Ground.FREE:
                    assert not there
                    assert not is_own
                case Ground.FILTER:
                    assert there == decision.stray
                    assert is_filed
                    assert not is_own
                case Ground.BESIDE:
                    assert not decision.stray


@law()
@given(some)
def test_no_mountpoint_takes_a_place_that_is_taken(sharing: Sharing) -> None:
    if not sharing.namespace.mounts_in_place:
        return
    for account, decisions in decide(sharing):
        own = {comparable(path, sharing.namespace) for path in sharing.places(account).values()}
        seen: set[Path] = set()
        for decision in decisions:
            if not decision.refused:
                address = comparable(decision.address, sharing.namespace)
                assert address not in seen | own
                seen.add(address)


@law()
@given(some)
def test_an_unrelated_mountpoint_more_changes_no_other_one(sharing: Sharing) -> None:
    further = Mountpoint("9999", "", "Something else entirely", SECOND, "257")
    first, *rest = sharing.accounts
    grown = Sharing(
        (first._replace(mountpoints=(*first.mountpoints, further)), *rest), sharing.namespace
    )
    before = [decisions for _, decisions in decide(sharing)]
    after = [
        [one for one in decisions if one.mountpoint != "9999"] for _, decisions in decide(grown)
    ]
    assert after == before


IDS = ("257", "258", "sig-1", "cos-1", FIRST, SECOND)
FOLDERS: dict[tuple[str, str], Path] = {
    ("", "257"): ("Work",),
    ("", "258"): ("Work", "B\u00fcro"),
    (FIRST, "257"): ("shared", "example.com", "anna", "Work"),
}
MAPS = Maps(
    lambda account, folder: FOLDERS.get((account, folder)),
    {FIRST: "anna@example.com", SECOND: "bruno@example.com", "cos-1": "staff"},
    frozenset({"sig-1"}),
)


@law()
@given(attributes(IDS))
def test_attributes_keep_their_names_and_numbers_of_values_and_others_stay(
    held: Attributes,
) -> None:
    mapped = map_attributes(held, MAPS)
    assert list(mapped.attributes) == list(held)
    for name, values in held.items():
        assert len(mapped.attributes[name]) == len(values)
        assert name in KINDS or mapped.attributes[name] == values
        assert (name in mapped.mapped) == (mapped.attributes[name] != values)
    for name in mapped.mapped:
        event(f"mapped: {KINDS[name].name}")


@law()
@given(attributes(IDS))
def test_an_id_that_means_nothing_here_stays_and_is_told(held: Attributes) -> None:
    nothing = replace(MAPS, folders=lambda _, __: None, names={}, kept=frozenset())
    mapped = map_attributes(held, nothing)
    assert mapped.attributes == held
    assert set(mapped.left) == {name for name, values in held.items() if name in KINDS and values}
