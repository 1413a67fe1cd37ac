"""Seeded histories of lost requests, replies and connections, delays, deaths, mail and a clock
that jumps, while several accounts are worked on at once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from crash.matrix import Row, ran
from crash.simulation import Simulation

LONG = "REINSTATE_LONG" in os.environ
#: Seeds of `make test`, in parts.
SEEDS, PARTS = 200, 4
#: So long each part of the long run goes on with further ones.
SECONDS = float(os.environ.get("REINSTATE_SIMULATION_SECONDS", "150"))

SIMULATED = Row(
    "1 the process dies",
    "a seeded history: requests, replies and connections are lost, accounts overtake each other,"
    " the process dies, mail arrives, the clock jumps, up to 40 times in one restore",
    "any of what the rows above and below leave",
    "everything is there once and in its place, the chain is whole, the projections are those"
    " that the events give anew, quotas are back, a further run finds nothing to do",
    "tests/crash/test_simulation.py",
)
_SEEDS = [2, 5, 6]


def simulate(seed: int) -> Simulation:
    """One history, to its end. A failure names the seed."""
    simulation = Simulation(seed)
    try:
        simulation.run()
        simulation.must_be_whole()
    except BaseException as error:
        error.add_note(f"seed {seed}: {simulation.history}")
        raise
    finally:
        simulation.close()
    ran(SIMULATED)
    return simulation


def digest_of(simulation: Simulation) -> str:
    """What stands for all that happened in a history."""
    return hashlib.sha256(msgspec.json.encode((simulation.history, simulation.events))).hexdigest()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_history_ends_as_if_nothing_had_happened(part: int) -> None:
    went_wrong = overtaken = 0
    for seed in range(part, SEEDS, PARTS):
        simulation = simulate(seed)
        went_wrong += len(simulation.history)
        overtaken += simulation.overtakings()
    assert went_wrong > SEEDS // PARTS
    assert overtaken > SEEDS // PARTS
    if LONG:
        seed, end = SEEDS + part, time.monotonic() + SECONDS
        while time.monotonic() < end:
            simulate(seed)
            seed += PARTS
        print(f"part {part} of the simulation: {seed // PARTS} seeds")  # noqa: T201 - shown with -s


@pytest.mark.parametrize("seed", _SEEDS)
def test_one_seed_is_one_history(seed: int) -> None:
    once, again = simulate(seed), simulate(seed)
    assert once.history == again.history != []
    assert once.events == again.events
    assert "death" in {what for _, what in once.history}
    assert once.overtakings()


def test_a_seed_is_the_same_history_in_every_process() -> None:
    program = (
        "from crash.test_simulation import _SEEDS, digest_of, simulate\n"
        "print(*(digest_of(simulate(seed)) for seed in _SEEDS))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(told) == 1
    assert len(set(told.pop().split())) == len(_SEEDS)
