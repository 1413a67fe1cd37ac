"""Quotas that come back, whatever becomes of one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reinstate_journal import open_journal
from reinstate_journal.events import AccountCreated, QuotaLifted, account_stream
from reinstate_service.destination.contract import Refused
from reinstate_service.destination.memory import MemoryDestination
from reinstate_service.model import Account, Domain
from reinstate_service.restore.quota import put_quotas_back

ADDRESSES = {"1": "anna@example.com", "2": "bert@example.com"}


class LeavesAnna(MemoryDestination):
    """A server that does not let anna's quota be set."""

    def set_quota(self, address: str, quota: int) -> None:
        if address == ADDRESSES["1"]:
            raise Refused(detail="no")
        super().set_quota(address, quota)


def test_a_quota_that_is_refused_stays_due_and_the_others_come_back(tmp_path: Path) -> None:
    destination = LeavesAnna()
    destination.put_domain(Domain("d", "example.com"))
    with open_journal(tmp_path / "r.db") as journal:
        for account, address in ADDRESSES.items():
            destination.put_account(Account(account, address))
            made = [AccountCreated(account=account, address=address), QuotaLifted(put_back=5)]
            journal.append(account_stream("r", account), 0, made)
        with pytest.raises(Refused):
            put_quotas_back(journal, destination, "r")
        assert [one.account for one in journal.progress.quotas_due("r")] == ["1"]
    assert [destination.quota(address) for address in ADDRESSES.values()] == [0, 5]
