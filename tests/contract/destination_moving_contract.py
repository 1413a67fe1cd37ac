"""What phase 3 relies on: scripts, mountpoints, messages that move, folders that go.

MovingContract holds for destinations that mount in place and for those that do not.
"""

from __future__ import annotations

import pytest

from contract.destination_contract import (
    ALICE,
    BOB,
    DATE,
    Reopen,
    Suite,
    delivery,
    digest,
    folder,
)
from reinstate_service.destination.contract import (
    AccessGrant,
    Delivered,
    Destination,
    Mailbox,
    Missing,
    Refused,
)
from reinstate_service.model import Filters, Flag, ItemType, Path

STRAY = ("Team",)
INBOX = ("INBOX",)
FULL_ACCESS = [AccessGrant(f"user:{ALICE.address}", "lrswipkxte")]


def mail(what: object) -> bytes:
    """A message."""
    return f"Subject: {what}\r\n\r\n".encode()


def give(destination: Destination, path: Path) -> None:
    """Lets bob have a folder that is granted to alice."""
    with destination.mailbox(BOB.address) as bob:
        bob.create_folder(path, folder())
        bob.grant(path, FULL_ACCESS)


def fill(destination: Destination, count: int = 3, path: Path = STRAY) -> None:
    """Puts messages into a folder of alice's."""
    with destination.mailbox(ALICE.address) as alice:
        alice.deliver([delivery(f"r1-{n}", path, mail(n)) for n in range(count)])


def paths(mailbox: Mailbox) -> set[Path]:
    """Where the account's own folders are."""
    return {entry.path for entry in mailbox.folders() if not entry.mounted}


