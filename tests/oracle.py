"""The one comparison: what lies on a destination against what the backup and the rules say.

Written against the contracts, not against the engine: it reads the backup through the
sample's own description, and the destination item by item.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reinstate_journal.events import account_stream
from reinstate_journal.journal import Reader
from reinstate_service.destination.contract import Destination
from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.model import Flag, Item
from reinstate_service.operations.sample import Sample, SampleAccount

Path = tuple[str, ...]


class Lying(NamedTuple):
    """One item where it lies. Dates are seconds: what Maildir and IMAP keep."""

    account: str
    path: Path
    digest: str
    flags: Flag
    keywords: frozenset[str]
    date: int


def restored_accounts(sample: Sample) -> list[SampleAccount]:
    """The accounts that a restore with default options brings back."""
    return [one for one in sample.accounts if not one.system and not one.deleted]


def expected(
    accounts: Iterable[SampleAccount], places: Mapping[str, Mapping[str, Path]]
) -> Counter[Lying]:
    """What must be there: everything that is not deleted. `places` gives the destination path
    of each account's folders by id."""
    return Counter(
        _lying(account.address, places[account.id][folder.id], item)
        for account in accounts
        for folder in account.folders
        for item in folder.items
        if not item.deleted
    )


def _lying(address: str, path: Path, item: Item) -> Lying:
    keywords = frozenset(keyword_of(tag) for tag in item.tags)
    return Lying(address, path, item.digest, item.flags, keywords, item.date // 1000)


def found(destination: Destination, addresses: Iterable[str]) -> Counter[Lying]:
    """What is there."""
    lying: Counter[Lying] = Counter()
    for address in addresses:
        with destination.mailbox(address) as mailbox:
            for item in mailbox.contents():
                lying[
                    Lying(
                        address,
                        item.path,
                        item.digest,
                        item.flags,
                        frozenset(item.keywords),
                        item.date // 1000,
                    )
                ] += 1
    return lying


def places(
    journal: Reader, restore: str, accounts: Iterable[SampleAccount]
) -> dict[str, dict[str, Path]]:
    """Where the journal says that each account's folders went, by account and folder id."""
    return {
        account.id: {
            folder: mapped.path
            for folder, mapped in journal.containers.folders(
                account_stream(restore, account.id)
            ).items()
        }
        for account in accounts
    }


def folded(journal: Reader, restore: str) -> dict[str, object]:
    """The journal's projections as values, without what tells one run from another."""
    progress = journal.progress
    accounts = list(progress.accounts(restore))
    return {
        "accounts": [
            (one.account, one.address, one.state, one.items_state, one.quota_due, one.items)
            for one in accounts
        ],
        "tallies": sorted(map(repr, progress.all_tallies(restore))),
        "failures": sorted(
            (recorded.stream.removeprefix(f"restore/{restore}"), recorded.type, recorded.data)
            for recorded in progress.failures(restore)
        ),
        "containers": {
            one.account: _containers(journal, account_stream(restore, one.account))
            for one in accounts
        },
        "steps": sorted(
            {
                (recorded.stream.removeprefix(f"restore/{restore}"), step)
                for recorded in journal.read()
                if (step := recorded.event.step()) is not None
            }
        ),
    }


def _containers(journal: Reader, stream: str) -> tuple[object, ...]:
    containers = journal.containers
    return (
        containers.folders(stream),
        containers.mountpoints(stream),
        containers.filters(stream),
        containers.relocating(stream),
        containers.moved(stream),
    )
