"""Laws of a container restore as a whole, whatever happens while it goes on.

The real engine restores onto a destination in memory, step by step; between its steps
mail arrives and the filters run, users change their folders, and it dies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from property.serving import Place
from property.world import QUOTA, World, mounted_paths
from reinstate_journal.container_map import MappedMountpoint
from reinstate_journal.events import ItemRestored, MountpointMapped, StrayFolderKept
from reinstate_service.mapping.filters import folder_targets
from reinstate_service.mapping.mountpoints import Ground, shared_address
from reinstate_service.mapping.paths import comparable, normalise, place_below
from reinstate_service.model import Path
from reinstate_service.testing import law
from reinstate_service.testing.folders import NAMESPACES, PLAIN_NAMES
from reinstate_service.testing.mountpoints import Sharing, SharingAccount, sharings

#: Those of a destination in memory: mountpoints under their shared address, and in place.
MEMORY = [
    one for one in NAMESPACES if one.reserved == (".", "..", "shared") and not one.storage_escape
]
some = sharings(st.sampled_from(MEMORY), PLAIN_NAMES, whole=True)
awkward = sharings(st.sampled_from(MEMORY), whole=True)
#: Steps of the restore, each with the mail that arrives before it: an account and a rule.
mail = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 7)), max_size=8)


def restore_among(world: World, arriving: Sequence[tuple[int, int, int]], crash: int) -> None:
    """Restores; mail arrives between the steps, from the end of phase 2 on, and at one of them
    the restore dies."""
    world.go_on_until(lambda: world.seen.reached == 3)
    for number, (steps, account, rule_number) in enumerate(arriving):
        if account < len(world.server.accounts()):
            address = world.server.accounts()[account]
            world.server.deliver(address, rule_number, f"mail {number}".encode())
        for _ in range(steps):
            if world.restore is not None:
                world.step()
        if number == crash:
            world.crash()
    world.finish()


@law()
@given(st.one_of(some, awkward), mail, st.integers(0, 8))
def test_after_the_restore_every_literal_fileinto_names_a_folder_that_is_there_or_is_reported(
    sharing: Sharing, arriving: list[tuple[int, int, int]], crash: int
) -> None:
    world = World(sharing)
    try:
        restore_among(world, arriving, crash)
        for account in sharing.accounts:
            for name, script in world.state.accounts[account.address].scripts.items():
                mapped = world.journal.containers.filters(world.stream(account.id)).get(name)
                reported = {one.line for one in mapped.left} if mapped else set()
                for target in folder_targets(script, sharing.namespace.separator):
                    if target.path is None or target.line in reported:
                        event("a target is reported")
                    elif target.creates:
                        event("a target is made by its rule")
                    else:
                        assert is_reached(world, account, target.path)
    finally:
        world.close()


def is_reached(world: World, account: SharingAccount, path: Path) -> bool:
    """Whether the account's user reaches a folder at the path."""
    stored = world.state.accounts[account.address]
    if path in map(normalise, stored.folders):
        return True
    for mount, (owner, target) in stored.mounts.items():
        if normalise(path)[: len(mount)] == normalise(mount):
            below = (*target, *path[len(mount) :])
            return below in map(normalise, world.state.accounts[owner].folders)
    for owner, other in world.state.accounts.items():
        for folder in other.folders:
            if normalise(shared_address(owner, folder, world.sharing.namespace)) == path:
                return True
    return False


@law()
@given(some, mail, st.integers(0, 8))
def test_the_map_that_is_rebuilt_from_the_events_equals_the_live_one_whatever_the_interleaving(
    sharing: Sharing, arriving: list[tuple[int, int, int]], crash: int
) -> None:
    world = World(sharing)
    try:
        restore_among(world, arriving, crash)
        live = world.maps()
        world.journal.rebuild()
        assert world.maps() == live
    finally:
        world.close()


