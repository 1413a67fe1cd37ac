"""Which intended items stand above a fence is decided by content, as a multiset."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.destination.fence import Arrival
from reinstate_service.restore.recognition import Recognised, fingerprint, recognise
from reinstate_service.testing import law

MESSAGE = b"Message-ID: <1@x>\r\nSubject: s\r\n\r\nbody\r\n"


def look(intended: dict[str, bytes], arrived: list[bytes]) -> Recognised:
    prints = {key: fingerprint([content]) for key, content in intended.items()}
    arrivals = [Arrival(uid, fingerprint([one]).size) for uid, one in enumerate(arrived)]
    return recognise(prints, arrivals, lambda uid: [arrived[uid]])


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    return (content[first:last] for first, last in pairwise(places))


@law()
@given(content=st.text("a\r\n: ").map(str.encode), cuts=st.lists(st.integers(0, 200)))
def test_a_fingerprint_does_not_depend_on_how_the_message_came(
    content: bytes, cuts: list[int]
) -> None:
    assert fingerprint(pieces(content, cuts)) == fingerprint([content])


@law()
@given(
    wanted=st.lists(st.sampled_from([b"a", b"b", b"c\n\nd", b"c\r\n\r\nd"])),
    others=st.lists(st.sampled_from([b"a", b"x"])),
    stored=st.integers(0, 10),
)
def test_as_many_are_found_as_are_there(
    wanted: list[bytes], others: list[bytes], stored: int
) -> None:
    """The first `stored` of the batch, and whatever else has arrived: never one too many."""
    intended = {str(number): content for number, content in enumerate(wanted)}
    found = look(intended, [*wanted[:stored], *others])
    told = sorted(fingerprint([intended[key]]).digest for key in found.there)
    lying = [fingerprint([one]).digest for one in [*wanted[:stored], *others]]
    for content in intended.values():
        digest = fingerprint([content]).digest
        same = sum(fingerprint([one]).digest == digest for one in wanted)
        assert told.count(digest) == min(same, lying.count(digest))
    assert not any(match.probable for match in found.there.values())


def test_line_ends_are_the_servers_own() -> None:
    assert look({"1": MESSAGE.replace(b"\r\n", b"\n")}, [MESSAGE]).there["1"].probable is False


def test_a_message_to_which_the_server_has_added_a_header_is_probably_it() -> None:
    changed = b"X-Scanned: yes\r\n" + MESSAGE
    assert look({"1": MESSAGE}, [changed]).there["1"].probable is True


def test_a_message_with_bytes_that_the_server_cannot_store_is_probably_it() -> None:
    assert look({"1": MESSAGE + b"\0"}, [MESSAGE + b"\x80"]).there["1"].probable is True


def test_a_message_id_alone_proves_nothing_and_leaves_a_doubt() -> None:
    other = MESSAGE.replace(b"body", b"another body")
    found = look({"1": MESSAGE}, [other])
    assert found.there == {}
    assert set(found.doubtful) == {"1"}


def test_of_two_that_look_alike_the_exact_one_is_taken() -> None:
    changed = b"X-Scanned: yes\r\n" + MESSAGE
    found = look({"1": MESSAGE, "2": MESSAGE}, [changed, MESSAGE])
    assert sorted(match.probable for match in found.there.values()) == [False, True]
    assert found.doubtful == {}


def test_what_is_of_another_size_is_not_even_read() -> None:
    def read(uid: int) -> list[bytes]:
        raise AssertionError(uid)

    found = recognise({"1": fingerprint([MESSAGE])}, [Arrival(1, 10_000_000)], read)
    assert found == Recognised({}, {})
