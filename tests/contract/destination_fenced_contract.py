"""What is promised by a destination that names messages itself: fences, and what stands above."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contract.destination_contract import ALICE, DATE, Reopen, Suite, delivery, digest, folder
from reinstate_service.destination.contract import Delivered, Destination, Refused
from reinstate_service.destination.fence import Answered, Fence, FencedMailbox
from reinstate_service.model import Flag, ItemType, Path

WORK: Path = ("Work",)
CONTENT = b"Message-ID: <1@x>\r\nSubject: x\r\n\r\nbody\r\n"


@contextmanager
def fenced(destination: Destination) -> Iterator[FencedMailbox]:
    """Alice's mailbox."""
    with destination.mailbox(ALICE.address) as mailbox:
        assert isinstance(mailbox, FencedMailbox)
        yield mailbox


def above(mailbox: FencedMailbox, fence: Fence) -> list[bytes]:
    """The messages above a fence."""
    arrivals = mailbox.arrivals(fence)
    return [b"".join(mailbox.message(arrivals.path, one.uid)) for one in arrivals.messages]


def placed(mailbox: FencedMailbox, answered: Answered, path: Path) -> list[bytes]:
    """The messages of a batch, where it is told that they stand."""
    where = answered.placed[path]
    arrivals = mailbox.arrivals(Fence(path, where.uidvalidity, 1))
    uids = [one.uid for one in arrivals.messages if one.uid in where.uids]
    assert len(uids) == len(where.uids)
    return [b"".join(mailbox.message(path, uid)) for uid in uids]


