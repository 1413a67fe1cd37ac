"""A seeded simulation: one seed is one history of what goes wrong while a restore goes on.

The real engine restores onto a destination in memory, several accounts at once. Requests and
replies are lost and delayed, connections break and come back only after some tries, mail
arrives, the clock jumps and the process dies. At each effect and append the seed says what goes
wrong and which account goes on, so that everything follows from the seed alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from random import Random
from typing import Any, NamedTuple, cast

import msgspec

from crash.baton import Baton
from property.stepping import Died
from property.world import DAY, QUOTA, World
from reinstate_journal.check import check
from reinstate_journal.errors import DestinationError
from reinstate_journal.events import ItemsCompleted, ItemsPassed, PhaseStarted, RunStarted
from reinstate_service.destination.contract import Destination, Mailbox
from reinstate_service.model import Folder, Mountpoint, Path
from reinstate_service.testing.folders import NAMESPACES, PLAIN_NAMES
from reinstate_service.testing.mountpoints import Existing, Sharing, SharingAccount, account_id

_ADDRESSES = ("anna@example.com", "bruno@example.com", "chiara@example.org")
_NAMESPACES = [one for one in NAMESPACES if not one.storage_escape and one.reserved[1:]][:2]
#: So many things go wrong before the world comes to rest.
_MOST = 40
#: What phase 1 appends to the streams of accounts, and the end of a run that failed.
_PROVISIONING = frozenset(
    {
        *("AccountCreated", "AccountFound", "AccountConfigured", "FiltersInstalled"),
        *("QuotaLifted", "QuotaPutBack"),
    }
)
_KINDS = ("mail", "mail", "lost", "lost", "delay", "broken", "death", "clock")


class ConnectionLost(DestinationError):
    """The destination did not answer: nobody knows whether it did what it was asked."""

    message = "The destination did not answer"


class Happened(NamedTuple):
    """What the journal holds of one event, but for what the file system's clock decides."""

    stream: str
    type: str
    recorded_at: int
    data: str


class Connection:
    """A destination or mailbox over one connection; `answers` raises once that is broken."""

    def __init__(self, inner: object, answers: Callable[[], None]) -> None:
        self._inner = inner
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def asked(*arguments: Any, **named: Any) -> Any:
            self._answers()
            return found(*arguments, **named)

        return asked

    @contextmanager
    def mailbox(self, address: str) -> Iterator[Mailbox]:
        """See `Destination`."""
        self._answers()
        with cast("Destination", self._inner).mailbox(address) as opened:
            yield cast("Mailbox", Connection(opened, self._answers))


