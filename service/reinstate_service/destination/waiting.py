"""What a destination that waits for a server has to know of the run: when to stop, whom to tell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


def _silently(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Waiting:
    """`stop` is set when the run is to end; `notice` takes what an administrator should know."""

    stop: threading.Event = field(default_factory=threading.Event)
    notice: Callable[[str], None] = _silently
