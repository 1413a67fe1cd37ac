"""Grants as rights of RFC 4314."""

from __future__ import annotations

import pytest

from reinstate_service.mapping.rights import imap_rights, translate
from reinstate_service.model import Grant, GranteeType

ADDRESSES = {"u1": "ann@example.com", "l1": "team@example.com", "d1": "example.com"}


@pytest.mark.parametrize(
    ("backup", "imap"),
    [
        ("r", "lrs"),
        ("w", "w"),
        ("i", "ip"),
        ("d", "te"),
        ("c", "k"),
        ("a", "a"),
        ("rwidxa", "lrswiptea"),
        ("rwidcxa", "lrswipktea"),
        ("x", ""),
        ("pf", ""),
        ("", ""),
        ("?", ""),
        ("awr", "lrswa"),
    ],
)
def test_letters_are_translated_into_the_order_of_the_rfc(backup: str, imap: str) -> None:
    assert imap_rights(backup) == imap


@pytest.mark.parametrize(
    ("grant", "grantee"),
    [
        (Grant("u1", GranteeType.USER, "r"), "user:ann@example.com"),
        (Grant("l1", GranteeType.LIST, "r"), "group:team@example.com"),
        (Grant("d1", GranteeType.DOMAIN, "r"), "group:@example.com"),
        (Grant("", GranteeType.ALL, "r"), "authenticated"),
        (Grant("", GranteeType.PUBLIC, "r"), "anyone"),
    ],
)
def test_a_grantee_is_named_as_the_destination_knows_it(grant: Grant, grantee: str) -> None:
    assert translate([grant], ADDRESSES).granted == ((grantee, "lrs"),)


@pytest.mark.parametrize("kind", [GranteeType.GUEST, GranteeType.KEY, GranteeType.COS])
def test_a_grantee_without_a_counterpart_is_refused_with_the_reason(kind: GranteeType) -> None:
    made = translate([Grant("x", kind, "r", "somebody")], ADDRESSES)
    assert made.granted == ()
    assert made.refused == (("somebody", f"a grant to a {kind} has no counterpart over IMAP"),)


def test_a_grantee_that_the_backup_does_not_have_is_refused() -> None:
    made = translate([Grant("u9", GranteeType.USER, "r")], ADDRESSES)
    assert made.refused == (("u9", "the backup has no user with id u9"),)


def test_rights_without_a_counterpart_are_refused_and_not_granted_empty() -> None:
    made = translate([Grant("u1", GranteeType.USER, "x")], ADDRESSES)
    assert made.granted == ()
    assert "no counterpart" in made.refused[0][1]


def test_several_grants_for_one_grantee_add_up() -> None:
    grants = [Grant("u1", GranteeType.USER, "d"), Grant("u1", GranteeType.USER, "r")]
    assert translate(grants, ADDRESSES).granted == (("user:ann@example.com", "lrste"),)


def test_the_order_of_the_grants_changes_nothing_that_is_granted() -> None:
    grants = [Grant("u1", GranteeType.USER, "rw"), Grant("l1", GranteeType.LIST, "r")]
    assert translate(grants, ADDRESSES) == translate(grants[::-1], ADDRESSES)
