"""Colours of folders, for those who write them as the web does."""

from __future__ import annotations

import re

#: Zimbra's and Carbonio's, by the number that stands for each; 0 is none.
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
_BY_NUMBER = ("", *_NAMED.values())
#: Set in a number that is itself red, green and blue.
_IS_RGB = 0x01000000
_WEB = re.compile(r"#[0-9a-fA-F]{6}")


def web_colour(colour: str) -> str:
    """`#rrggbb` for what a backup calls a colour: that, a name, the number of one, or Zimbra's
    number for any; empty if it is none."""
    if _WEB.fullmatch(colour):
        return colour.lower()
    if re.fullmatch(r"[0-9]{1,10}", colour):
        number = int(colour)
        if number & _IS_RGB:
            return f"#{number & 0xFFFFFF:06x}"
        return _BY_NUMBER[number] if number < len(_BY_NUMBER) else ""
    return _NAMED.get(colour.lower().replace("grey", "gray"), "")
