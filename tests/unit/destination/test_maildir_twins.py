"""Equal messages that share a file, where they may."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.destination_contract import DATE, damaged, delivery
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_journal.errors import UsageError
from reinstate_service.destination.contract import Delivered, Delivery
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account, Domain, Flag, ItemType

ALICE, BOB = "alice@example.test", "bob@example.test"
SAME = b"Subject: to everybody\r\n\r\n" + b"the same\r\n" * 50


class Tree:
    """A destination with two accounts."""

    def __init__(self, root: Path, dedupe: str) -> None:
        self.root = root
        self.destination = open_destination(f"maildir:{root}", dedupe=dedupe)
        assert isinstance(self.destination, MaildirDestination)
        self.destination.put_domain(Domain(id="d", name="example.test"))
        for number, address in enumerate((ALICE, BOB)):
            self.destination.put_account(Account(id=str(number), address=address))

    def deliver(self, address: str, *deliveries: Delivery) -> list[Delivered]:
        """As one batch."""
        with self.destination.mailbox(address) as mailbox:
            return list(mailbox.deliver(deliveries))

    def file(self, name: str) -> Path:
        """The file of a delivery."""
        (found,) = self.root.glob(f"**/cur/*.{name},*")
        return found

    def inodes(self, *names: str) -> set[int]:
        """Of these deliveries' files."""
        return {self.file(name).stat().st_ino for name in names}

    def must_hold(self, **contents: bytes) -> None:
        """Every delivery has its content and, but for that, what another one has."""
        for name, content in contents.items():
            assert self.file(name).read_bytes() == content
        assert not [path for path in self.root.glob("**/tmp/*") if path.is_file()]


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Tree]:
    """Equal messages are names of one file."""
    tree = Tree(tmp_path / "mail", "link")
    yield tree
    tree.destination.close()


def test_equal_messages_of_one_date_are_names_of_one_file(linked: Tree) -> None:
    first = linked.deliver(
        ALICE,
        delivery("a1", content=SAME),
        delivery("a2", ("Work",), content=SAME, flags=Flag.SEEN),
        *(delivery(f"a{number}", content=SAME) for number in range(3, 40)),
        delivery("other", content=b"other"),
    )
    second = linked.deliver(BOB, delivery("b1", content=SAME), delivery("b2", content=b"other"))
    assert [one.taken for one in first] == [None] + [0] * 38 + [None]
    assert [one.taken for one in second] == [0, 0]
    assert len(linked.inodes("a1", "a2", "a39", "b1")) == 1
    assert linked.file("a1").stat().st_nlink == 40
    assert linked.file("a2").name.endswith(":2,S")
    linked.must_hold(a1=SAME, a2=SAME, b1=SAME, b2=b"other")


def test_a_link_has_the_date_of_its_message_or_is_none(linked: Tree) -> None:
    linked.deliver(ALICE, delivery("a1", content=SAME), delivery("a2", content=SAME, date=DATE + 1))
    linked.deliver(BOB, delivery("b1", content=SAME, date=DATE + 1000))
    assert len(linked.inodes("a1", "a2", "b1")) == 3
    assert linked.file("b1").stat().st_mtime_ns == (DATE + 1000) * 1_000_000
    linked.must_hold(a1=SAME, a2=SAME, b1=SAME)


def test_what_is_no_mail_shares_nothing(linked: Tree) -> None:
    card = b"BEGIN:VCARD\r\nEND:VCARD\r\n"
    linked.deliver(
        ALICE,
        *(delivery(f"c{one}", ("C",), content=card, type=ItemType.CONTACT) for one in range(3)),
    )
    files = list(linked.root.glob("**/c?.vcf"))
    assert [file.stat().st_nlink for file in files] == [1, 1, 1]


def _changed(file: Path) -> None:
    moment = file.stat().st_mtime_ns
    file.write_bytes(SAME.replace(b"the same", b"tampered"))
    os.utime(file, ns=(moment, moment))


