"""What goes over the wire, byte for byte: names, LIST, and APPEND with and without LITERAL+."""

from __future__ import annotations

import io
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.fence import Placed
from reinstate_service.destination.imap.answers import (
    fetched,
    listed,
    numbers_told,
    rights_told,
)
from reinstate_service.destination.imap.append import Appender, Message
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.names import MailboxNames, decoded, quoted
from reinstate_service.destination.uids import joined
from reinstate_service.mapping.namespace import modified_utf7
from reinstate_service.model import Flag, Path
from reinstate_service.testing import law

SEGMENTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1
).filter(lambda text: text not in {".", ".."})
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map(tuple)


@law()
@given(name=st.text(st.characters(exclude_categories=("Cs",))))
def test_whatever_a_name_holds_it_is_one_argument(name: str) -> None:
    told = quoted(name)
    assert told.isascii()
    assert not set(told) & set(b"\r\n\0")
    inner = told[1:-1].replace(b"\\\\", b"").replace(b'\\"', b"")
    assert b'"' not in inner
    assert decoded(modified_utf7(name).encode()) == name
    assert listed([b'(\\HasNoChildren) "/" ' + told])[0].name == name


@law()
@given(path=PATHS, prefix=st.sampled_from(["", "INBOX/", "Mail/"]))
def test_a_path_comes_back_from_its_name(path: Path, prefix: str) -> None:
    names = MailboxNames("/", prefix, ("shared/",))
    try:
        name = names.name(path)
    except Refused:
        assert path[0] == "shared"
        assert not prefix
        return
    wanted = ("INBOX", *path[1:]) if path[0].casefold() == "inbox" else path
    assert names.path(name) == wanted


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'(\\HasNoChildren) "/" [x', "[x"),
        (b'(\\Noselect) NIL "a b"', "a b"),
        (b'() "." INBOX', "INBOX"),
        ((b'(\\Sent) "/" {3}', b'a"b'), 'a"b'),
        (b'(\\HasChildren \\Sent) "\\\\" Entw&APw-rfe', "Entwürfe"),
    ],
)
def test_a_mailbox_is_read_in_whatever_form_it_is_written(
    line: bytes | tuple[bytes, bytes], name: str
) -> None:
    (found,) = listed([line, b""])
    assert found.name == name


def test_no_mailbox_at_all_is_listed_as_such() -> None:
    assert listed([None]) == []


def test_a_message_is_read_whatever_its_keywords_hold_and_whatever_is_told_besides() -> None:
    told = [
        b'1 (FLAGS (\\Seen a[b [ $x) UID 7 INTERNALDATE " 1-Feb-2020 03:04:05 +0100")',
        b"2 (MODSEQ (12) UID 8 RFC822.SIZE 12)",
        (b"3 (FLAGS () UID 9 BODY[]<0> {4}", b")(\r\n"),
        b" RFC822.SIZE 4)",
        b"1 (FLAGS (\\Seen late))",
        b'4 (UID 10 BODY[]<0> "")',
    ]
    found = fetched(told)
    assert found[7]["flags"] == (b"\\Seen", b"a[b", b"[", b"$x")
    assert found[7]["date"].isoformat() == "2020-02-01T03:04:05+01:00"
    assert found[8] == {"size": 12}
    assert found[9] == {"flags": (), "body": b")(\r\n", "size": 4}
    assert found[10] == {"body": b""}
    assert fetched([None]) == {}


def test_several_mailboxes_are_listed_in_their_order() -> None:
    told = [b'(\\Noselect) "/" ""', (b'() "/" {1}', b"("), b"", b"(\\SENT) NIL 007"]
    found = listed(told)
    assert [one.name for one in found] == ["", "(", "007"]
    assert [one.separator for one in found] == ["/", "/", ""]
    assert found[2].flags == {b"\\sent"}


@pytest.mark.parametrize("name", [b"[x", b"007", b'"a (b"', b"{3}"])
def test_how_a_mailbox_stands_is_read_whatever_it_is_called(name: bytes) -> None:
    answer = b" (UIDNEXT 5 uidvalidity 7)"
    told = [(name, b"x) "), answer] if name.startswith(b"{") else [name + answer]
    assert numbers_told(told) == {"UIDNEXT": 5, "UIDVALIDITY": 7}


