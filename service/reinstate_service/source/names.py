"""File names of a backup, which may be any bytes, as text that JSON and a terminal can hold."""

from __future__ import annotations


def shown(name: str) -> str:
    """The name as Python has it, with bytes that are no UTF-8 written as `\\\\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
