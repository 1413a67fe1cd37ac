"""What of a directory could not be read, or was left out, and why."""

from __future__ import annotations

from reinstate_service.model import Frozen

#: Problems that are kept one by one; a file of nothing but noise must not fill the memory.
LIMIT = 10_000


class Problem(Frozen, frozen=True):
    """One thing that an administrator should know of; never holds a value of an attribute
    that may be secret.

    `line` counts from 1, 0 where the file as a whole is meant; `dn` is empty where
    none is known.
    """

    file: str
    line: int
    dn: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.dn}: {self.reason}" if self.dn else f"{where}: {self.reason}"


class Problems:
    """Gathers problems in the order they are met, up to LIMIT of them."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self._further = 0

    def add(self, file: str, line: int, dn: str, reason: str) -> None:
        """Keeps the problem, or counts it where there are too many."""
        if len(self._kept) < LIMIT:
            self._kept.append(Problem(file, line, dn, reason))
        else:
            self._further += 1

    def all(self) -> tuple[Problem, ...]:
        """All that are kept; the last says how many are not."""
        if not self._further:
            return tuple(self._kept)
        last = Problem(self._kept[-1].file, 0, "", f"and {self._further} further problems")
        return (*self._kept, last)
