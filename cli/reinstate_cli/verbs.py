"""The verbs: each lies in the module of its name, and is loaded when it is used.

Loading them all takes longer than any of them needs to begin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

#: What `reinstate --help` says of each: the first sentence of its own help.
VERBS: Mapping[str, str] = {
    "demo": "Make a small backup and restore it.",
    "plan": "Show what a restore would do, and touch nothing.",
    "restore": "Restore a backup onto a destination.",
    "resume": "Go on with an interrupted restore.",
    "retry": "Try what failed again, and go on.",
    "approve": "Accept what failed, by name.",
    "doExternalRestore": "Restore a backup as Carbonio's documented command does.",
    "abort": "Put lifted quotas back and end a restore.",
    "status": "Tell where each restore stands.",
    "watch": "Watch a restore while it runs.",
    "report": "Tell what was restored and what was not.",
    "verify": "Compare the destination with what was restored.",
    "explain": "Tell what became of something, and why.",
    "map": "Tell what became of every folder, mountpoint and filter of an account.",
    "serve": "Work through the jobs of a folder, for as long as it runs.",
    "complete": "Make the last pass of a job that follows its backup.",
    "spool": "Look at the jobs of a service, pause them, let them go on.",
    "doctor": "Examine machine, journal and destination.",
    "backup": "Look into a backup, check it, or build one.",
    "journal": "Look at the journal, check it, copy it.",
    "destination": "What a destination needs around it.",
}


class Verbs(TyperGroup):
    """The group of all verbs."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Their names, in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The verb of this name, loaded; None if there is none."""
        if cmd_name in VERBS and cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The list in the help, for which nothing is loaded."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _loaded(name: str) -> Any:
    """The command of a verb; a module with an `app` of its own has several below it."""
    named = re.sub("(?=[A-Z])", "_", name).lower()
    module = import_module(f"reinstate_cli.{named}")
    group = getattr(module, "app", None)
    if group is not None:
        return get_group(group)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, epilog=module.EPILOG)(getattr(module, named))
    return get_command(alone)
