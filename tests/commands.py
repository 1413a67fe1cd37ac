"""The command line with every verb loaded, for those who look at all of them."""

from __future__ import annotations

from typing import Any

from typer.main import get_command

from reinstate_cli.main import app


def whole_command() -> Any:
    """The root; its `commands` are all verbs by their names, and theirs the verbs below."""
    root: Any = get_command(app)
    for name in root.list_commands(None):
        root.get_command(None, name)
    return root
