"""Tables of TOML files against the Structs that they are to become: every mistake at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

import msgspec


def mistakes(shape: type[msgspec.Struct], table: Mapping[str, Any], where: str = "") -> list[str]:
    """Everything that keeps the table from being of that shape, each with its key, in the order
    of the keys' names. `where` is the name of the table; tables within it are looked into."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    prefix = f"{where}." if where else ""
    found = []
    for key in table.keys() - fields.keys():
        near = difflib.get_close_matches(key, fields, 1)
        found.append(f"{prefix}{key}: no such key" + (f"; {near[0]}?" if near else ""))
    for key, field in fields.items():
        if key not in table:
            if field.required:
                found.append(f"{prefix}{key}: missing")
            continue
        nested = _struct_in(field.type)
        if nested is not None and isinstance(table[key], dict):
            found += mistakes(nested, table[key], f"{prefix}{key}")
            continue
        try:
            msgspec.convert(table[key], field.type)
        except msgspec.ValidationError as error:
            found.append(f"{prefix}{key}: {error}")
    return sorted(found)


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The Struct that the type is, or may be beside None."""
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None
