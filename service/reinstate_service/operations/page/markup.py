"""HTML that cannot say what it was not meant to: text is escaped unless it was made here."""

from __future__ import annotations

import html
import re

#: Controls, and what turns the direction of text around (UAX 9): names come from a backup.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_VOID = frozenset({"meta", "link", "br", "hr", "input"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Any value as text."""
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", str(value))))


def element(name: str, /, *content: object, **attributes: object) -> Markup:
    """An element. A trailing underscore of an attribute's name is dropped and others become
    hyphens (`class_`, `aria_label`); an attribute that is None is left out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{joined(*content)}</{name}>")


def joined(*content: object) -> Markup:
    """Parts one after the other; what is not markup is text."""
    return Markup("".join(one if isinstance(one, Markup) else text(one) for one in content))


def table(headings: tuple[str, ...], rows: list[tuple[object, ...]]) -> Markup:
    """A table whose numbers stand to the right."""
    body = [
        element(
            "tr",
            *(
                element("td", _shown(cell), class_="number" if isinstance(cell, int) else None)
                for cell in row
            ),
        )
        for row in rows
    ]
    numeric = [isinstance(cell, int) for cell in rows[0]] if rows else [False] * len(headings)
    head = element(
        "tr",
        *(
            element("th", heading, scope="col", class_="number" if right else None)
            for heading, right in zip(headings, numeric, strict=True)
        ),
    )
    return element("table", element("thead", head), element("tbody", *body))


def _shown(cell: object) -> object:
    return f"{cell:,}" if isinstance(cell, int) else cell
