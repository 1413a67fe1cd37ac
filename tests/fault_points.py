"""Where the named points stand in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
_SOURCES = ("journal/reinstate_journal", "service/reinstate_service", "cli/reinstate_cli")


class Use(NamedTuple):
    """A mention of a point: the module as a path from the root, and the point's attribute; the
    mention's own source if it is no plain call of `reach`."""

    module: str
    point: str


def uses() -> Iterator[Use]:
    """Every mention of a point, and everything that would switch them on."""
    for source in _SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            if path.name != "crashpoints.py":
                yield from _uses(path)


def _uses(path: Path) -> Iterator[Use]:
    module = str(path.relative_to(ROOT))
    reached: set[ast.expr] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name("reach"), args=[ast.Attribute(ast.Name("At")) as point]):
                reached.add(point)
                yield Use(module, point.attr)
            case ast.Attribute(ast.Name("At")) if node not in reached:
                yield Use(module, ast.unparse(node))
            case ast.ImportFrom("reinstate_journal.crashpoints", names):
                for alias in names:
                    if alias.name not in {"At", "reach"} or alias.asname:
                        yield Use(module, ast.unparse(node))
