"""Seeded histories of lost requests and replies, deaths, mail and a clock that jumps."""

from __future__ import annotations

import os
import time

import pytest

from crash.matrix import Row, ran
from crash.simulation import Simulation

LONG = "REINSTATE_LONG" in os.environ
#: Seeds of `make test`, in parts; the long run goes on with further ones for so many seconds.
SEEDS, PARTS, SECONDS = 200, 4, 150

SIMULATED = Row(
    "1 the process dies",
    "a seeded history: requests and replies of the destination are lost, the process dies, mail"
    " arrives, the clock jumps, up to 40 times in one restore",
    "any of what the rows above and below leave",
    "everything is there once and in its place, the chain is whole, the rebuilt map is the live"
    " one, quotas are back, a further run finds nothing to do",
    "tests/crash/test_simulation.py",
)


def simulate(seed: int) -> Simulation:
    """One history, to its end. Its world is closed; a failure names the seed."""
    simulation = Simulation(seed)
    try:
        simulation.run()
        simulation.must_be_whole()
    except BaseException as error:
        error.add_note(f"seed {seed}: {simulation.history}")
        raise
    finally:
        simulation.world.close()
    ran(SIMULATED)
    return simulation


@pytest.mark.parametrize("part", range(PARTS))
def test_every_history_ends_as_if_nothing_had_happened(part: int) -> None:
    went_wrong = 0
    for seed in range(part, SEEDS, PARTS):
        went_wrong += len(simulate(seed).history)
    assert went_wrong > SEEDS // PARTS
    if LONG:
        seed, end = SEEDS + part, time.monotonic() + SECONDS
        while time.monotonic() < end:
            simulate(seed)
            seed += PARTS
        print(f"part {part} of the simulation: {seed // PARTS} seeds")  # noqa: T201 - shown with -s


@pytest.mark.parametrize("seed", [1, 7])
def test_one_seed_is_one_history(seed: int) -> None:
    once, again = simulate(seed), simulate(seed)
    assert once.history == again.history != []