class FencedContract(Suite):
    """What exactly-once relies on where nothing is recognised by name."""

    def test_an_item_reads_back_as_it_was_delivered(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        flags = Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT | Flag.DELETED
        flags |= Flag.FORWARDED | Flag.MDN_SENT
        with fenced(destination) as mailbox:
            wanted = delivery("1", WORK, CONTENT, keywords=("zeta", "$Label1"), flags=flags)
            assert mailbox.deliver([wanted]) == [Delivered()]
        (found,) = self.contents(reopen).values()
        assert (found.path, found.digest, found.size) == (WORK, digest(CONTENT), len(CONTENT))
        assert (found.flags, found.keywords, found.date) == (flags, ("$Label1", "zeta"), DATE)

    def test_what_is_delivered_stands_above_the_fence_and_nothing_else(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with fenced(destination) as mailbox:
            mailbox.deliver([delivery("1", WORK, CONTENT)])
            fence = mailbox.fence(WORK)
            assert mailbox.arrivals(fence).messages == ()
            mailbox.deliver([delivery("2", WORK, CONTENT + b"2"), delivery("3", ("Other",))])
            mailbox.deliver([delivery("4", WORK, CONTENT + b"4")])
        with fenced(reopen()) as mailbox:
            assert above(mailbox, fence) == [CONTENT + b"2", CONTENT + b"4"]
            assert mailbox.arrivals(fence).holds
            after = mailbox.fence(WORK)
            assert (after.uidvalidity, after.uidnext > fence.uidnext) == (fence.uidvalidity, True)

    def test_a_batch_may_be_sent_while_another_is_under_way(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with fenced(destination) as mailbox:
            fence = mailbox.fence(WORK)
            assert mailbox.fence(("Other",)).path == ("Other",)
            mailbox.send([delivery("1", WORK, CONTENT), delivery("2", ("Other",), CONTENT)])
            assert mailbox.fence(WORK).uidnext >= fence.uidnext
            mailbox.send([delivery("3", WORK, CONTENT + b"3")])
            assert mailbox.fence(("New",)).path == ("New",)
            mailbox.send([delivery("4", ("New",), CONTENT + b"4")])
            first, *rest = (mailbox.answers() for _ in range(3))
            assert [list(one.delivered) for one in (first, *rest)] == [
                [Delivered()] * 2,
                [Delivered()],
                [Delivered()],
            ]
            assert mailbox.deliver([delivery("5", WORK, CONTENT + b"5")]) == [Delivered()]
        with fenced(reopen()) as mailbox:
            contents = [CONTENT, CONTENT + b"3", CONTENT + b"5"]
            assert sorted(above(mailbox, fence)) == contents
            assert placed(mailbox, first, WORK) == [CONTENT]
            assert placed(mailbox, rest[0], WORK) == [CONTENT + b"3"]

    def test_it_is_told_where_messages_stand_that_were_refused_at_first(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        missing = ("Missing", "yet")
        with fenced(destination) as mailbox:
            fence = mailbox.fence(WORK)
            mailbox.send([delivery("1", WORK, CONTENT)])
            mailbox.send([delivery("2", missing, CONTENT + b"2")])
            mailbox.send([delivery("3", WORK, CONTENT + b"3")])
            answers = [mailbox.answers() for _ in range(3)]
        assert [list(one.delivered) for one in answers] == [[Delivered()]] * 3
        with fenced(reopen()) as mailbox:
            assert sorted(above(mailbox, fence)) == [CONTENT, CONTENT + b"3"]
            assert placed(mailbox, answers[1], missing) == [CONTENT + b"2"]
            assert len(self.contents(reopen)) == 3

    def test_messages_of_one_content_are_stored_in_their_order(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with fenced(destination) as mailbox:
            mailbox.fence(WORK)
            for number in range(6):
                content = CONTENT if number % 2 else CONTENT + b"%d" % number
                mailbox.send([delivery(str(number), WORK, content, date=DATE + number * 1000)])
            for _ in range(6):
                mailbox.answers()
        same = [item for item in self.items(reopen) if item.digest == digest(CONTENT)]
        assert [item.date - DATE for item in same] == [1000, 3000, 5000]

    def test_a_fence_stands_above_whatever_was_told_of(self, destination: Destination) -> None:
        """Also where the batches were stored in another order than they were sent in."""
        with fenced(destination) as mailbox:
            mailbox.fence(WORK)
            for number in range(4):
                mailbox.send([delivery(str(number), WORK, CONTENT + b"%d" % number)])
            answers = [mailbox.answers() for _ in range(4)]
            assert mailbox.fence(WORK).uidnext >= max(one.placed[WORK].uids.end for one in answers)

    def test_doing_it_again_does_it_again(self, destination: Destination, reopen: Reopen) -> None:
        with fenced(destination) as mailbox:
            for _ in range(2):
                assert mailbox.deliver([delivery("1", WORK, CONTENT)]) == [Delivered()]
        assert len(self.contents(reopen)) == 2

    def test_a_fence_makes_the_folder_that_is_missing(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with fenced(destination) as mailbox:
            assert mailbox.fence(("A", "B")).path == ("A", "B")
        with fenced(reopen()) as mailbox:
            assert ("A", "B") in {one.path for one in mailbox.folders()}

    def test_above_the_fence_of_a_folder_that_is_gone_is_nothing(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with fenced(destination) as mailbox:
            fence = mailbox.fence(WORK)
            assert mailbox.remove_folder(WORK)
        with fenced(reopen()) as mailbox:
            assert mailbox.arrivals(fence).messages == ()

    def test_a_folder_that_was_made_anew_does_not_hold_the_fence(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        with fenced(destination) as mailbox:
            fence = mailbox.fence(WORK)
            assert mailbox.remove_folder(WORK)
            mailbox.create_folder(WORK, folder())
            mailbox.deliver([delivery("1", WORK, CONTENT)])
        with fenced(reopen()) as mailbox:
            assert not mailbox.arrivals(fence).holds
            assert above(mailbox, fence) == [CONTENT]

    def test_a_message_that_is_gone_reads_as_nothing(self, destination: Destination) -> None:
        with fenced(destination) as mailbox:
            assert list(mailbox.message(("INBOX",), 4711)) == []

    @pytest.mark.parametrize("size", [0, 1, 4096, 4097, 1_500_000, 5_000_000])
    def test_a_message_may_be_of_any_size(
        self, destination: Destination, reopen: Reopen, size: int
    ) -> None:
        content = CONTENT + (b"0123456789abcdef" * 4 + b"\r\n") * (size // 66) + b"x" * (size % 66)
        with fenced(destination) as mailbox:
            fence = mailbox.fence(WORK)
            assert mailbox.deliver([delivery("1", WORK, content)]) == [Delivered()]
            assert above(mailbox, fence) == [content]
        (found,) = self.contents(reopen).values()
        assert found.digest == digest(content)

    def test_a_batch_may_be_large_and_go_to_many_folders(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        batch = [
            delivery(str(n), ("F", str(n % 7)), CONTENT + b"%d\r\n" % (n // 2)) for n in range(150)
        ]
        with fenced(destination) as mailbox:
            assert mailbox.deliver(batch) == [Delivered()] * 150
        found = sorted(item.digest for item in self.items(reopen))
        assert found == sorted(one.item.digest for one in batch)

    def test_what_is_no_mail_is_refused_alone(
        self, destination: Destination, reopen: Reopen
    ) -> None:
        batch = [delivery("1"), delivery("2", type=ItemType.CONTACT), delivery("3")]
        with fenced(destination) as mailbox:
            answers = mailbox.deliver(batch)
        assert [isinstance(one.error, Refused) for one in answers] == [False, True, False]
        assert len(self.contents(reopen)) == 2