class Interleavings(RuleBasedStateMachine):
    """Mail arrives, users change their folders, the restore does its next step, dies, and is
    resumed, in any order; at the end everything is there once, and where the rules say."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        #: Where each message lay last that something other than the restore has put there.
        self.put: dict[bytes, Place] = {}
        #: What filters put where a mountpoint belonged and was not made yet.
        self.stray: set[bytes] = set()
        #: What its user has deleted, and what the restore may bring once more since it did
        #: not know yet that it had it.
        self.deleted: set[bytes] = set()
        self.unknown: set[bytes] = set()
        self.sent = 0
        self.ended = False

    @initialize(sharing=some, phase=st.sampled_from((1, 2, 3, 3, 3)))
    def begin(self, sharing: Sharing, phase: int) -> None:
        self.world = World(sharing)
        world = self.world
        world.go_on_until(lambda: world.seen.reached == phase)

    @rule(account=st.integers(0, 2), number=st.integers(0, 7))
    def mail_arrives_and_the_filters_run(self, account: int, number: int) -> None:
        world = self._world
        address = self._address(account)
        if address is None:
            return
        content = f"mail {self.sent}".encode()
        self.sent += 1
        place = world.server.deliver(address, number, content)
        self.put[content] = place
        if self._waiting(place):
            event("a filter files where a mountpoint belongs")
            self.stray.add(content)

    @rule(account=st.integers(0, 2), chosen=st.integers(0, 9))
    def user_creates_a_folder(self, account: int, chosen: int) -> None:
        address = self._address(account)
        if address is not None and self._world.server.create(address, self._path(address, chosen)):
            event("a user creates a folder")

    @rule(account=st.integers(0, 2), old=st.integers(0, 9), new=st.integers(0, 9))
    def user_renames_a_folder(self, account: int, old: int, new: int) -> None:
        address = self._address(account)
        folders = self._world.server.own_folders(address) if address else []
        if address is None or not folders:
            return
        before, after = folders[old % len(folders)], self._path(address, new)
        if self._world.server.rename(address, before, after):
            event("a user renames a folder")
            self._look(address, after)

    @rule(account=st.integers(0, 2), chosen=st.integers(0, 9))
    def user_deletes_a_folder(self, account: int, chosen: int) -> None:
        address = self._address(account)
        folders = self._world.server.own_folders(address) if address else []
        if address is not None and folders:
            event("a user deletes a folder")
            self._forget(self._world.server.delete(address, folders[chosen % len(folders)]))

    @precondition(lambda self: self.world is not None and not self.ended)
    @rule(steps=st.integers(1, 12))
    def restore_does_its_next_steps(self, steps: int) -> None:
        for _ in range(steps):
            if not self.ended:
                self._world.step()
                self.ended = self._world.restore is None

    @precondition(lambda self: self.world is not None and self.world.restore is not None)
    @rule()
    def restore_crashes(self) -> None:
        event(f"it dies in phase {self._world.seen.reached}")
        self._world.crash()

    def teardown(self) -> None:
        """It is resumed to its end, and then everything is as it should be."""
        if self.world is None:
            return
        try:
            self._end(self.world)
        finally:
            self.world.close()

    def _end(self, world: World) -> None:
        world.finish()
        world.finish()
        self._everything_is_there_once()
        self._everything_lies_where_the_rules_say()
        self._the_quotas_are_back()
        head = world.journal.head()
        world.finish()
        assert [one.data for one in world.journal.read(after=head.position)] == []

    def _everything_is_there_once(self) -> None:
        world = self._world
        found = Counter(content for content, _ in world.server.lying())
        expected = {*world.backed_up, *(f"mail {number}".encode() for number in range(self.sent))}
        assert set(found) <= expected
        for content in expected:
            times = {0} if content in self.deleted else {1}
            if content in self.unknown:
                times = {0, 1, 2}
            assert found[content] in times, (content, found[content], times)

    def _everything_lies_where_the_rules_say(self) -> None:
        world = self._world
        folders = {
            account.id: world.journal.containers.folders(world.stream(account.id))
            for account in world.sharing.accounts
        }
        addresses = {account.id: account.address for account in world.sharing.accounts}
        for content, place in world.server.lying():
            if content in self.unknown:
                continue
            put = self.put.get(content)
            if put is None:
                account, folder = world.backed_up[content]
                put = Place(addresses[account], folders[account][folder].path)
            led, must = self._led(put)
            if led is None:
                assert place == put, content
            elif must and content in self.stray:
                assert place == led, content
            else:
                assert place in {put, led}, content

    def _led(self, put: Place) -> tuple[Place | None, bool]:
        """Where what lay at a place belongs if a mountpoint has taken the place; and whether
        nothing may be left there."""
        world = self._world
        account = self._account(put.account)
        stream = world.stream(account.id)
        kept = {
            cast("StrayFolderKept", recorded.event).path
            for recorded in world.journal.read(stream, types=[StrayFolderKept])
        }
        made = world.journal.containers.mountpoints(stream)
        for recorded in world.journal.read(stream, types=[MountpointMapped]):
            mapped = cast("MountpointMapped", recorded.event)
            if mapped.reason == Ground.FILTER.value and self._covers(mapped.path, put.path):
                led = Place(mapped.owner, (*mapped.target, *put.path[len(mapped.path) :]))
                return led, made[mapped.mountpoint].restored and put.path not in kept
        return None, False

    def _waiting(self, place: Place) -> bool:
        """Whether a mountpoint belongs at or above the place and is not made yet."""
        world = self._world
        account = self._account(place.account)
        stream = world.stream(account.id)
        made: dict[str, MappedMountpoint] = world.journal.containers.mountpoints(stream)
        return any(
            self._covers(self._mounted(account, one.id), place.path)
            and not (one.id in made and made[one.id].restored)
            for one in account.mountpoints
        )

    def _mounted(self, account: SharingAccount, identifier: str) -> Path:
        world = self._world
        (mountpoint,) = (one for one in account.mountpoints if one.id == identifier)
        places = world.journal.containers.folders(world.stream(account.id))
        parent = places[mountpoint.parent].path if mountpoint.parent in places else ()
        return place_below(parent, mountpoint.name, world.sharing.namespace)

    def _covers(self, path: Path, other: Path) -> bool:
        namespace = self._world.sharing.namespace
        return comparable(other, namespace)[: len(path)] == comparable(path, namespace)

    def _the_quotas_are_back(self) -> None:
        for account in self._world.sharing.accounts:
            assert self._world.state.accounts[account.address].quota == QUOTA

    def _look(self, address: str, path: Path) -> None:
        """What lies at or below the path has been put there by its user."""
        for content, place in self._world.server.lying():
            if place.account == address and place.path[: len(path)] == path:
                self.put[content] = place
                self.stray.discard(content)
                self._know(content)

    def _forget(self, contents: set[bytes]) -> None:
        for content in contents:
            self.deleted.add(content)
            self._know(content)

    def _know(self, content: bytes) -> None:
        """An item that the journal does not have yet is brought to its folder once more."""
        world = self._world
        if content in world.backed_up:
            account, _ = world.backed_up[content]
            item = content.split()[-1].decode()
            restored = world.journal.read(world.stream(account), types=[ItemRestored])
            if not any(cast("ItemRestored", one.event).item == item for one in restored):
                event("a user changes what is not recorded yet")
                self.unknown.add(content)

    @property
    def _world(self) -> World:
        assert self.world is not None
        return self.world

    def _account(self, address: str) -> SharingAccount:
        accounts = self._world.sharing.accounts
        return next(account for account in accounts if account.address == address)

    def _address(self, number: int) -> str | None:
        accounts = self._world.server.accounts()
        return accounts[number % len(accounts)] if accounts else None

    def _path(self, address: str, chosen: int) -> Path:
        """A path for a folder of the user's, most of them where something else belongs."""
        account = self._account(address)
        paths: list[Path] = [("Mine",), ("Mine", "Sub"), *mounted_paths(account)]
        paths += [(name,) for name in PLAIN_NAMES[:3]]
        return paths[chosen % len(paths)]


def _case(machine: type[RuleBasedStateMachine]) -> Any:
    case = machine.TestCase
    case.settings = settings(law(), stateful_step_count=20)
    return case


TestEverythingIsThereOnceAndWhereTheRulesSay = _case(Interleavings)
