"""What a journal says is done, held against what lies on the destination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crash.powered import Place
from crash.small import ADDRESSES
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.events import AccountCreated, ItemRestored, ItemsRelocated
from reinstate_journal.journal import Reader
from reinstate_service.destination.contract import Destination
from reinstate_service.operations.session import opened_for_reading


def broken_promises(place: Place) -> list[str]:
    """What is not as the journal says; nothing where there is no journal yet."""
    if not place.journal.exists():
        return []
    problems = [str(problem) for problem in check(place.journal)]
    with open_reader(place.journal) as reader, opened_for_reading(place.options) as destination:
        return [*problems, *_missing(reader, destination)]


def _missing(journal: Reader, destination: Destination) -> Iterator[str]:
    created = {
        recorded.stream: recorded.event.address
        for recorded in journal.read(types=[AccountCreated])
        if isinstance(recorded.event, AccountCreated)
    }
    gone = [address for address in created.values() if not destination.has_account(address)]
    yield from (f"account {address}" for address in gone)
    lying = _lying(destination)
    for recorded in journal.read(types=[ItemRestored, ItemsRelocated]):
        match recorded.event:
            case ItemRestored(folder=folder, digest=digest):
                path = journal.containers.folders(recorded.stream)[folder].path
                key = (created[recorded.stream], path, digest)
                lying[key] -= 1
                if lying[key] < 0:
                    yield f"item {key}"
            case ItemsRelocated(owner=owner, target=target, items=items):
                for name in items:
                    if not lying[owner, target, name.partition(".")[2]]:
                        yield f"relocated item {name}"


def _lying(destination: Destination) -> Counter[tuple[str, tuple[str, ...], str]]:
    """How often each content, and each name, lies in each folder."""
    lying: Counter[tuple[str, tuple[str, ...], str]] = Counter()
    for address in filter(destination.has_account, ADDRESSES):
        with destination.mailbox(address) as mailbox:
            for item in mailbox.contents():
                lying[address, item.path, item.digest] += 1
                lying[address, item.path, item.name] += 1
    return lying
