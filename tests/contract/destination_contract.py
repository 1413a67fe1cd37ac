"""What every destination promises. A new one is tested by some twenty lines::

    class TestMine(DestinationContract, MovingContract, ReadingContract):
        @pytest.fixture
        def reopen(self, tmp_path: Path) -> Iterator[Reopen]:
            yield lambda: MineDestination(tmp_path)

`reopen` makes a new object over the same state, as a new process would after a crash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reinstate_journal.errors import Interrupted
from reinstate_service.destination.contract import (
    AccessGrant,
    AddressTaken,
    Delivered,
    Delivery,
    Destination,
    Missing,
    Refused,
    StoredItem,
)
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Flag,
    Folder,
    Item,
    ItemType,
    OutOfOffice,
    Path,
    Role,
    Signature,
)

Reopen = Callable[[], Destination]

DOMAIN = Domain(id="d1", name="example.test")
ALICE = Account(id="a1", address="alice@example.test")
BOB = Account(id="a2", address="bob@example.test")
TEAM = DistributionList(id="l1", address="team@example.test")
DATE = 1_500_000_000_000

UNUSUAL_PATHS: tuple[Path, ...] = (
    ("v1.2",),
    ("back\\slash",),
    ("\\2e",),
    ("~tilde", "~below"),
    ("Entwürfe & Pläne",),
    ("会議", "議事録"),
    ("\U0001f4ec",),
    ("a*b%c",),
    (" leading",),
    ('quo"te',),
    ("cur",),
    ("tmp", "new"),
    ("&AOk-",),
    ("%41",),
    ("a,b:c;d",),
    ("dovecot.index",),
    ("[x]", "NIL", "(y"),
    ("007",),
    ("INBOX", "below"),
    ("Inboxes",),
)
IMPOSSIBLE_PATHS: tuple[Path, ...] = (
    (),
    ("",),
    ("..",),
    (".", "x"),
    ("a/b",),
    ("a\0b",),
    ("a\nb",),
    ("x", ""),
    ("\ud800",),
)


class DamagedContent(Refused):
    """Stands for what a source raises for one bad item."""


def digest(content: bytes) -> str:
    """A content's digest as the model writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode().replace("/", ",")


def folder(view: ItemType = ItemType.MESSAGE, **fields: Any) -> Folder:
    """A backup folder."""
    return Folder(id="f1", parent="", name="name", view=view, **fields)


def delivery(
    name: str,
    path: Path = ("INBOX",),
    /,
    content: bytes = b"Subject: x\r\n\r\nbody\r\n",
    *,
    keywords: tuple[str, ...] = (),
    pieces: Callable[[], Iterator[bytes]] | None = None,
    elsewhere: tuple[Path, ...] = (),
    **fields: Any,
) -> Delivery:
    """A delivery of `content` named `name`."""
    item = {
        "id": name,
        "type": ItemType.MESSAGE,
        "folder": "f1",
        "date": DATE,
        "size": len(content),
        "digest": digest(content),
        **fields,
    }
    return Delivery(
        name=name,
        path=path,
        item=Item(**item),
        keywords=keywords,
        content=pieces or (lambda: iter([content])),
        elsewhere=elsewhere,
    )


def damaged() -> Iterator[bytes]:
    """Content that turns out to be bad in the middle."""
    yield b"the first half"
    raise DamagedContent(detail="the second half is missing")


def holds(namespace: Namespace, path: Path) -> bool:
    """Whether the destination says that its names can be so."""
    impossible = {*namespace.separator, *namespace.forbidden}
    return not any(impossible & {*segment} for segment in path)


def shared_path(destination: Destination, local: str) -> Path:
    """Where another user's folders are shown."""
    prefix = destination.namespace().shared_prefix
    return tuple(part.format(domain=DOMAIN.name, local=local) for part in prefix)


