"""The small restore that everything goes wrong with: one of each thing that reinstate restores,
and mail that filters have put where a mountpoint belongs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reinstate_service.destination.contract import Delivery, Destination
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Flag,
    Folder,
    Grant,
    GranteeType,
    Item,
    ItemType,
    Mountpoint,
    Tag,
)
from reinstate_service.operations.sample_content import card, salted_hash
from reinstate_service.source.backup_path import BackupWriter
from team import ALICE, BOB, DAY, SCRIPT, SECRET, SYSTEM_FOLDERS

ADDRESSES = ("alice@example.test", "bob@example.test")
#: How many messages lie in each folder that alice's filter has made.
STRAY = {("Team",): 3, ("Team", "Old"): 2}
MIB = 1 << 20


def write_small_backup(path: Path) -> None:
    """alice has a mountpoint of bob's folder Team, and a filter that files there; everything
    else is there once."""
    with BackupWriter(path, clock=lambda: DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test", aliases=("example.invalid",)))
        writer.put_cos(ClassOfService("c", "staff", 3 * MIB))
        writer.put_list(DistributionList("l", "all@example.test", members=ADDRESSES))
        for account in _accounts():
            writer.put_account(account)
            for folder in SYSTEM_FOLDERS:
                writer.put_folder(account.id, folder)
            writer.put_tag(account.id, Tag("64", "todo"))
        grants = (Grant(ALICE, GranteeType.USER, "rwidxc"),)
        writer.put_folder(BOB, Folder("257", "", "Team", grants=grants))
        writer.put_folder(ALICE, Folder("258", "", "Work"))
        writer.put_folder(ALICE, Folder("259", "", "People", ItemType.CONTACT, colour="red"))
        writer.put_folder(ALICE, Folder("260", "258", "2026.1"))
        writer.put_mountpoint(ALICE, Mountpoint("300", "", "Team", BOB, "257"))
        _write_items(writer)
        writer.finish_scan(DAY)


def _accounts() -> Iterable[Account]:
    hashed = salted_hash(SECRET, b"saltsalt")
    source = DataSource("s", "Old", "imap", host="old.test", port=993, user="alice", folder="258")
    yield Account(
        ALICE,
        "alice@example.test",
        password=hashed,
        cos="c",
        data_sources=(source,),
        filters=Filters(incoming=SCRIPT, outgoing='require "fileinto";\n', before="keep;\n"),
        attributes={"zimbraPrefWhenInFolderIds": ("258",)},
    )
    yield Account(
        BOB,
        "bob@example.test",
        password=hashed,
        quota=10 * MIB,
        aliases=("robert@example.test",),
    )


def _write_items(writer: BackupWriter) -> None:
    places = ((BOB, "257"), (BOB, "2"), (ALICE, "258"), (ALICE, "258"), (ALICE, "260"))
    for number, (account, folder) in enumerate(places, start=1000):
        # The last one is of several pages, of which a power cut can take some.
        body = b"body %d\r\n" % number * (2_000 if folder == "260" else 1)
        writer.put_item(
            account,
            str(number),
            content=b"Subject: restored %d\r\n\r\n" % number + body,
            folder=folder,
            date=DAY - number,
            flags=Flag.SEEN | Flag.FORWARDED if folder == "260" else Flag(0),
            tags=("todo",) if number % 2 == 0 else (),
        )
    # The same as the first message, in another account.
    writer.put_item(
        ALICE,
        "1005",
        content=b"Subject: restored 1000\r\n\r\nbody 1000\r\n",
        folder="2",
        date=DAY - 1000,
    )
    writer.put_item(
        ALICE,
        "2000",
        content=card("Bob", "bob@example.test"),
        folder="259",
        date=DAY,
        type=ItemType.CONTACT,
        flags=Flag.FLAGGED,
    )


def put_strays(destination: Destination) -> None:
    """Mail arrives in alice's account, in the place of her mountpoint."""
    with destination.mailbox(ADDRESSES[0]) as mailbox:
        for path, number in STRAY.items():
            mailbox.deliver([_mail(path, one) for one in range(number)])


def _mail(path: tuple[str, ...], number: int) -> Delivery:
    content = f"Subject: {'/'.join(path)} {number}\n\nx\n".encode()
    item = Item("m", ItemType.MESSAGE, "", DAY + number * 1000, len(content), "", Flag.SEEN)
    name = f"M{number}P{len(path)}"
    return Delivery(name, path, item, ("todo",), lambda: iter([content]))
