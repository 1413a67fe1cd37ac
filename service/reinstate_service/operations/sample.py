"""A backup that has one of everything, for the demo and the tests; and large ones by number.

`build_sample` gives the same backup for the same messages, whoever runs it and when.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count, cycle, islice

import msgspec

from reinstate_service.model import (
    Account,
    Flag,
    Folder,
    Frozen,
    Item,
    ItemType,
    Mountpoint,
    Product,
    Role,
    SavedSearch,
    Tag,
)
from reinstate_service.operations import sample_content as content
from reinstate_service.operations.sample_content import demo_messages
from reinstate_service.operations.sample_people import (
    PEOPLE,
    Person,
    account_id,
    classes_of_service,
    distribution_lists,
    domains,
    folder_grants,
    profile,
)
from reinstate_service.source.backup_path import BackupWriter

__all__ = [
    "Sample",
    "SampleAccount",
    "SampleFolder",
    "build_sample",
    "demo_messages",
    "write_many",
]

SERVER_ID = "5f0a7c2e-0000-4000-8000-0000000000a1"
#: The first scan; a day later things were deleted and changed; the last scan is an hour on.
FIRST_SCAN = int(content.BEGINNING.timestamp() * 1000)
CHANGES = FIRST_SCAN + 86_400_000
LAST_SCAN = CHANGES + 3_600_000
#: Every account has at least so many messages, though some then have the same ones.
_AT_LEAST = 16


class SampleFolder(Frozen, frozen=True):
    """A folder and its items in the latest state; deleted ones are marked as such."""

    id: str
    path: tuple[str, ...]
    items: tuple[Item, ...]


class SampleAccount(Frozen, frozen=True):
    """An account that the sample holds; `secret` is the password its hash is of."""

    id: str
    address: str
    secret: str
    system: bool
    deleted: bool
    folders: tuple[SampleFolder, ...]


class Sample(Frozen, frozen=True):
    """What `build_sample` has made, in the order it made it."""

    path: str
    server_id: str
    accounts: tuple[SampleAccount, ...]


_SYSTEM_FOLDERS = (
    Folder("2", "", "Inbox", role=Role.INBOX),
    Folder("3", "", "Trash", role=Role.TRASH),
    Folder("4", "", "Junk", role=Role.JUNK),
    Folder("5", "", "Sent", role=Role.SENT),
    Folder("6", "", "Drafts", role=Role.DRAFTS),
    Folder("7", "", "Contacts", ItemType.CONTACT),
    Folder("10", "", "Calendar", ItemType.APPOINTMENT),
    Folder("20", "", "Archive", role=Role.ARCHIVE),
)
_WORK, _DRAFTS, _TRASH = "257", "6", "3"
_TASKS, _FILES = "267", "268"
_OWN_FOLDERS = (
    Folder(_WORK, "", "Work", colour="blue"),
    Folder("258", _WORK, "Projects"),
    Folder("259", "258", "2026"),
    Folder("260", "", "Workshop"),
    Folder("261", "", "Büro"),
    Folder("262", "261", "Rechnungen", colour="#ff8800"),
    Folder("263", "", "日本語"),
    Folder("264", "", "v1.2"),
    Folder("265", "2", "Newsletters", subscribed=False),
    Folder("266", "261", "R&D / Ideen"),
    Folder(_TASKS, "", "Aufgaben", ItemType.TASK),
    Folder(_FILES, "", "Dokumente", ItemType.DOCUMENT),
)
_MAIL_FOLDERS = ("2", "257", "258", "259", "5", "260", "262", "263", "264", "4", "265", "266", "20")
_TAGS = (Tag("300", "Wichtig", "red"), Tag("301", "zu prüfen", "green"), Tag("302", "todo"))
_FLAGS = (
    Flag(0),
    Flag.SEEN,
    Flag.SEEN | Flag.ANSWERED,
    Flag.SEEN | Flag.FLAGGED,
    Flag.FLAGGED,
    Flag.SEEN | Flag.ANSWERED | Flag.FORWARDED,
    Flag.SEEN | Flag.MDN_SENT,
)
_TAGGINGS: tuple[tuple[str, ...], ...] = ((), ("Wichtig",), (), ("zu prüfen", "todo"), ())
_FIRST_ITEM = 1000


def build_sample(path: str | os.PathLike[str], messages: Sequence[bytes]) -> Sample:
    """Makes a backup at `path`, where there is none yet, and tells what is in it.

    Three domains (one with an alias domain), fifteen accounts, two classes of service
    in use and one not, nested lists, shares, a mountpoint and two dangling ones,
    filters, and every message at least once.
    """
    if not messages:
        raise ValueError("a sample needs messages")
    with BackupWriter(path, SERVER_ID, Product.CARBONIO, lambda: FIRST_SCAN, False) as writer:
        for domain in domains():
            writer.put_domain(domain)
        for cos in classes_of_service():
            writer.put_cos(cos)
        for each in distribution_lists():
            writer.put_list(each)
        accounts = []
        for place, person in enumerate(PEOPLE):
            own = list(islice(messages, place, None, len(PEOPLE)))
            missing = max(0, _AT_LEAST - len(own))
            own += islice(cycle(messages), place * 3, place * 3 + missing)
            accounts.append(_write_account(writer, person, own))
        writer.finish_scan(LAST_SCAN)
        return Sample(os.fspath(path), writer.server_id, tuple(accounts))


def _write_account(writer: BackupWriter, person: Person, messages: list[bytes]) -> SampleAccount:
    account = profile(person)
    writer.put_account(account)
    folders = {folder.id: folder for folder in (*_SYSTEM_FOLDERS, *_OWN_FOLDERS)}
    for folder in folders.values():
        grants = folder_grants(person, folder.id)
        writer.put_folder(account.id, msgspec.structs.replace(folder, grants=grants))
    for tag in _TAGS:
        writer.put_tag(account.id, tag)
    _write_links(writer, person, account.id)
    items = [*_write_messages(writer, account, messages), *_write_others(writer, account)]
    if person.deleted:
        writer.delete_account(account.id, CHANGES)
    return SampleAccount(
        account.id,
        account.address,
        person.secret,
        person.system,
        person.deleted,
        tuple(
            SampleFolder(
                folder.id,
                _path(folder, folders),
                tuple(item for item in items if item.folder == folder.id),
            )
            for folder in folders.values()
        ),
    )


def _path(folder: Folder, folders: dict[str, Folder]) -> tuple[str, ...]:
    above = _path(folders[folder.parent], folders) if folder.parent else ()
    return (*above, folder.name)


def _write_links(writer: BackupWriter, person: Person, account: str) -> None:
    anna = account_id("anna@example.com")
    match person.local:
        case "anna":
            writer.put_search(
                account, SavedSearch("310", "", "Unread work", "is:unread in:Work", "message")
            )
        case "bruno":
            writer.put_mountpoint(
                account, Mountpoint("320", "", "Annas Work", anna, _WORK, colour="green")
            )
        case "chiara":
            nobody = account_id("nobody@example.com")
            writer.put_mountpoint(account, Mountpoint("320", "", "Gone", nobody, "257"))
            writer.put_mountpoint(account, Mountpoint("321", "", "Never there", anna, "9999"))


def _write_messages(writer: BackupWriter, account: Account, messages: list[bytes]) -> list[Item]:
    written = []
    for number, message in enumerate(messages):
        # The last goes to the trash, which is a folder like another: not deleted.
        last = number == len(messages) - 1
        item = writer.put_item(
            account.id,
            str(_FIRST_ITEM + number),
            content=message,
            folder=_TRASH if last else _MAIL_FOLDERS[number % len(_MAIL_FOLDERS)],
            date=FIRST_SCAN - (len(messages) - number) * 3_600_000,
            flags=_FLAGS[number % len(_FLAGS)],
            tags=_TAGGINGS[number % len(_TAGGINGS)],
            imap_uid=number + 1,
            further_flags="s" if number % len(_MAIL_FOLDERS) == 4 else "",
        )
        if number % 11 == 5:
            writer.delete_item(account.id, item.id, CHANGES)
            item = msgspec.structs.replace(item, deleted=True)
        written.append(item)
    return [*written, _write_draft(writer, account, messages)]


def _write_draft(writer: BackupWriter, account: Account, messages: list[bytes]) -> Item:
    """A draft that was saved twice: one item, two blobs over time."""
    unfinished = b"Subject: draft\r\n\r\nfor " + account.address.encode() + b"\r\n"
    for text, start in ((unfinished, FIRST_SCAN), (unfinished + b"finished\r\n", CHANGES)):
        item = writer.put_item(
            account.id,
            str(_FIRST_ITEM + len(messages)),
            content=text,
            folder=_DRAFTS,
            date=start,
            flags=Flag.SEEN | Flag.DRAFT,
            start=start,
        )
    return item


def _write_others(writer: BackupWriter, account: Account) -> list[Item]:
    """A contact, an appointment, a task and a document."""
    numbers = count(900)
    local = account.address.partition("@")[0]
    others = (
        (ItemType.CONTACT, "7", content.card(f"{local} & Söhne", account.address), ""),
        (ItemType.APPOINTMENT, "10", content.appointment(3, f"Weekly with {local}"), ""),
        (ItemType.TASK, _TASKS, content.task(1, f"Order paper for {local}"), ""),
        (ItemType.DOCUMENT, _FILES, f"Notes of {local}\n".encode() * 9, "Notizen März.txt"),
    )
    return [
        writer.put_item(
            account.id,
            str(next(numbers)),
            content=data,
            folder=folder,
            date=FIRST_SCAN - 60_000,
            type=kind,
            flags=Flag.SEEN,
            name=name,
        )
        for kind, folder, data, name in others
    ]


def write_many(
    path: str | os.PathLike[str], accounts: int, items: int, *, size: int = 300, folders: int = 3
) -> None:
    """Makes a large backup fast: `items` tiny messages in all, spread evenly over accounts.

    Each account has the inbox and `folders` further folders. Every message is its own
    blob of about `size` bytes before it is gzipped.
    """
    each, more = divmod(items, accounts)
    filling = "x" * max(0, size - 120)
    with BackupWriter(path, SERVER_ID, Product.CARBONIO, lambda: FIRST_SCAN, False) as writer:
        for domain in domains():
            writer.put_domain(domain)
        for cos in classes_of_service():
            writer.put_cos(cos)
        for number in range(accounts):
            address = f"user{number:05}@example.com"
            account = account_id(address)
            writer.put_account(Account(account, address))
            writer.put_folder(account, Folder("2", "", "Inbox", role=Role.INBOX))
            for place in range(folders):
                writer.put_folder(account, Folder(str(257 + place), "", f"Folder {place}"))
            for item in range(each + (number < more)):
                place = item % (folders + 1)
                head = f"From: sender@example.org\r\nTo: {address}\r\nSubject: {item}\r\n"
                writer.put_item(
                    account,
                    str(_FIRST_ITEM + item),
                    content=f"{head}Message-ID: <{item}.{number}@x>\r\n\r\n{filling}\r\n".encode(),
                    folder="2" if place == 0 else str(256 + place),
                    date=FIRST_SCAN - item * 1000,
                    flags=_FLAGS[item % len(_FLAGS)],
                )
        writer.finish_scan(LAST_SCAN)