class Suite:
    """What the suites need. Every test that changes something looks at it through a new object.

    `owned` is a folder of bob's, whose name is as unusual as the destination can hold."""

    owned: Path = ("Projects", "Team.x")

    @pytest.fixture
    def destination(self, reopen: Reopen) -> Iterator[Destination]:
        """A destination with a domain and two accounts."""
        opened = reopen()
        opened.put_domain(DOMAIN)
        opened.put_account(ALICE)
        opened.put_account(BOB)
        yield opened
        opened.close()

    @staticmethod
    def items(reopen: Reopen, address: str = ALICE.address) -> list[StoredItem]:
        """Everything in the account, as a new object sees it."""
        opened = reopen()
        with opened.mailbox(address) as mailbox:
            found = list(mailbox.contents())
        opened.close()
        assert len({(item.path, item.name) for item in found}) == len(found), "something is twice"
        return found

    def contents(self, reopen: Reopen, address: str = ALICE.address) -> dict[str, StoredItem]:
        """The same by name, where no two folders use one."""
        found = self.items(reopen, address)
        by_name = {item.name: item for item in found}
        assert len(by_name) == len(found)
        return by_name


class ProvisioningContract(Suite):
    """A destination that makes domains, lists and accounts, and keeps an id."""

    def test_its_identity_and_epoch_are_kept(self, reopen: Reopen) -> None:
        first = reopen()
        identity = first.identity()
        assert identity
        assert first.epoch() == 0
        first.store_epoch(7)
        first.close()
        second = reopen()
        assert (second.identity(), second.epoch()) == (identity, 7)
        second.close()

    def test_what_is_not_there_is_made(self, reopen: Reopen) -> None:
        opened = reopen()
        assert not opened.has_domain(DOMAIN.name)
        assert opened.put_domain(DOMAIN)
        assert not opened.has_account(ALICE.address)
        assert opened.put_account(ALICE)
        opened.close()

    def test_objects_are_made_once(self, destination: Destination, reopen: Reopen) -> None:
        assert destination.put_list(TEAM)
        cos = ClassOfService(id="c1", name="gold", quota=5)
        assert destination.has_list(TEAM.address)
        assert not destination.has_list("nobody@example.test")
        assert not destination.has_class_of_service(cos.name)
        assert destination.put_class_of_service(cos)
        assert destination.has_class_of_service(cos.name)
        for opened in (destination, reopen()):
            assert not opened.put_domain(DOMAIN)
            assert not opened.put_account(ALICE)
            assert not opened.put_list(TEAM)
            assert not opened.put_class_of_service(cos)
            assert opened.has_domain("example.test")
            assert opened.has_account("alice@example.test")
        assert not destination.has_domain("other.test")
        assert not destination.has_account("carol@example.test")

    def test_nothing_is_made_in_a_domain_that_is_missing(self, destination: Destination) -> None:
        with pytest.raises(Missing):
            destination.put_account(Account(id="x", address="x@other.test"))
        with pytest.raises(Missing):
            destination.put_list(DistributionList(id="x", address="x@other.test"))
        with pytest.raises(Missing):
            destination.configure_domain(Domain(id="x", name="other.test"))

    def test_nothing_is_set_on_what_is_missing(self, destination: Destination) -> None:
        nobody = Account(id="x", address="nobody@example.test")
        with pytest.raises(Missing):
            destination.configure_account(nobody, "", True)
        with pytest.raises(Missing):
            destination.configure_list(TEAM, True)
        with pytest.raises(Missing):
            destination.quota(nobody.address)
        with pytest.raises(Missing):
            destination.set_quota(nobody.address, 1)
        with pytest.raises(Missing):
            destination.put_data_source(nobody.address, DataSource(id="s", name="s", type="imap"))
        with pytest.raises(Missing), destination.mailbox(nobody.address):
            pass

    def test_an_address_belongs_to_one_thing(self, destination: Destination) -> None:
        destination.put_list(TEAM)
        with pytest.raises(AddressTaken):
            destination.put_account(Account(id="x", address=TEAM.address))
        with pytest.raises(AddressTaken):
            destination.put_list(DistributionList(id="x", address=ALICE.address))

    def test_a_taken_alias_is_told_and_all_else_is_set(self, destination: Destination) -> None:
        wanted = Account(id="a1", address=ALICE.address, aliases=(BOB.address, "free@example.test"))
        for _ in range(2):
            with pytest.raises(AddressTaken):
                destination.configure_account(wanted, "", True)
            with pytest.raises(AddressTaken):
                destination.put_account(Account(id="x", address="free@example.test"))

    def test_aliases_can_be_left_out(self, destination: Destination) -> None:
        wanted = Account(id="a1", address=ALICE.address, aliases=("free@example.test",))
        destination.configure_account(wanted, "", False)
        assert destination.put_account(Account(id="a3", address="free@example.test"))

    def test_domain_aliases_are_names_of_their_own(self, destination: Destination) -> None:
        destination.put_domain(Domain(id="d2", name="second.test"))
        for _ in range(2):
            destination.configure_domain(
                Domain(id="d1", name="example.test", aliases=("alias.test",))
            )
        with pytest.raises(AddressTaken):
            destination.put_domain(Domain(id="d3", name="alias.test"))
        with pytest.raises(AddressTaken):
            destination.configure_domain(
                Domain(id="d2", name="second.test", aliases=("alias.test",))
            )

    def test_everything_of_an_account_can_be_set_twice(self, destination: Destination) -> None:
        whole = Account(
            id="a1",
            address=ALICE.address,
            password="{SSHA}x",
            display_name="Älice",
            quota=1000,
            aliases=("al@example.test",),
            forwarding=("f@elsewhere.test", "g@elsewhere.test"),
            out_of_office=OutOfOffice(enabled=True, text="away", start=DATE),
            signatures=(Signature(id="s1", name="work", text="--"),),
            attributes={"zimbraPrefLocale": ("de",)},
        )
        answers = [list(destination.configure_account(whole, "", True)) for _ in range(2)]
        assert answers[0] == answers[1]

    def test_a_quota_is_lifted_and_put_back(self, destination: Destination, reopen: Reopen) -> None:
        assert destination.quota(ALICE.address) == 0
        for quota in (5_000_000_000, 5_000_000_000, 0):
            destination.set_quota(ALICE.address, quota)
            assert reopen().quota(ALICE.address) == quota

    def test_a_data_source_is_new_once_and_changed_when_it_changes(
        self, destination: Destination
    ) -> None:
        source = DataSource(id="s1", name="old", type="pop3", host="h", password="p")
        changed = DataSource(id="s1", name="old", type="pop3", host="h", password="q")
        answers = [
            destination.put_data_source(ALICE.address, one)
            for one in (source, source, changed, changed)
        ]
        assert answers == [True, False, True, False]

    @pytest.mark.parametrize(
        "address",
        [
            "../x@example.test",
            "a/b@example.test",
            "x@../y",
            "x@",
            "@example.test",
            "x",
            "",
            "..@example.test",
            "a\0b@example.test",
            "x@example.test/..",
            "x@.hidden",
            "a b@example.test",
        ],
    )
    def test_a_hostile_address_is_refused(self, destination: Destination, address: str) -> None:
        with pytest.raises(Refused):
            destination.put_account(Account(id="x", address=address))
        with pytest.raises(Refused):
            destination.put_list(DistributionList(id="x", address=address))

    @pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".a", "a\0b", "a\nb", "a..b"])
    def test_a_hostile_domain_is_refused(self, destination: Destination, name: str) -> None:
        with pytest.raises(Refused):
            destination.put_domain(Domain(id="x", name=name))

    def test_provisioning_may_come_from_many_threads(self, destination: Destination) -> None:
        accounts = [Account(id=str(n), address=f"u{n % 12}@example.test") for n in range(36)]

        def provision(account: Account) -> bool:
            made = destination.put_account(account)
            destination.configure_account(account, "", True)
            destination.set_quota(account.address, 10)
            with destination.mailbox(account.address) as mailbox:
                mailbox.grant(("INBOX",), [AccessGrant(f"user:{BOB.address}", "lr")])
            return made

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(provision, accounts)) == 12
        assert all(destination.quota(f"u{n}@example.test") == 10 for n in range(12))


