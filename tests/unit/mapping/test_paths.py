"""Paths: built from parents, compared, and made to fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.destination.maildir.layout import NAMESPACE as MAILDIR
from reinstate_service.mapping.namespace import Namespace, modified_utf7
from reinstate_service.mapping.paths import (
    comparable,
    fit_path,
    fit_segment,
    normalise,
    source_paths,
)
from reinstate_service.model import Folder

PLAIN = Namespace()
STRICT = Namespace(
    separator=".",
    case_sensitive=False,
    forbidden="/\\",
    forbidden_first="~",
    reserved=("shared",),
    segment_bytes=40,
    path_bytes=100,
)


def stored(path: tuple[str, ...], namespace: Namespace) -> int:
    return sum(namespace.stored_bytes(segment) + 1 for segment in path)


@pytest.mark.parametrize("name", ["Inbox", "INBOX", "inbox", "iNbOx"])
def test_inbox_is_inbox_in_any_case_but_only_at_the_root(name: str) -> None:
    assert normalise((name, "x")) == ("INBOX", "x")
    assert normalise(("Work", name)) == ("Work", name)


def test_composed_and_decomposed_names_are_the_same_path() -> None:
    assert normalise(("Bu\u0308ro",)) == ("B\u00fcro",)
    assert comparable(("Bu\u0308ro",), PLAIN) == comparable(("B\u00fcro",), PLAIN)


def test_case_matters_only_where_it_matters_to_the_destination() -> None:
    assert comparable(("Work",), PLAIN) != comparable(("work",), PLAIN)
    assert comparable(("Straße",), STRICT) == comparable(("STRASSE",), STRICT)


def test_paths_follow_the_parents_and_parents_come_first() -> None:
    folders = [Folder("3", "2", "C"), Folder("2", "1", "B"), Folder("1", "", "A")]
    assert list(source_paths(folders).items()) == [
        ("1", ("A",)),
        ("2", ("A", "B")),
        ("3", ("A", "B", "C")),
    ]


def test_a_folder_whose_parent_is_not_there_stands_at_the_root_with_what_is_below_it() -> None:
    folders = [Folder("2", "gone", "B"), Folder("3", "2", "C")]
    assert source_paths(folders) == {"2": ("B",), "3": ("B", "C")}


def test_folders_that_are_their_own_ancestors_stand_at_the_root() -> None:
    folders = [Folder("1", "2", "A"), Folder("2", "1", "B"), Folder("3", "3", "C")]
    assert source_paths(folders) == {"1": ("A",), "2": ("B",), "3": ("C",)}


def test_a_name_that_fits_is_kept() -> None:
    for name in ("Work", "R&D", "v1.2", "日本語", "a b"):
        assert fit_segment(name, PLAIN) == name


@pytest.mark.parametrize(
    "name",
    ["a/b", "a\x00b", "a\nb", "a\x7fb", "\ud800", "", " ", " lead", "trail ", "x" * 300],
)
def test_a_name_that_cannot_be_held_is_changed_and_marked(name: str) -> None:
    made = fit_segment(name, PLAIN)
    assert made != name
    assert made[-7] == "~"
    assert PLAIN.stored_bytes(made) <= PLAIN.segment_bytes
    assert "/" not in made
    assert made.isprintable()
    assert fit_segment(made, PLAIN) == made


@pytest.mark.parametrize("name", ["shared", "~home", "a.b", "a/b", "a\\b"])
def test_what_a_destination_reserves_or_forbids_is_changed(name: str) -> None:
    made = fit_segment(name, STRICT)
    assert made != name
    assert made not in STRICT.reserved
    assert not made.startswith("~")
    assert not set("./\\") & set(made)


def test_names_that_become_alike_stay_apart() -> None:
    assert fit_segment("a/b", PLAIN) != fit_segment("a\x00b", PLAIN)
    assert fit_segment("x" * 300, PLAIN) != fit_segment("x" * 301, PLAIN)


def test_a_path_that_is_too_long_moves_up_to_where_it_fits() -> None:
    parent = ("a" * 39, "b" * 39)
    made = fit_path(parent, "c" * 39, STRICT)
    assert made[:2] == parent
    assert made[-1].startswith("_~")
    assert stored(made, STRICT) <= STRICT.path_bytes
    assert fit_path(parent, "c" * 39, STRICT) == made
    assert fit_path(parent, "d" * 39, STRICT) != made


names = st.text(st.characters(), max_size=300)


@given(st.lists(names, max_size=8), names, st.sampled_from([PLAIN, STRICT, MAILDIR]))
def test_law_every_name_and_path_can_be_held_by_the_destination(
    above: list[str], name: str, namespace: Namespace
) -> None:
    path: tuple[str, ...] = ()
    for segment in (*above, name):
        path = fit_path(path, segment, namespace)
        assert stored(path, namespace) <= namespace.path_bytes
        assert all(namespace.stored_bytes(one) <= namespace.segment_bytes for one in path)
        assert all(namespace.separator not in one for one in path)


@given(names, st.sampled_from([PLAIN, STRICT, MAILDIR]))
def test_law_fitting_twice_changes_nothing_more(name: str, namespace: Namespace) -> None:
    made = fit_segment(name, namespace)
    assert fit_segment(made, namespace) == made


@given(names, names)
def test_law_different_names_stay_different(one: str, other: str) -> None:
    if one != other:
        assert fit_segment(one, MAILDIR) != fit_segment(other, MAILDIR)


def test_modified_utf7_is_that_of_the_rfc() -> None:
    """The example of RFC 3501 §5.1.3."""
    assert modified_utf7("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    assert modified_utf7("R&D") == "R&-D"
