"""Who is told of a restore's progress while it runs. Nothing depends on the answer."""

from __future__ import annotations


class Observer:
    """Hears what happens; this one keeps silent. Called from several threads at once."""

    def reading(self, done: int, accounts: int) -> None:
        """So many of the accounts have been looked at; nothing is restored yet."""

    def restore(self, restore: str, accounts: int, items: int) -> None:
        """A run over so many accounts and items begins."""

    def phase(self, phase: int, accounts: int) -> None:
        """Phase 1, 2 or 3 begins, over so many accounts."""

    def account(self, address: str, state: str) -> None:
        """An account's part of phase 2 has started, its part of phase 2 or 3 is done, or it has
        failed."""

    def items(self, *, restored: int, skipped: int, failed: int, already: int, size: int) -> None:
        """So many items more, `size` bytes of restored ones; `already` were settled before."""

    def notice(self, text: str) -> None:
        """Something the administrator should know."""
