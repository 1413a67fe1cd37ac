"""Hypothesis strategies, for those who want to test rules of their own.

`folders` makes trees of folders, what stands on a destination already, and destinations'
namespaces; `mountpoints` accounts that share folders with each other, and attributes that
hold ids; `filters` Sieve scripts. All make the awkward cases on purpose; `awkward_folders`
and `awkward_shares` tell which of them a value has, so that a test can show that it has
met them.

This package alone imports Hypothesis (`pip install hypothesis`); nothing that a
restore needs imports this package.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: Set in the long runs, which give every law twenty times as many examples.
LONG = "REINSTATE_LONG"


def law(examples: int = 1_000) -> settings:
    """The settings of a law: so many examples, twenty times as many where LONG is set in the
    environment. An example is never judged by how long it took."""
    return settings(
        max_examples=examples * 20 if LONG in os.environ else examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
