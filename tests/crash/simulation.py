"""A seeded simulation: one seed is one history of what goes wrong while a restore goes on.

The real engine restores onto a destination in memory that loses requests and replies, while
mail arrives, the clock jumps and the process dies. Accounts are restored one after the other,
so that everything follows from the seed alone.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from property.stepping import Died
from property.world import DAY, QUOTA, World
from reinstate_journal.check import check
from reinstate_journal.errors import DestinationError
from reinstate_service.model import Folder, Mountpoint, Path
from reinstate_service.testing.folders import NAMESPACES, PLAIN_NAMES
from reinstate_service.testing.mountpoints import Existing, Sharing, SharingAccount, account_id

_ADDRESSES = ("anna@example.com", "bruno@example.com", "chiara@example.org")
_NAMESPACES = [one for one in NAMESPACES if not one.storage_escape and one.reserved[1:]][:2]
#: So many things go wrong before the world comes to rest.
_MOST = 40


class ConnectionLost(DestinationError):
    """The destination did not answer: nobody knows whether it did what it was asked."""

    message = "The destination did not answer"


class Simulation:
    """One history."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._now = DAY
        self._rate = self._random.choice((0.01, 0.05, 0.2))
        self._dead = False
        self._sent: list[bytes] = []
        #: What went wrong, and after how many effects and appends.
        self.history: list[tuple[int, str]] = []
        self._passed = 0
        self.world = World(_sharing(self._random), f"simulation-{seed}", self._clock)

    def run(self) -> None:
        """Restores, and resumes after whatever ends a run, to the end."""
        while True:
            self._dead = False
            try:
                self.world.run(self._at_effect, self._at_append)
            except Died:
                self.world.reopen()
            except ConnectionLost:
                continue
            else:
                return

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
        assert check(world.journal.path) == []
        live = world.maps()
        world.journal.rebuild()
        assert world.maps() == live
        # Mail that came last can have made a folder that a filter was reported to miss.
        world.finish()
        head = world.journal.head()
        world.finish()
        assert world.journal.head() == head

    def _at_effect(self) -> None:
        what = self._next()
        if what == "mail":
            self._mail()
        if what == "lost":
            raise ConnectionLost(destination="memory:", detail="no answer")

    def _at_append(self) -> None:
        if self._next() == "mail":
            self._mail()

    def _next(self) -> str:
        """What happens now; raises Died where the process does, and in a dead process."""
        if self._dead:
            raise Died
        self._passed += 1
        if len(self.history) >= _MOST or self._random.random() >= self._rate:
            return ""
        what = self._random.choice(("mail", "mail", "lost", "lost", "death", "clock"))
        self.history.append((self._passed, what))
        if what == "death":
            self._dead = True
            raise Died
        if what == "clock":
            self._now += self._random.choice((-86_400_000, 1, 3_600_000))
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
