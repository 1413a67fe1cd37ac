"""Tags as keywords: always an atom, always the way back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reinstate_service.mapping.keywords import keyword_of, tag_of

#: atom-specials of RFC 3501 §9.
SPECIALS = set('(){ %*"\\]')


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("")
@example("=")
@example("=41")
@example("$Forwarded")
@example("\\Seen")
@example("a]b")
def test_law_the_tag_comes_back_from_its_keyword_and_the_keyword_is_an_atom(tag: str) -> None:
    keyword = keyword_of(tag)
    assert tag_of(keyword) == tag
    assert keyword
    assert all("!" <= character <= "~" for character in keyword)
    assert not SPECIALS & set(keyword)


@given(st.text(), st.text())
def test_law_different_tags_have_different_keywords(one: str, other: str) -> None:
    if one.encode("utf-8", "replace") != other.encode("utf-8", "replace"):
        assert keyword_of(one) != keyword_of(other)


@pytest.mark.parametrize(
    ("tag", "keyword"),
    [
        ("todo", "todo"),
        ("R&D/2026", "R&D/2026"),
        ("zu prüfen", "zu=20pr=C3=BCfen"),
        ("$Label1", "=24Label1"),
        ("\\Seen", "=5CSeen"),
        ("50%", "50=25"),
        ("", "="),
    ],
)
def test_plain_names_stay_and_the_rest_is_encoded_byte_by_byte(tag: str, keyword: str) -> None:
    assert keyword_of(tag) == keyword


def test_a_tag_never_becomes_a_system_flag_or_a_registered_keyword() -> None:
    assert not keyword_of("\\Deleted").startswith("\\")
    assert not keyword_of("$Junk").startswith("$")
