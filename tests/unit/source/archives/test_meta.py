"""The `.meta` entries of archives: numbers as the products write them."""

from __future__ import annotations

import json

import pytest

from reinstate_service.model import Flag, Grant, GranteeType
from reinstate_service.source.archives import acl, bencode
from reinstate_service.source.archives.meta import read_meta
from reinstate_service.source.contract import RecordMalformed


def entry(**keys: object) -> bytes:
    return json.dumps({"id": 259, "type": 5, "Ver": 10, **keys}).encode()


def test_a_length_counts_utf_16_units() -> None:
    assert bencode.encode({"s": "a😀"}) == "d1:s3:a😀e"
    assert bencode.decode("d1:a2:😀1:b1:xe") == {"a": "😀", "b": "x"}


def test_a_text_cut_within_an_emoji_does_not_move_what_follows() -> None:
    assert bencode.decode("d1:f2:a?1:s3:😀be") == {"f": "a?", "s": "😀b"}


def test_keys_are_written_in_the_order_of_utf_16_units() -> None:
    written = bencode.encode({"\uffff": 1, "😀": 2})
    assert written.index("😀") < written.index("\uffff")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "no value begins here"),
        ("d1:a", "no value begins here"),
        ("d1:ai1e", "no value begins here"),
        ("i12", "a number is none"),
        ("9:short", "9 characters are announced, 5 follow"),
        ("i1ei2e", "something follows the value"),
        ("di1ei1ee", "no value begins here"),
        ("l" * 100_000, "values lie more than 64 deep"),
        ("9999999999:x", "9999999999 characters are announced"),
    ],
)
def test_metadata_that_is_none_says_where(text: str, detail: str) -> None:
    with pytest.raises(RecordMalformed, match=detail):
        bencode.decode(text)


def test_an_entry_of_a_later_version_is_refused() -> None:
    with pytest.raises(RecordMalformed, match="version 11"):
        read_meta(entry(Ver=11))


def test_metadata_of_an_entry_is_a_dictionary() -> None:
    assert read_meta(entry(metadata="d1:vi10ee")).decoded() == {"v": 10}
    with pytest.raises(RecordMalformed, match="no dictionary"):
        read_meta(entry(metadata="i1e")).decoded()


def test_flags_are_read_from_their_characters_first() -> None:
    assert read_meta(entry(FlagStr="fu", flags=0)).item_flags == Flag.FLAGGED
    assert read_meta(entry(FlagStr="", flags=0x20, unread=1)).item_flags == Flag.SEEN


def test_flags_without_characters_are_read_from_their_bits() -> None:
    meta = read_meta(entry(flags=0x4 | 0x20, unread=1))
    assert meta.item_flags == Flag.ANSWERED | Flag.FLAGGED


@pytest.mark.parametrize(
    ("keys", "tags", "ids"),
    [
        ({"TagNames": "a\\:b:c\\\\d", "TagStr": "64,65"}, ("a:b", "c\\d"), False),
        ({"TagNames": "", "TagStr": "64,65"}, ("64", "65"), True),
        ({"TagStr": ":Blue:Red"}, ("Blue", "Red"), False),
        ({"TagNames": "2024"}, ("2024",), False),
        ({}, (), False),
    ],
)
def test_tags_of_every_release_are_read(
    keys: dict[str, str], tags: tuple[str, ...], *, ids: bool
) -> None:
    meta = read_meta(entry(**keys))
    assert (meta.tags, meta.has_tag_ids) == (tags, ids)


def test_grants_are_read_from_both_shapes_and_run_out() -> None:
    one: bencode.Value = {"g": "id-1", "t": 1, "r": 0x1F}
    late: bencode.Value = {"g": "id-2", "t": 2, "r": 1, "e": 500}
    expected = (Grant("id-1", GranteeType.USER, "rwidx"), Grant("id-2", GranteeType.LIST, "r"))
    assert acl.grants_of({"aclm": {"g": [one, late]}}, 499) == expected
    assert acl.grants_of({"acl": [one, late]}, 499) == expected
    assert acl.grants_of({"acl": [one, late]}, 500) == expected[:1]


def test_the_public_has_no_id_and_a_guest_no_password() -> None:
    public: bencode.Value = {"g": "99999999-9999-9999-9999-999999999999", "t": 6, "r": 1}
    guest: bencode.Value = {"g": "bob@example.net", "t": 7, "r": 1, "a": "secret"}
    found = acl.grants_of({"aclm": {"g": [public, guest]}}, 0)
    assert found == (
        Grant("", GranteeType.PUBLIC, "r"),
        Grant("bob@example.net", GranteeType.GUEST, "r"),
    )
    assert "secret" not in repr(found)
