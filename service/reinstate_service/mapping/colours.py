"""Colours of folders, for those who write them as the web does."""

from __future__ import annotations

import re

#: As Zimbra and Carbonio show them.
_NAMED = {
    "blue": "#5b9bf2",
    "cyan": "#43eded",
    "green": "#6acb9e",
    "purple": "#ba86e5",
    "red": "#f66666",
    "yellow": "#f8fa33",
    "pink": "#fe98d3",
    "gray": "#bebebe",
    "orange": "#fdbc55",
}
_WEB = re.compile(r"#[0-9a-fA-F]{6}")


def web_colour(colour: str) -> str:
    """`#rrggbb` for a backup's colour, which is that or a name; empty if it is neither."""
    return colour.lower() if _WEB.fullmatch(colour) else _NAMED.get(colour.lower(), "")
