"""A restore that goes on step by step: it waits before and after every effect and append.

It is the real engine on a thread of its own. Between two steps anything may happen to
the destination; at any step it may die, and then does nothing any more, as a killed
process would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from reinstate_service.destination.contract import Destination, Mailbox
from reinstate_service.restore.observer import Observer

#: Whatever changes the destination.
EFFECTS = frozenset(
    {
        *("store_epoch", "put_domain", "configure_domain", "put_account", "configure_account"),
        *("put_data_source", "set_quota", "create_folder", "grant", "subscribe", "deliver"),
        *("install_filters", "replace_script", "mount", "relocate", "remove_folder"),
    }
)
_PATIENCE = 60.0


class Died(BaseException):
    """The process is dead from here on."""


class SteppedRestore:
    """`restore` is run with this object's `pause` around its effects, up to the first one."""

    def __init__(self, restore: Callable[[Callable[[], None]], None]) -> None:
        self._restore = restore
        self._arrived = threading.Semaphore(0)
        self._go = threading.Semaphore(0)
        self._dead = False
        self.ended = False
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._await()

    def step(self) -> None:
        """Lets it go on to the next pause, or to its end."""
        self._go.release()
        self._await()

    def die(self) -> None:
        """Ends it where it stands."""
        self._dead = True
        while not self.ended:
            self.step()

    def pause(self) -> None:
        """Waits until the next step is taken; raises Died in a dead process."""
        if not self._dead:
            self._arrived.release()
            self._go.acquire()
        if self._dead:
            raise Died

    def _run(self) -> None:
        try:
            self._restore(self.pause)
        except Died:
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.ended = True
            self._arrived.release()

    def _await(self) -> None:
        assert self._arrived.acquire(timeout=_PATIENCE), "the restore neither pauses nor ends"


class Pausing:
    """Anything whose methods of these `names` have a pause before and after them."""

    def __init__(self, inner: object, pause: Callable[[], None], names: frozenset[str]) -> None:
        self._inner = inner
        self._pause = pause
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._names:
            return found

        def paused(*arguments: Any, **named: Any) -> Any:
            self._pause()
            answer = found(*arguments, **named)
            self._pause()
            return answer

        return paused


class PausingDestination(Pausing):
    """A destination that pauses, and whose mailboxes do."""

    def __init__(self, inner: Destination, pause: Callable[[], None]) -> None:
        super().__init__(inner, pause, EFFECTS)

    @contextmanager
    def mailbox(self, address: str) -> Iterator[Mailbox]:
        """See `Destination`."""
        with self._inner.mailbox(address) as opened:  # type: ignore[attr-defined]
            yield Pausing(opened, self._pause, EFFECTS)  # type: ignore[misc]


class PhaseSeen(Observer):
    """Knows in which phase the restore is."""

    def __init__(self) -> None:
        self.reached = 0

    def phase(self, phase: int, accounts: int) -> None:  # noqa: ARG002 - only the phase counts
        """See `Observer`."""
        self.reached = phase