@pytest.mark.parametrize("told", [[None], [b"x"], [b"x (UIDNEXT)"], [b"x (UIDNEXT five)"]])
def test_what_is_no_status_is_an_error(told: list[bytes | None]) -> None:
    with pytest.raises((ValueError, LookupError)):
        numbers_told(told)


def test_rights_are_read_with_whom_they_are_for() -> None:
    told = [b'"[x y" alice lrs "group:@a b" l']
    assert rights_told(told) == [("alice", "lrs"), ("group:@a b", "l")]


class Server:
    """Takes what an Appender sends, and says what it is to say, line by line."""

    def __init__(self, capabilities: set[str], lines: list[bytes]) -> None:
        self._capabilities = capabilities
        self._lines = lines
        self.heard = b""
        #: What had been heard when each line was read.
        self.before: list[bytes] = []

    def has_capability(self, name: str) -> bool:
        return name in self._capabilities

    def send(self, data: bytes) -> None:
        self.heard += data

    def line(self) -> bytes:
        self.before.append(self.heard)
        return self._lines.pop(0)


def message(content: bytes, *keywords: str) -> Message:
    return Message(io.BytesIO(content), len(content), Flag.SEEN, keywords, 86_400_000)


def test_with_literal_plus_nothing_is_waited_for() -> None:
    server = Server({"LITERAL+"}, [b"* 2 EXISTS", b"R1 OK [APPENDUID 7 3:4] done"])
    appender = Appender(cast("Client", server))
    tag = appender.send('a"b', [message(b"one", "blue"), message(b"three")])
    assert server.before == []
    assert server.heard == (
        b'R1 APPEND "a\\"b" (\\Seen blue) " 2-Jan-1970 00:00:00 +0000" {3+}\r\none'
        b' (\\Seen) " 2-Jan-1970 00:00:00 +0000" {5+}\r\nthree\r\n'
    )
    answer = appender.answer(tag)
    assert answer.done
    assert answer.placed == Placed(7, joined([(3, 4)]))


def test_without_it_each_literal_waits_until_it_is_asked_for() -> None:
    server = Server(set(), [b"+ go on", b"* OK still here", b"+ go on", b"R1 OK done"])
    appender = Appender(cast("Client", server))
    assert appender.answer(appender.send("x", [message(b"one"), message(b"two")])).placed is None
    assert server.before[0].endswith(b"{3}\r\n")
    assert server.before[1].endswith(b'{3}\r\none (\\Seen) " 2-Jan-1970 00:00:00 +0000" {3}\r\n')
    assert server.heard.endswith(b"two\r\n")


def test_with_literal_minus_only_large_ones_wait() -> None:
    server = Server({"LITERAL-"}, [b"+ go on", b"R1 OK done"])
    appender = Appender(cast("Client", server))
    small, large = b"x" * 4096, b"y" * 4097
    assert appender.answer(appender.send("x", [message(small), message(large)])).done
    assert b"{4096+}" in server.heard
    assert server.before[0].endswith(b"{4097}\r\n")


def test_a_literal_that_is_refused_ends_the_command() -> None:
    server = Server(set(), [b"R1 NO [TRYCREATE] no such mailbox", b"+ go on", b"R2 OK done"])
    appender = Appender(cast("Client", server))
    assert not appender.answer(appender.send("x", [message(b"one"), message(b"two")])).done
    assert appender.answer(appender.send("x", [message(b"one")])).done
    assert b"two" not in server.heard


@pytest.mark.parametrize("line", [b"", b"hello", b"R1 MAYBE", b"* BYE enough", b"A1 OK done"])
def test_what_is_no_answer_is_an_end(line: bytes) -> None:
    appender = Appender(cast("Client", Server({"LITERAL+"}, [line])))
    tag = appender.send("x", [message(b"one")])
    with pytest.raises(OSError, match=r"IMAP|enough"):
        appender.answer(tag)
