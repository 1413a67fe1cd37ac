"""The items of an account lie in a scratch file while they are compared, not in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
from msgspec.structs import replace

from reinstate_service.model import Flag, Item, ItemType
from reinstate_service.restore.verification.expected import Expected
from reinstate_service.restore.verification.sheet import ScratchUnusable, opened_sheet

#: Compares so many items, which are found under their names (or others, as a server gives), and
#: prints the process's peak of memory in KiB.
_COMPARING = """
import sys
from pathlib import Path
from reinstate_service.destination.contract import StoredItem
from reinstate_service.model import Flag, Item, ItemType
from reinstate_service.model import Flag, Item, ItemType
from reinstate_service.restore.verification.expected import Expected
from reinstate_service.restore.verification.items import compare_items
from reinstate_service.restore.verification.sheet import opened_sheet

numbers, prefix = range(int(sys.argv[1])), sys.argv[2]
message = ItemType.MESSAGE
with opened_sheet() as sheet:
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


def test_a_scratch_file_that_finds_no_room_is_told_with_what_to_do() -> None:
    with pytest.raises(ScratchUnusable, match="full") as caught:
        lay_out_without_room()
    assert "SQLITE_TMPDIR" in caught.value.hint


def lay_out_without_room() -> None:
    wanted = Expected("1", ("INBOX",), "x" * 44, 1)
    with opened_sheet() as sheet:
        sheet._db.execute("PRAGMA max_page_count = 20")
        for number in range(2_000):
            sheet.add_restored(f"R{number}", None, wanted, ())


@pytest.mark.parametrize("told", [True, False])
def test_what_an_item_lost_is_not_expected_and_without_the_backup_nothing_of_it_is(
    told: bool,
) -> None:
    wanted = Expected("1", ("INBOX",), "x" * 44, 1)
    item = Item("1", ItemType.MESSAGE, "2", 5, 1, "x" * 44, Flag.SEEN | Flag.FORWARDED, ("a", "b"))
    with opened_sheet() as sheet:
        sheet.add_restored("R1", None, wanted, ("b", "$Forwarded"))
        sheet.add_told(None, [("R1", item)] if told else [])
        list(sheet.pairs())
        expected = replace(wanted, date=5, flags=Flag.SEEN, keywords=("a",)) if told else wanted
        assert sheet.wanted(1) == expected
