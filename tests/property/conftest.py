"""How many examples a law is held against: 1,000, or 20,000 with REINSTATE_LONG=1 (`make crash`).

A test whose examples are costly says so with settings of its own.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

for name, examples in {"test": 1_000, "long": 20_000}.items():
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("long" if os.environ.get("REINSTATE_LONG") == "1" else "test")
