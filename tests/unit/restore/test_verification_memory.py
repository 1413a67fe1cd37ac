"""The items of an account lie in a scratch file while they are compared, not in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Compares so many items, which are found under their names (or others, as a server gives), and
#: prints the process's peak of memory in KiB.
_COMPARING = """
import sys
from contextlib import closing
from pathlib import Path
from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import Flag, Item, ItemType
from reinstate_service.restore.verification.expected import Expected
from reinstate_service.restore.verification.items import compare_items
from reinstate_service.restore.verification.sheet import Sheet

numbers, prefix = range(int(sys.argv[1])), sys.argv[2]
message = ItemType.MESSAGE
with closing(Sheet()) as sheet:
    for n in numbers:
        wanted = Expected(str(n), ("INBOX",), f"{n:044}", n)
        sheet.add_restored(f"R{n:020}", None, wanted, ())
    told = (Item(str(n), message, "2", n * 1000, n, f"{n:044}") for n in numbers)
    sheet.add_told(None, ((f"R{int(one.id):020}", one) for one in told))
    sheet.add_found(
        StoredItem(("INBOX",), f"{prefix}{n:020}", message, "", n, n * 1000, Flag(0), ())
        for n in numbers
    )
    items = compare_items(sheet, whole=True, began=1, existed=False)
assert (items.there, items.findings) == (len(numbers), []), items
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.parametrize("prefix", ["R", "UID"])
def test_100_000_items_of_an_account_are_compared_in_50_mib_of_memory(prefix: str) -> None:
    command = [sys.executable, "-c", _COMPARING, "100000", prefix]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50 * 1024
