"""`reinstate map`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from reinstate_cli.console import plural, say, say_json, table
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, examples
from reinstate_journal import open_reader
from reinstate_journal.container_map import MappedMountpoint
from reinstate_service.operations.container_map import AccountMap, make_account_map

EPILOG = examples(
    "reinstate map ann@example.com",
    "reinstate map ann@example.com --json",
)


def map(  # noqa: A001 - the verb's name
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="An address or id.")],
    restore: Annotated[
        str | None, typer.Option("--restore", metavar="ID", help="If the journal has several.")
    ] = None,
    journal: Journal = DEFAULT_JOURNAL,
    json: Json = False,
) -> None:
    """Tell what became of every folder, mountpoint and filter of an account.

    It is read from the journal alone; the destination is not asked.
    """
    with open_reader(journal) as reader:
        found = make_account_map(reader, account, restore)
    if json:
        say_json(found)
    else:
        say("\n".join(_render(found)))


def _render(found: AccountMap) -> Iterator[str]:
    yield f"{found.address}, account {found.account}"
    yield ""
    yield table(
        ("id", "folder", "became", "why"),
        (
            (folder, _path(place.source), _path(place.path), place.reason)
            for folder, place in sorted(found.folders.items(), key=lambda one: one[1].source)
        ),
    )
    if found.mountpoints:
        yield ""
        yield table(
            ("id", "mountpoint", "became", "leads to", "why"),
            ((one, *_mountpoint(place)) for one, place in found.mountpoints.items()),
        )
    for moved in found.moved:
        yield ""
        yield (
            f"{plural(moved.items, 'message')} that filters had put into {_path(moved.source)}"
            f" moved to {_path(moved.target)} of the owner"
            + (f"; {moved.gone} had been moved away by the user" if moved.gone else "")
        )
    for name, translated in found.translated.items():
        yield ""
        yield f"Filter {name}, translated into standard Sieve"
        for kept in translated.kept:
            yield f"  line {kept.line} of the backup's: {kept.text} is not run: {kept.reason}"
    for name, script in found.filters.items():
        yield ""
        waits = script.changed and not script.active
        yield f"Filter {name}" + (" (not active yet)" if waits else "")
        for change in script.changed:
            yield f"  line {change.line}: {change.old} -> {change.new}"
        for left in script.left:
            yield f"  line {left.line}: {left.text} stays: {left.reason}"


def _mountpoint(place: MappedMountpoint) -> tuple[str, str, str, str]:
    if place.refused:
        return _path(place.source), "-", "-", f"refused: {place.refused}"
    leads = f"{_path(place.target)} of {place.owner}"
    state = "" if place.restored else ", not made yet"
    return _path(place.source), _path(place.address), leads, place.reason + state


def _path(path: tuple[str, ...]) -> str:
    return "/".join(path)
