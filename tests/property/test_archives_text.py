"""Laws of the texts in an archive's `.meta` entries."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.model import Grant, GranteeType
from reinstate_service.source import numbers
from reinstate_service.source.archives import acl, bencode
from reinstate_service.source.archives.meta import Meta, join_tags, read_meta, split_tags
from reinstate_service.source.contract import RecordMalformed

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.integers(-(10**18), 10**18) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
grants = st.builds(
    lambda grantee, kind, letters, name: Grant(
        "" if kind in {GranteeType.ALL, GranteeType.PUBLIC} else grantee,
        kind,
        "".join(letter for letter in "rwidxacpf" if letter in letters),
        name,
    ),
    text,
    st.sampled_from(list(GranteeType)),
    st.sets(st.sampled_from("rwidxacpf")),
    text,
)


@given(values)
def test_metadata_reads_back_what_was_written(value: bencode.Value) -> None:
    assert bencode.decode(bencode.encode(value)) == value


@given(values)
def test_metadata_is_written_as_it_was_read(value: bencode.Value) -> None:
    written = bencode.encode(value)
    assert bencode.encode(bencode.decode(written)) == written


@given(values)
def test_metadata_that_was_taken_for_latin_1_is_mended(value: bencode.Value) -> None:
    garbled = bencode.encode(value).encode().decode("iso-8859-1")
    assert bencode.decode(garbled) == value


@given(text | values.map(bencode.encode).flatmap(lambda one: st.sampled_from([one[1:], one[:-1]])))
def test_any_text_is_metadata_or_a_clear_error(anything: str) -> None:
    with contextlib.suppress(RecordMalformed):
        bencode.decode(anything)


@given(st.lists(text.filter(bool), max_size=5).map(tuple))
def test_tag_names_come_through_the_tag_string(names: tuple[str, ...]) -> None:
    assert split_tags(join_tags(names)) == names
    assert join_tags(split_tags(join_tags(names))) == join_tags(names)


@given(text)
def test_any_text_is_a_tag_string(anything: str) -> None:
    assert split_tags(join_tags(split_tags(anything))) == split_tags(anything)


@given(st.sets(st.sampled_from("rfdxwnu")))
def test_flags_come_through_their_characters(characters: set[str]) -> None:
    written = numbers.characters_of(numbers.flags_of("".join(characters)))
    assert set(written) == characters
    assert numbers.characters_of(numbers.flags_of(written)) == written


@given(st.integers(-1, 0xFFFFFFF), st.integers(0, 1))
def test_flags_as_bits_say_what_the_characters_say(bits: int, unread: int) -> None:
    by_bits = Meta(1, 5, flags=bits, unread=unread)
    by_characters = Meta(1, 5, flag_characters=by_bits.characters)
    assert by_bits.item_flags == by_characters.item_flags


@given(st.lists(grants, max_size=4).map(tuple))
def test_grants_come_through_metadata(given_: tuple[Grant, ...]) -> None:
    written = acl.metadata_of(given_)
    assert acl.grants_of(written, 0) == given_
    assert acl.metadata_of(acl.grants_of(written, 0)) == written


@given(st.sampled_from(["acl", "aclm"]), values)
def test_any_metadata_holds_grants_or_none(key: str, value: bencode.Value) -> None:
    for grant in acl.grants_of({key: value}, 0):
        assert set(grant.rights) <= set("rwidxacpf")


@given(st.binary(max_size=60) | st.dictionaries(text, values).map(lambda d: json.dumps(d).encode()))
def test_any_bytes_are_a_meta_entry_or_a_clear_error(anything: bytes) -> None:
    with contextlib.suppress(RecordMalformed):
        read_meta(anything)
