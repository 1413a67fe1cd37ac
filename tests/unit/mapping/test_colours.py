"""Colours of folders as the web writes them."""

from __future__ import annotations

import pytest

from reinstate_service.mapping.colours import web_colour


@pytest.mark.parametrize(
    ("colour", "written"),
    [
        ("", ""),
        ("blue", "#5b9bf2"),
        ("Gray", "#bebebe"),
        ("#FF8800", "#ff8800"),
        ("#f80", ""),
        ("#ff8800;x", ""),
        ("1", ""),
        ("no colour", ""),
    ],
)
def test_a_backups_colour_is_written_as_the_web_does_or_is_none(colour: str, written: str) -> None:
    assert web_colour(colour) == written