class MovingContract(Suite):
    """What phase 3 relies on."""

    # -- scripts

    def test_every_script_is_found_by_its_name(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        filters = Filters(incoming="keep;\r\n", before="# b", after="# ü \udcff")
        with destination.mailbox(ALICE.address) as alice:
            assert dict(alice.scripts()) == {}
            names = alice.install_filters(filters)
        with reopen().mailbox(ALICE.address) as alice:
            found = alice.scripts()
        assert set(found) == set(names)
        assert set(found.values()) == {filters.incoming, filters.before, filters.after}

    def test_a_script_is_replaced_and_the_others_stay(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with destination.mailbox(ALICE.address) as alice:
            alice.install_filters(Filters(incoming="keep;", before="# b"))
            (name,) = (name for name, text in alice.scripts().items() if text == "keep;")
            for _ in range(2):
                alice.replace_script(name, "# ü \udcff\r\ndiscard;")
        with reopen().mailbox(ALICE.address) as alice:
            assert sorted(alice.scripts().values()) == ["# b", "# ü \udcff\r\ndiscard;"]

    @pytest.mark.parametrize("name", ["none", "", ".", "../x", "a/b", "a\0b", "x" * 300])
    def test_a_script_that_is_missing_is_not_made(
        self, destination: Destination, name: str
    ) -> None:
        with destination.mailbox(ALICE.address) as alice:
            with pytest.raises(Missing):
                alice.replace_script(name, "keep;")
            assert dict(alice.scripts()) == {}

    # -- mountpoints

    @pytest.mark.parametrize("of_inbox", [False, True])
    def test_mounting_twice_is_mounting_once(
        self, destination: Destination, reopen: Reopen, of_inbox: bool
    ) -> None:
        target = INBOX if of_inbox else self.owned
        give(destination, target)
        with destination.mailbox(ALICE.address) as alice:
            own = paths(alice)
            alice.mount(("From Bob",), BOB.address, target)
        with reopen().mailbox(ALICE.address) as alice:
            alice.mount(("From Bob",), BOB.address.upper(), target)
            mounted = [entry.path for entry in alice.folders() if entry.mounted]
            assert paths(alice) == own
        assert mounted == ([("From Bob",)] if destination.namespace().mounts_in_place else [])

    def test_nothing_is_mounted_that_is_not_there(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as alice:
            before = list(alice.folders())
            for owner, target in (("nobody@example.test", INBOX), (BOB.address, ("Nowhere",))):
                with pytest.raises(Missing):
                    alice.mount(("M",), owner, target)
            assert list(alice.folders()) == before

    def test_what_is_granted_to_others_only_is_not_mounted_and_that_can_be_asked_before(
        self, destination: Destination
    ) -> None:
        with destination.mailbox(BOB.address) as bob:
            bob.create_folder(self.owned, folder())
            bob.grant(self.owned, [AccessGrant("user:carol@example.test", "lr")])
        with destination.mailbox(ALICE.address) as alice:
            with pytest.raises(Refused, match="not granted"):
                alice.check_mount(BOB.address, self.owned)
            with pytest.raises(Refused, match="not granted"):
                alice.mount(("M",), BOB.address, self.owned)
            with pytest.raises(Missing):
                alice.check_mount(BOB.address, ("Nowhere",))
        give(destination, self.owned)
        with destination.mailbox(ALICE.address) as alice:
            alice.check_mount(BOB.address, self.owned)

    def test_a_mountpoint_gives_no_access_to_the_owners_items(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        give(destination, self.owned)
        with destination.mailbox(BOB.address) as bob:
            bob.deliver([delivery("r1-1", self.owned)])
        with destination.mailbox(ALICE.address) as alice:
            alice.mount(("M",), BOB.address, self.owned)
            assert list(alice.item_names(("M",))) == []
            assert list(alice.contents()) == []
            assert alice.remove_folder(("M",))
        assert len(self.contents(reopen, BOB.address)) == 1

    # -- messages that move

    def test_messages_are_named_in_order(self, destination: Destination, reopen: Reopen) -> None:
        fill(destination, 12)
        with destination.mailbox(ALICE.address) as alice:
            alice.create_folder(("Empty",), folder())
            names = list(alice.item_names(STRAY))
            assert list(alice.item_names(("Empty",))) == list(alice.item_names(("None",))) == []
        with reopen().mailbox(ALICE.address) as alice:
            assert list(alice.item_names(STRAY)) == names == sorted(set(names))
        assert len(names) == 12

    @pytest.mark.parametrize("of_inbox", [False, True])
    def test_a_message_moves_with_all_that_it_has(
        self, destination: Destination, reopen: Reopen, of_inbox: bool
    ) -> None:
        """Also where the owner's folder writes the same keywords in another way."""
        flags = Flag.SEEN | Flag.FLAGGED | Flag.FORWARDED
        target = INBOX if of_inbox else self.owned
        give(destination, target)
        with destination.mailbox(BOB.address) as bob:
            bob.deliver([delivery("his", target, mail("his"), keywords=("zeta", "Blue"))])
        with destination.mailbox(ALICE.address) as alice:
            alice.deliver(
                [
                    delivery("a", STRAY, mail("A"), flags=flags, keywords=("green", "blue")),
                    delivery("b", STRAY, mail("B"), date=DATE - 86_400_000),
                ]
            )
            names = alice.item_names(STRAY)
            assert list(alice.relocate(STRAY, BOB.address, target, names)) == [True, True]
            assert list(alice.item_names(STRAY)) == []
        assert self.contents(reopen) == {}
        lying = self.contents(reopen, BOB.address).values()
        assert {item.path for item in lying} == {target}
        found = {item.digest: item for item in lying}
        his, a, b = (found.pop(digest(content)) for content in (mail("his"), mail("A"), mail("B")))
        assert found == {}
        assert (a.flags, b.flags) == (flags, Flag(0))
        assert {word.lower() for word in a.keywords} == {"green", "blue"}
        assert b.keywords == ()
        assert (a.date, b.date) == (DATE, DATE - 86_400_000)
        assert his.keywords == ("Blue", "zeta")

    def test_a_move_that_was_cut_off_is_finished(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        give(destination, self.owned)
        fill(destination, 6)
        with destination.mailbox(ALICE.address) as alice:
            names = list(alice.item_names(STRAY))
            alice.relocate(STRAY, BOB.address, self.owned, names[:4])
        for _ in range(2):
            with reopen().mailbox(ALICE.address) as alice:
                assert list(alice.relocate(STRAY, BOB.address, self.owned, names)) == [True] * 6
        assert len(self.contents(reopen, BOB.address)) == 6
        assert self.contents(reopen) == {}

    def test_only_what_is_named_moves(self, destination: Destination, reopen: Reopen) -> None:
        give(destination, self.owned)
        fill(destination, 3)
        with destination.mailbox(ALICE.address) as alice:
            names = alice.item_names(STRAY)
            assert list(alice.relocate(STRAY, BOB.address, self.owned, [])) == []
            answers = alice.relocate(STRAY, BOB.address, self.owned, [names[1], "unheard-of"])
            assert list(answers) == [True, False]
            assert list(alice.item_names(STRAY)) == [names[0], names[2]]
        (moved,) = self.contents(reopen, BOB.address).values()
        assert moved.digest == digest(mail(1))

    def test_what_its_user_has_moved_away_is_told(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        give(destination, self.owned)
        with destination.mailbox(ALICE.address) as alice:
            answers = alice.relocate(("None",), BOB.address, self.owned, ["1500000000.r1-1"])
        assert list(answers) == [False]
        assert self.contents(reopen, BOB.address) == {}

    def test_another_message_of_the_same_name_is_not_replaced(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        give(destination, self.owned)
        with destination.mailbox(BOB.address) as bob:
            bob.deliver([delivery("r1-0", self.owned, mail("bob's own"))])
        for _ in range(2):
            fill(destination, 1)
            with reopen().mailbox(ALICE.address) as alice:
                names = alice.item_names(STRAY)
                assert list(alice.relocate(STRAY, BOB.address, self.owned, names)) == [True]
                assert list(alice.relocate(STRAY, BOB.address, self.owned, names)) == [True]
                assert list(alice.item_names(STRAY)) == []
        found = self.contents(reopen, BOB.address).values()
        expected = sorted(map(digest, (mail("bob's own"), mail(0), mail(0))))
        assert sorted(item.digest for item in found) == expected

    def test_nothing_moves_to_where_nothing_is(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        fill(destination)
        with destination.mailbox(ALICE.address) as alice:
            names = alice.item_names(STRAY)
            for owner, target in (("nobody@example.test", INBOX), (BOB.address, ("Nowhere",))):
                with pytest.raises(Missing):
                    alice.relocate(STRAY, owner, target, names)
        assert len(self.contents(reopen)) == 3

    # -- folders that go

    def test_an_empty_folder_goes_once(self, destination: Destination, reopen: Reopen) -> None:
        with destination.mailbox(ALICE.address) as alice:
            alice.create_folder((*STRAY, "Sub"), folder())
            alice.create_folder(("Teams",), folder())
            assert not alice.remove_folder(STRAY)
            assert alice.remove_folder((*STRAY, "Sub"))
            assert alice.remove_folder(STRAY)
        with reopen().mailbox(ALICE.address) as alice:
            assert STRAY not in paths(alice)
            assert ("Teams",) in paths(alice)
            assert alice.remove_folder(STRAY)

    def test_a_folder_that_holds_a_message_stays(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        fill(destination, 1)
        with destination.mailbox(ALICE.address) as alice:
            assert not alice.remove_folder(STRAY)
        assert len(self.contents(reopen)) == 1

    def test_a_system_folder_stays(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as alice:
            before = paths(alice)
            for path in (INBOX, ("inbox",), ("Trash",)):
                assert not alice.remove_folder(path)
            assert paths(alice) == before

    def test_a_folder_can_come_again(self, destination: Destination, reopen: Reopen) -> None:
        give(destination, self.owned)
        fill(destination)
        with destination.mailbox(ALICE.address) as alice:
            alice.relocate(STRAY, BOB.address, self.owned, alice.item_names(STRAY))
            assert alice.remove_folder(STRAY)
            assert alice.deliver([delivery("r1-1", STRAY)]) == [Delivered()]
        assert [item.path for item in self.contents(reopen).values()] == [STRAY]

    def test_a_mountpoint_takes_the_place_of_a_stray_folder(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        """Container-restore rule 6, its every step done twice by new objects."""
        give(destination, self.owned)
        fill(destination)
        with destination.mailbox(ALICE.address) as alice:
            names = list(alice.item_names(STRAY))
        for _ in range(2):
            with reopen().mailbox(ALICE.address) as alice:
                assert all(alice.relocate(STRAY, BOB.address, self.owned, names))
            with reopen().mailbox(ALICE.address) as alice:
                assert alice.remove_folder(STRAY)
            with reopen().mailbox(ALICE.address) as alice:
                alice.mount(STRAY, BOB.address, self.owned)
        assert len(self.contents(reopen, BOB.address)) == 3
        assert self.contents(reopen) == {}


class MountingInPlaceContract(Suite):
    """What is promised besides where the namespace mounts in place."""

    def test_nothing_of_the_users_gives_way(self, destination: Destination) -> None:
        give(destination, self.owned)
        give(destination, ("Other",))
        with destination.mailbox(ALICE.address) as alice:
            alice.create_folder(("Mine",), folder())
            alice.create_folder(("Things",), folder(ItemType.CONTACT))
            for path in (("Mine",), ("Things",), INBOX, ("Sent",)):
                with pytest.raises(Refused):
                    alice.mount(path, BOB.address, self.owned)
            alice.mount(("A", "M"), BOB.address, self.owned)
            with pytest.raises(Refused):
                alice.mount(("A", "M"), BOB.address, ("Other",))
            assert ("A",) in paths(alice)

    def test_only_what_is_granted_by_name_is_mounted(self, destination: Destination) -> None:
        with destination.mailbox(BOB.address) as bob:
            bob.create_folder(self.owned, folder())
            bob.grant(
                self.owned, [AccessGrant("anyone", "lr"), AccessGrant("group:@example.test", "l")]
            )
        with destination.mailbox(ALICE.address) as alice:
            with pytest.raises(Refused, match="not granted"):
                alice.mount(("M",), BOB.address, self.owned)
            assert ("M",) not in {entry.path for entry in alice.folders()}

    def test_nothing_is_written_through_a_mountpoint(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        give(destination, self.owned)
        with destination.mailbox(ALICE.address) as alice:
            alice.mount(("M",), BOB.address, self.owned)
            with pytest.raises(Refused):
                alice.create_folder(("M",), folder())
            with pytest.raises((Refused, Missing)):
                alice.grant(("M",), FULL_ACCESS)
            answers = alice.deliver([delivery("r1-1", ("M",)), delivery("r1-2", ("M", "Below"))])
            assert isinstance(answers[0].error, Refused)
            assert answers[1] == Delivered()
        assert self.contents(reopen, BOB.address) == {}
        assert set(self.contents(reopen)) == {"r1-2"}
