"""A restore of 500 messages onto a live server that is struck at its commands ends with every
message there once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.bench.comparing import Difference

from crash.boundaries import ADDRESS, Ours, Strike, commands_of, five_hundred, strikes, struck
from system.cyrus import needs_cyrus
from system.dovecot import needs_dovecot
from system.live import LiveServer, live_server
from system.live_cyrus import live_cyrus

CLEAN = Difference(lost=0, doubled=0, altered=0)


def _dovecot(folder: Path) -> AbstractContextManager[LiveServer]:
    return live_server([ADDRESS], folder)


def _cyrus(_folder: Path) -> AbstractContextManager[LiveServer]:
    return live_cyrus([ADDRESS])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_dovecot, id="Dovecot", marks=needs_dovecot),
        pytest.param(_cyrus, id="Cyrus", marks=[needs_cyrus, pytest.mark.long]),
    ],
)
def ours(request: pytest.FixtureRequest, memory_folder: Path) -> Iterator[Ours]:
    folder = Path(tempfile.mkdtemp(dir=memory_folder))
    with request.param(memory_folder) as live:
        yield Ours(live, five_hundred(), folder)


def test_struck_at_appends_every_message_is_there_once(ours: Ours) -> None:
    """Each kind of strike once, at an APPEND of its own."""
    appends = [place for place, name in enumerate(commands_of(ours)) if name == b"APPEND"]
    kinds = list(strikes([0]))
    spread = appends[:: len(appends) // len(kinds)]
    for place, kind in zip(spread, kinds, strict=False):
        _must_be_whole(ours, kind._replace(place=place))


@pytest.mark.long
def test_struck_at_any_command_every_message_is_there_once(ours: Ours) -> None:
    for strike in strikes(range(len(commands_of(ours)))):
        _must_be_whole(ours, strike)


def _must_be_whole(ours: Ours, strike: Strike) -> None:
    found = struck(ours, strike)
    assert found in {CLEAN, None}, f"{strike}: {found}"
