"""What becomes of 500 messages when reinstate or mbsync is struck at each of its commands.

A strike kills the tool or cuts its connection: before a command, in the middle of it, behind it,
or behind the server's answer (tests/crash/boundaries.py). reinstate is struck at every command;
mbsync, which says more, at as many, evenly spaced.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Table

from crash.boundaries import ADDRESS, Mbsync, Ours, Tool, commands_of, five_hundred, strikes, struck
from system.live import LiveServer, live_server
from system.live_cyrus import live_cyrus

_MEMORY = Path("/dev/shm")
_TOOLS: dict[str, type[Tool]] = {one.name: one for one in (Ours, Mbsync)}
_SERVERS = ("Dovecot", "Cyrus")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tools", nargs="+", choices=_TOOLS, default=list(_TOOLS))
    parser.add_argument("--servers", nargs="+", choices=_SERVERS, default=list(_SERVERS))
    parser.add_argument("--places", type=int, default=42, help="how many commands at most")


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """One row for each tool on each server. Raises SystemExit where ours is not clean."""
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # for the processes that restore
    rows = [
        _row(server, _TOOLS[tool], asked.places) for server in asked.servers for tool in asked.tools
    ]
    yield Table(
        "500 messages, struck at a command and started again",
        ("server", "tool", "commands", "runs", "lost", "doubled", "runs with any"),
        rows,
    )
    if any(row[1] == Ours.name and (row[4] or row[5]) for row in rows):
        sys.exit("reinstate lost or doubled messages")


def _row(server: str, kind: type[Tool], most: int) -> tuple[str | int, ...]:
    with _server(server) as live, _folder() as folder:
        tool = kind(live, five_hundred(), folder)
        commands = len(commands_of(tool))
        count = min(most, commands)
        places = [number * commands // count for number in range(count)]
        found = [one for strike in strikes(places) if (one := struck(tool, strike)) is not None]
    lost, doubled = (sum(column) for column in list(zip(*found, strict=True))[:2])
    bad = sum(bool(one.lost or one.doubled) for one in found)
    return server, kind.name, commands, len(found), lost, doubled, bad


def _server(name: str) -> contextlib.AbstractContextManager[LiveServer]:
    """In memory: what a kill or a cut leaves is the same there."""
    return live_server([ADDRESS], _MEMORY) if name == "Dovecot" else live_cyrus([ADDRESS])


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="reinstate-strikes-", dir=_MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