class MailboxContract(Suite):
    """What phase 2 relies on, in every mailbox."""

    def test_its_url_names_its_kind(self, destination: Destination) -> None:
        assert ":" in destination.url

    def test_addresses_do_not_tell_upper_from_lower_case(self, destination: Destination) -> None:
        assert not destination.put_account(Account(id="a9", address="ALICE@Example.TEST"))
        assert destination.has_account("Alice@EXAMPLE.test")
        with destination.mailbox("ALICE@example.test") as mailbox:
            assert mailbox.folders()

    def test_a_new_account_has_its_system_folders(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            found = {entry.role: entry.path for entry in mailbox.folders() if entry.role}
        assert found == dict(destination.namespace().roles)
        assert found[Role.INBOX] == ("INBOX",)

    def test_a_folder_is_made_once_with_its_parents(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        path = ("Projects", "2024", "Offers")
        with destination.mailbox(ALICE.address) as mailbox:
            assert mailbox.create_folder(path, folder())
            assert not mailbox.create_folder(path, folder())
            assert not mailbox.create_folder(path[:2], folder())
        with reopen().mailbox(ALICE.address) as mailbox:
            assert not mailbox.create_folder(path, folder())
            paths = [entry.path for entry in mailbox.folders()]
        assert {path, path[:2], path[:1]} <= set(paths)
        assert len(paths) == len(set(paths))

    @pytest.mark.parametrize("path", UNUSUAL_PATHS, ids=repr)
    def test_an_unusual_folder_name_is_kept(
        self, destination: Destination, reopen: Reopen, path: Path
    ) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            if not holds(destination.namespace(), path):
                with pytest.raises(Refused):
                    mailbox.create_folder(path, folder())
                return
            assert mailbox.create_folder(path, folder())
            mailbox.subscribe(path)
            mailbox.deliver([delivery("r1-1", path)])
        with reopen().mailbox(ALICE.address) as mailbox:
            assert path in {entry.path for entry in mailbox.folders()}
        assert [item.path for item in self.contents(reopen).values()] == [path]

    @pytest.mark.parametrize("path", IMPOSSIBLE_PATHS, ids=repr)
    def test_an_impossible_folder_name_is_refused(
        self, destination: Destination, path: Path
    ) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            before = mailbox.folders()
            for view in (ItemType.MESSAGE, ItemType.CONTACT):
                with pytest.raises(Refused):
                    mailbox.create_folder(path, folder(view))
                (answer,) = mailbox.deliver([delivery("r1-1", path, type=view)])
                assert isinstance(answer.error, Refused)
            assert mailbox.folders() == before

    def test_where_other_users_folders_are_shown_none_is_made(
        self, destination: Destination
    ) -> None:
        path = shared_path(destination, "bob")
        with destination.mailbox(ALICE.address) as mailbox:
            before = mailbox.folders()
            with pytest.raises(Refused):
                mailbox.create_folder(path, folder())
            (answer,) = mailbox.deliver([delivery("r1-1", path)])
            assert isinstance(answer.error, Refused)
            assert mailbox.folders() == before

    def test_inbox_is_inbox_in_any_case(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            assert not mailbox.create_folder(("Inbox",), folder())
            mailbox.deliver([delivery("r1-1", ("inbox",))])
            (found,) = mailbox.contents()
        assert found.path == ("INBOX",)

    def test_grants_are_merged(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.create_folder(("Team",), folder())
            for _ in range(2):
                mailbox.grant(
                    ("Team",),
                    [
                        AccessGrant(f"user:{BOB.address}", "lrs"),
                        AccessGrant("group:team@example.test", "lr"),
                        AccessGrant("group:@example.test", "l"),
                        AccessGrant("authenticated", "l"),
                        AccessGrant("anyone", "l"),
                    ],
                )
            mailbox.grant(("Team",), [AccessGrant(f"user:{BOB.address}", "lr")])
            with pytest.raises(Missing):
                mailbox.grant(("Nowhere",), [AccessGrant(f"user:{BOB.address}", "lr")])

    def test_subscriptions_may_lead_to_other_users(self, destination: Destination) -> None:
        shared = shared_path(destination, "bob")
        path = (self.owned[-1], "Sub")
        with destination.mailbox(BOB.address) as mailbox:
            mailbox.create_folder(path, folder())
            mailbox.grant(path, [AccessGrant(f"user:{ALICE.address}", "lr")])
        with destination.mailbox(ALICE.address) as mailbox:
            for _ in range(2):
                mailbox.subscribe((*shared, *path))

    @pytest.mark.parametrize("date", [0, 999])
    def test_an_items_date_may_be_unusual(
        self, destination: Destination, reopen: Reopen, date: int
    ) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.deliver([delivery("r1-1", date=date)])
        (found,) = self.contents(reopen).values()
        assert abs(found.date - date) <= 1000

    def test_one_bad_content_does_not_harm_the_batch(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        batch = [delivery("r1-1"), delivery("r1-2", pieces=damaged), delivery("r1-3")]
        with destination.mailbox(ALICE.address) as mailbox:
            answers = mailbox.deliver(batch)
            assert isinstance(answers[1].error, DamagedContent)
            assert [answers[0], answers[2]] == [Delivered(), Delivered()]
            assert mailbox.deliver([delivery("r1-2")]) == [Delivered()]
        assert len(self.contents(reopen)) == 3

    def test_keywords_that_cannot_be_kept_are_told(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            (answer,) = mailbox.deliver([delivery("r1-1", keywords=("fine", "not an atom"))])
            assert (answer.error, answer.unrepresented) == (None, ("not an atom",))
            (found,) = mailbox.contents()
        assert found.keywords == ("fine",)

    def test_an_empty_batch_is_nothing(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            assert list(mailbox.deliver([])) == []

    def test_accounts_are_filled_side_by_side(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        def fill(address: str) -> None:
            with destination.mailbox(address) as mailbox:
                for start in range(0, 60, 20):
                    mailbox.deliver(
                        [delivery(f"r1-{n}", (f"F{n % 3}",)) for n in range(start, start + 20)]
                    )

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(fill, [ALICE.address, BOB.address]))
        for address in (ALICE.address, BOB.address):
            assert len(self.items(reopen, address)) == 60

    def test_filters_are_installed_as_often_as_wanted(self, destination: Destination) -> None:
        filters = Filters(incoming="keep;\r\n", outgoing="# out", before="# b", after="# ü")
        with destination.mailbox(ALICE.address) as mailbox:
            names = [sorted(mailbox.install_filters(filters)) for _ in range(2)]
            assert names[0] == names[1]
            assert len(names[0]) == 4
            assert list(mailbox.install_filters(Filters())) == []


class NamedDeliveryContract(Suite):
    """A destination that recognises deliveries by their names, and keeps all that they have."""

    def test_an_item_reads_back_as_it_was_delivered(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        flags = Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT | Flag.DELETED
        flags |= Flag.FORWARDED | Flag.MDN_SENT
        content = b"Subject: bytes\n\nstay \xff\x00 as they are\r\n"
        wanted = delivery("r1-1.b", ("Work",), content, keywords=("zeta", "$Label1"), flags=flags)
        with destination.mailbox(ALICE.address) as mailbox:
            assert mailbox.deliver([wanted]) == [Delivered()]
        assert self.contents(reopen)["r1-1.b"] == StoredItem(
            path=("Work",),
            name="r1-1.b",
            type=ItemType.MESSAGE,
            digest=digest(content),
            size=len(content),
            date=DATE,
            flags=flags,
            keywords=("$Label1", "zeta"),
        )

    @pytest.mark.parametrize("date", [-86_400_000, 4_102_444_800_000])
    def test_an_items_date_may_be_before_1970_or_far_ahead(
        self, destination: Destination, reopen: Reopen, date: int
    ) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.deliver([delivery("r1-1", date=date)])
        assert abs(self.contents(reopen)["r1-1"].date - date) < 1000

    def test_a_delivery_is_found_by_its_name(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        batch = [delivery(f"r1-{n}", content=b"%d" % n) for n in range(10)]
        with destination.mailbox(ALICE.address) as mailbox:
            assert mailbox.deliver(batch[:5]) == [Delivered()] * 5
            assert mailbox.deliver(batch[:5]) == [Delivered(found=True)] * 5
        with reopen().mailbox(ALICE.address) as mailbox:
            answers = mailbox.deliver(batch)
        assert [answer.found for answer in answers] == [True] * 5 + [False] * 5
        assert len(self.contents(reopen)) == 10

    def test_one_name_may_lie_in_two_folders(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            answers = mailbox.deliver([delivery("r1-1", ("A",)), delivery("r1-1", ("B",))])
            assert answers == [Delivered(), Delivered()]
            assert {item.path for item in mailbox.contents()} == {("A",), ("B",)}

    @pytest.mark.parametrize("view", [ItemType.MESSAGE, ItemType.CONTACT])
    def test_a_delivery_is_found_in_another_folder_that_is_named(
        self, destination: Destination, reopen: Reopen, view: ItemType
    ) -> None:
        folders: dict[Path, Folder] = {("A",): folder(view), ("B",): folder(view)}
        with destination.mailbox(ALICE.address) as mailbox:
            for path, made in folders.items():
                mailbox.create_folder(path, made)
            mailbox.deliver([delivery("r1-1", ("A",), type=view)])
            before = mailbox.folders()
        others: tuple[Path, ...] = (("Gone",), ("shared", "x"), ("A",))
        batch = [
            delivery(name, ("B",), type=view, elsewhere=others) for name in ("r1-1", "r1-2", "r1-3")
        ]
        for opened in (destination, reopen()):
            with opened.mailbox(ALICE.address) as mailbox:
                answers = mailbox.deliver(batch[:2])
                assert answers[0] == Delivered(found=True, elsewhere=("A",))
                assert sorted(mailbox.folders(), key=str) == sorted(before, key=str)
        with reopen().mailbox(ALICE.address) as mailbox:
            answers = mailbox.deliver(batch)
            assert answers[1:] == [Delivered(found=True), Delivered()]

    def test_a_name_is_whole(self, destination: Destination, reopen: Reopen) -> None:
        names = ["r1-1", "r1-11", "r1-1.x", "1-1", "x.r1-1"]
        with destination.mailbox(ALICE.address) as mailbox:
            for name in names:
                assert mailbox.deliver([delivery(name)]) == [Delivered()]
        assert set(self.contents(reopen)) == set(names)

    def test_a_bad_name_concerns_its_item_only(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            answers = mailbox.deliver(
                [delivery(bad) for bad in ("", "a/b", "a b", "..", "a:2,S", "é")]
                + [delivery("r1-1")]
            )
        assert [answer.error is None for answer in answers] == [False] * 6 + [True]

    def test_an_interrupted_batch_can_be_done_again(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        def interrupted() -> Iterator[bytes]:
            yield b"x"
            raise Interrupted

        with destination.mailbox(ALICE.address) as mailbox:
            with pytest.raises(Interrupted):
                mailbox.deliver([delivery("r1-1"), delivery("r1-2", pieces=interrupted)])
            answers = mailbox.deliver([delivery("r1-1"), delivery("r1-2")])
        assert all(answer.error is None for answer in answers)
        assert set(self.contents(reopen)) == {"r1-1", "r1-2"}


class CollectionContract(Suite):
    """A destination that keeps contacts, appointments, tasks and documents."""

    @pytest.mark.parametrize("path", UNUSUAL_PATHS, ids=repr)
    def test_an_unusual_name_of_a_collection_is_kept(
        self, destination: Destination, reopen: Reopen, path: Path
    ) -> None:
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.create_folder(path, folder())
            things = (*path[:-1], path[-1] + " things")
            assert mailbox.create_folder(things, folder(ItemType.CONTACT))
            mailbox.deliver([delivery("r1-2", things, type=ItemType.CONTACT)])
        with reopen().mailbox(ALICE.address) as mailbox:
            assert {path, things} <= {entry.path for entry in mailbox.folders()}
        assert self.contents(reopen)["r1-2"].path == things

    def test_a_collection_is_not_removed(self, destination: Destination) -> None:
        with destination.mailbox(ALICE.address) as alice:
            alice.create_folder(("Things",), folder(ItemType.CONTACT))
            before = list(alice.folders())
            assert not alice.remove_folder(("Things",))
            assert list(alice.folders()) == before

    @pytest.mark.parametrize(
        "type_",
        [ItemType.CONTACT, ItemType.APPOINTMENT, ItemType.TASK, ItemType.DOCUMENT],
    )
    def test_what_is_no_message_is_kept_as_well(
        self, destination: Destination, reopen: Reopen, type_: ItemType
    ) -> None:
        path = ("Things", "2024.x")
        wanted = delivery(
            "r1-1",
            path,
            b"content",
            type=type_,
            name="../Überblick, final.pdf" if type_ is ItemType.DOCUMENT else "",
            flags=Flag.FLAGGED,
            keywords=("blue",),
        )
        with destination.mailbox(ALICE.address) as mailbox:
            mailbox.create_folder(path, folder(type_, colour="4"))
            assert mailbox.deliver([wanted, wanted]) == [Delivered(), Delivered(found=True)]
        with reopen().mailbox(ALICE.address) as mailbox:
            assert mailbox.deliver([wanted]) == [Delivered(found=True)]
        found = self.contents(reopen)["r1-1"]
        assert (found.type, found.path, found.date) == (type_, path, DATE)
        assert (found.digest, found.flags) == (digest(b"content"), Flag.FLAGGED)
        assert found.keywords == ("blue",)


class DestinationContract(
    ProvisioningContract, MailboxContract, NamedDeliveryContract, CollectionContract
):
    """What phases 1 and 2 rely on, where a destination does it all."""