class Simulation:
    """One history."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._baton = Baton(self._random)
        self._now = DAY
        self._rate = self._random.choice((0.01, 0.05, 0.2))
        self._dead = False
        self._broken = False
        self._away = 0
        self._sent: list[bytes] = []
        #: What went wrong, and after how many effects and appends.
        self.history: list[tuple[int, str]] = []
        self.events: list[Happened] = []
        self._passed = 0
        sharing = _sharing(self._random)
        at_once = self._random.choice((1, 2, 3, 3))
        self.world = World(sharing, f"simulation-{seed}", self._clock, at_once)

    def run(self) -> None:
        """Restores, and resumes after whatever ends a run, to the end."""
        while True:
            self._dead = self._broken = False
            try:
                self._restore()
            except (Died, ConnectionLost):
                if self._dead:
                    self.world.reopen()
            else:
                return

    def close(self) -> None:
        """Ends it, and keeps what the journal holds as `events`, in its order."""
        folder = str(self.world.folder)
        self.events = [
            Happened(
                one.stream,
                type(one.event).__name__,
                one.recorded_at,
                ""
                if isinstance(one.event, ItemsCompleted | ItemsPassed)
                else msgspec.json.encode(one.event).decode().replace(folder, ""),
            )
            for one in self.world.journal.read()
        ]
        self.world.close()

    def overtakings(self) -> int:
        """How often, within one phase 2 or 3, the journal goes from one account to another and
        back."""
        streams = [one.stream for one in self.events if one.type not in _PROVISIONING]
        turns = [stream for stream, _ in groupby(streams)]
        return sum(
            one == third and one.count("/") == second.count("/") == 2
            for one, second, third in zip(turns, turns[1:], turns[2:], strict=False)
        )

    def must_be_whole(self) -> None:
        """The oracle: nothing lost, nothing twice, everything where it belongs, and known."""
        world = self.world
        lying = list(world.server.lying())
        expected = Counter([*world.backed_up, *self._sent])
        assert Counter(content for content, _ in lying) == expected
        folders = {
            account.id: world.journal.containers.folders(world.stream(account.id))
            for account in world.sharing.accounts
        }
        addresses = {account.id: account.address for account in world.sharing.accounts}
        for content, place in lying:
            if content in world.backed_up:
                account, folder = world.backed_up[content]
                assert place == (addresses[account], folders[account][folder].path)
        quotas = [world.state.accounts[address].quota for address in addresses.values()]
        assert quotas == [QUOTA] * len(quotas)
        self._rest()
        marks = [one.event for one in world.journal.read(types=(RunStarted, PhaseStarted))]
        begun = Counter((type(one), one.run, getattr(one, "phase", 0)) for one in marks)  # type: ignore[attr-defined]
        assert set(begun.values()) == {1}, "a run or phase was begun twice"
        # The chain, and the projections against ones that are folded anew.
        assert check(world.journal.path) == []

    def _rest(self) -> None:
        """Nothing goes wrong any more, and a run finds nothing to do. Mail that came last can
        have made a folder that a filter was reported to miss: one run may say so before."""
        self._rate = 0
        for _ in range(2):
            head = self.world.journal.head()
            self._restore()
            if self.world.journal.head() == head:
                return
        raise AssertionError("a run that nothing happened before finds something to do")

    def _restore(self) -> None:
        with self._baton.held():
            self.world.run(self._at_effect, self._at_append, self._connected)

    def _connected(self, destination: Destination) -> Destination:
        self._away = max(0, self._away - 1)
        self._broken = self._away > 0
        return cast("Destination", Connection(destination, self._answers))

    def _answers(self) -> None:
        if self._broken:
            raise ConnectionLost(destination="memory:", detail="no connection")

    def _at_effect(self) -> None:
        what = self._next()
        if what == "broken":
            self._broken = True
            self._away = self._random.randrange(4)
        if what in {"lost", "broken"}:
            raise ConnectionLost(destination="memory:", detail="no answer")

    def _at_append(self) -> None:
        self._next()

    def _next(self) -> str:
        """What happens now, and to whom next; raises Died where the process does, and in a
        dead process."""
        if self._dead:
            raise Died
        self._passed += 1
        what = ""
        if len(self.history) < _MOST and self._random.random() < self._rate:
            what = self._random.choice(_KINDS)
            self.history.append((self._passed, what))
        match what:
            case "death":
                self._dead = True
                raise Died
            case "clock":
                self._now += self._random.choice((-86_400_000, 1, 3_600_000))
            case "mail":
                self._mail()
        self._baton.give(self._random.randrange(1, 40) if what == "delay" else 0)
        if self._dead:
            raise Died
        return what

    def _mail(self) -> None:
        accounts = self.world.server.accounts()
        if accounts:
            content = f"mail {len(self._sent)}".encode()
            self._sent.append(content)
            rule = self._random.randrange(8)
            self.world.server.deliver(self._random.choice(accounts), rule, content)

    def _clock(self) -> int:
        return self._now


def _sharing(random: Random) -> Sharing:
    """Two or three accounts that share folders; filters file where mountpoints belong."""
    count = random.choice((2, 3))
    trees = [_folders(random) for _ in range(count)]
    accounts = []
    for place in range(count):
        mountpoints = tuple(
            _mountpoint(random, number, place, trees) for number in range(random.randrange(4))
        )
        filed: tuple[Path, ...] = tuple((one.name,) for one in mountpoints)
        below: tuple[Path, ...] = tuple((one.name, "Old") for one in mountpoints[:1])
        existing = Existing(filed=filed + below)
        accounts.append(
            SharingAccount(
                account_id(place), _ADDRESSES[place], trees[place], mountpoints, existing
            )
        )
    return Sharing(tuple(accounts), random.choice(_NAMESPACES))


def _folders(random: Random) -> tuple[Folder, ...]:
    names = random.sample(PLAIN_NAMES, random.randrange(1, 5))
    return tuple(
        Folder(str(257 + place), random.choice(["", *map(str, range(257, 257 + place))]), name)
        for place, name in enumerate(names)
    )


def _mountpoint(
    random: Random, number: int, place: int, trees: list[tuple[Folder, ...]]
) -> Mountpoint:
    owner = random.choice([other for other in range(len(trees)) if other != place])
    remote = random.choice(trees[owner]).id
    name = f"{random.choice(PLAIN_NAMES)} {number}"
    return Mountpoint(str(400 + number), "", name, account_id(owner), remote)
