"""How many items there are, before the first of them is restored: for progress and report.

A source of archives reads each of them for that, hours of work in a large backup. What the
journal knows to be through is not looked at again, save for the stamp of its state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from reinstate_service.model import AccountRef
from reinstate_service.restore.context import Context
from reinstate_service.source.contract import AccountUnreadable


def count_all(context: Context, refs: Sequence[AccountRef]) -> int:
    """The items of all the accounts, several of which are counted at once. Raises Interrupted."""
    progress, restore = context.journal.progress, context.log.restore
    through = {one.account: one.items_state for one in progress.accounts(restore)}
    ended: Counter[str] = Counter()
    for tally in progress.all_tallies(restore):
        ended[tally.account] += tally.count

    def count(ref: AccountRef) -> int:
        if (state := through.get(ref.id)) is not None:
            try:
                if state == context.items_state(ref):
                    return ended[ref.id]
            except AccountUnreadable:
                return 0
        return count_items(context, ref)

    workers = max(1, context.options.concurrent_accounts)
    total = 0
    with ThreadPoolExecutor(workers, thread_name_prefix="count") as pool:
        for done, found in enumerate(pool.map(count, refs), 1):
            total += found
            context.observer.reading(done, len(refs))
    return total


def count_items(context: Context, ref: AccountRef) -> int:
    """The account's items, 0 if it cannot be read: that ends its own part, not the run.

    Raises Interrupted.
    """
    context.check_stop()
    try:
        return context.source.count_items(ref.id)
    except AccountUnreadable:
        return 0
