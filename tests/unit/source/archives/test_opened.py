"""In which account's archives a content is looked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import cast

from contract.destination_contract import digest
from reinstate_service.model import Item, ItemType
from reinstate_service.source.archives.account import AccountArchives
from reinstate_service.source.archives.opened import Opened

CONTENT = b"Subject: x\r\n\r\nbody\r\n"
ITEM = Item("1", ItemType.MESSAGE, "2", 0, len(CONTENT), digest(CONTENT))


class Holding:
    """Archives that hold the content, and count how often they were asked for it."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.asked = 0

    def pieces(self, _digest: str) -> Iterator[bytes]:
        """The content."""
        self.asked += 1
        return iter((CONTENT,))

    def release(self) -> None:
        """Nothing was unpacked."""


def test_a_thread_that_helps_looks_first_where_others_are_at_work() -> None:
    """What was unpacked of another account may be gone, and would be unpacked again."""
    made = dict[str, Holding]()

    def make(account: str) -> AccountArchives:
        made[account] = Holding(account)
        return cast("AccountArchives", made[account])

    opened, found = Opened(make), list[bytes]()
    opened.work_on("before")
    opened.work_on("now")
    helper = threading.Thread(target=lambda: found.extend(opened.content(ITEM, ())))
    helper.start()
    helper.join()
    assert found == [CONTENT]
    assert (made["before"].asked, made["now"].asked) == (0, 1)