def _longer(file: Path) -> None:
    moment = file.stat().st_mtime_ns
    file.write_bytes(SAME + b"more\r\n")
    os.utime(file, ns=(moment, moment))


def _planted(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/hostname")


HARMS: list[Callable[[Path], object]] = [
    _changed,
    _longer,
    _planted,
    Path.unlink,
    lambda file: file.rename(f"{file}S"),
    lambda file: file.chmod(0o666),
    lambda file: os.utime(file, (1, 1)),
    lambda file: (file.unlink(), file.mkdir()),
]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("dedupe", ["link", "reflink"])
def test_a_file_that_is_not_what_it_was_is_not_shared(
    tmp_path: Path, dedupe: str, harm: Callable[[Path], object]
) -> None:
    tree = Tree(tmp_path / "mail", dedupe)
    tree.deliver(ALICE, delivery("a1", content=SAME))
    harm(tree.file("a1"))
    (answer,) = tree.deliver(BOB, delivery("b1", content=SAME))
    assert answer.error is None
    assert tree.file("b1").stat().st_nlink == 1
    tree.must_hold(b1=SAME)
    tree.destination.close()


def test_a_file_with_as_many_names_as_there_may_be_gets_no_more(
    linked: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked.deliver(ALICE, delivery("a1", content=SAME))

    def full(*_names: object, **_directories: object) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    with monkeypatch.context() as patched:
        patched.setattr("os.link", full)
        linked.deliver(BOB, delivery("b1", content=SAME))
    linked.deliver(BOB, delivery("b2", content=SAME))
    assert linked.inodes("b1") == linked.inodes("b2") != linked.inodes("a1")


def test_what_another_account_has_not_flushed_yet_is_not_shared(linked: Tree) -> None:
    """Whether its bytes are on the disk is told to that account's flush, and maybe not to ours."""

    def deliver_in_between(here: Point) -> None:
        if here is At.BATCH_WRITTEN:
            watch(lambda _: None)
            linked.deliver(BOB, delivery("b1", content=SAME))

    watch(deliver_in_between)
    try:
        linked.deliver(ALICE, delivery("a1", content=SAME), delivery("a2", content=SAME))
    finally:
        watch(lambda _: None)
    assert linked.inodes("a1") == linked.inodes("a2") != linked.inodes("b1")
    linked.must_hold(a1=SAME, a2=SAME, b1=SAME)


def test_a_bad_item_is_told_and_its_twins_are_tried(linked: Tree) -> None:
    answers = linked.deliver(
        ALICE,
        delivery("a1", content=SAME, pieces=damaged),
        delivery("a2", content=SAME),
        delivery("a3", content=SAME, pieces=damaged),
        delivery("a4", content=SAME),
    )
    assert [one.error is None for one in answers] == [False, True, False, True]
    assert len(linked.inodes("a2", "a4")) == 1
    linked.must_hold(a2=SAME, a4=SAME)


def test_a_batch_is_found_whole_when_it_is_delivered_again(linked: Tree) -> None:
    batch = [delivery(f"a{number}", content=SAME) for number in range(5)]
    linked.deliver(ALICE, *batch)
    again = Tree(linked.root, "link")
    assert all(one.found for one in again.deliver(ALICE, *batch))
    again.destination.close()
    assert linked.file("a1").stat().st_nlink == 5


def test_reflinks_that_the_file_system_does_not_make_are_copies(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "mail", "reflink")
    tree.deliver(ALICE, delivery("a1", content=SAME), delivery("a2", content=SAME, date=DATE + 5))
    assert len(tree.inodes("a1", "a2")) == 2
    assert tree.file("a2").stat().st_mtime_ns == (DATE + 5) * 1_000_000
    tree.must_hold(a1=SAME, a2=SAME)
    tree.destination.close()


def test_only_a_maildir_shares(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="maildir"):
        open_destination("memory:", dedupe="link")
    with pytest.raises(UsageError, match="link or reflink"):
        open_destination(f"maildir:{tmp_path}/mail", dedupe="symlink")
