"""A small valid backup with one of everything that the format knows."""

from __future__ import annotations

from pathlib import Path

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
    Identity,
    Item,
    ItemType,
    Mountpoint,
    OutOfOffice,
    Role,
    SavedSearch,
    Signature,
    Tag,
)
from reinstate_service.source.backup_path import BackupWriter

ANNA = "6f1ed002-ab56-4c5b-8d0a-000000000001"
BRUNO = "6f1ed002-ab56-4c5b-8d0a-000000000002"
SCRIPT = """require ["fileinto"];
if header :contains "subject" "plan" { fileinto "Projects/Team"; stop; }
"""


def make_backup(path: Path) -> None:
    """Makes the backup at `path`."""
    with BackupWriter(path, "server", clock=lambda: 1000, durable=False) as backup:
        backup.put_domain(Domain("domain1", "example.com", default_cos="cos1"))
        backup.put_cos(ClassOfService("cos1", "staff", quota=1 << 30))
        backup.put_list(DistributionList("list1", "team@example.com", members=("a@example.com",)))
        backup.put_account(_anna())
        backup.put_account(Account(BRUNO, "bruno@example.com", filters=Filters(incoming=SCRIPT)))
        granted = Grant(BRUNO, GranteeType.USER, "rwidx", "bruno@example.com")
        for account in (ANNA, BRUNO):
            backup.put_folder(account, Folder("2", "", "Inbox", role=Role.INBOX))
            backup.put_folder(account, Folder("300", "", "Projects", grants=(granted,)))
            backup.put_folder(account, Folder("301", "300", "Plans"))
        backup.put_folder(ANNA, Folder("10", "", "Calendar", ItemType.APPOINTMENT))
        backup.put_mountpoint(BRUNO, Mountpoint("302", "300", "Team", ANNA, "300"))
        backup.put_search(ANNA, SavedSearch("303", "", "Unread", "is:unread"))
        backup.put_tag(ANNA, Tag("304", "urgent", "red"))
        for number, kind in enumerate(ItemType, start=400):
            folder = "301" if kind is ItemType.MESSAGE else "10"
            _put(backup, ANNA, str(number), folder, kind)
        _put(backup, BRUNO, "400", "2", ItemType.MESSAGE)
        backup.put_item_state(ANNA, _put(backup, ANNA, "410", "2", ItemType.MESSAGE), start=2000)
        backup.delete_item(ANNA, "410", 3000)
        backup.finish_scan(4000)


def _anna() -> Account:
    return Account(
        ANNA,
        "anna@example.com",
        password="{SSHA512}xxxx",
        display_name="Anna",
        cos="cos1",
        quota=1 << 30,
        aliases=("a@example.com",),
        forwarding=("anna@elsewhere.example",),
        out_of_office=OutOfOffice(True, "away", 1, 2),
        identities=(Identity("i1", "Private", {"zimbraPrefFromAddress": ("a@example.com",)}),),
        signatures=(Signature("s1", "Work", "Anna", "<p>Anna</p>"),),
        data_sources=(
            DataSource("d1", "Old", "imap", "imap.example", 993, "a", "b", "ssl", "300"),
        ),
        filters=Filters(SCRIPT, SCRIPT, SCRIPT, SCRIPT),
        attributes={"sn": ("Rossi",)},
    )


def _put(backup: BackupWriter, account: str, item: str, folder: str, kind: ItemType) -> Item:
    return backup.put_item(
        account,
        item,
        content=f"Subject: {item}\r\n\r\nbody of {item}\r\n".encode() * 5,
        folder=folder,
        date=int(item) * 1000,
        type=kind,
        flags=Flag.FLAGGED,
        tags=("urgent",),
        imap_uid=int(item),
        name="a.txt" if kind is ItemType.DOCUMENT else "",
    )
