"""Small restores that have everything: a share, a filter, quotas, flags, keywords, a contact;
and mail that filters have put where a mountpoint belongs."""

from __future__ import annotations

import shutil
from pathlib import Path

from crash.killing import Outcome, outcome_of
from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.open import open_destination
from reinstate_service.model import (
    Account,
    DataSource,
    Filters,
    Flag,
    Folder,
    Item,
    ItemType,
    Tag,
)
from reinstate_service.operations.sample_content import salted_hash
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from team import ALICE, BOB, DAY, SCRIPT, SECRET, restore_until_phase_3, write_backup

ADDRESSES = ("alice@example.test", "bob@example.test")
#: How many messages lie in each folder that alice's filter has made.
STRAY = {("Team",): 3, ("Team", "Old"): 2}
_QUOTA = 10 << 20


def write_rich_backup(path: Path) -> None:
    """The share between two accounts, with quotas, flags, keywords, a contact, an alias and a
    data source."""
    write_backup(path)
    hashed = salted_hash(SECRET, b"saltsalt")
    later = DAY + 1000
    with BackupWriter(path, clock=lambda: later, durable=False) as writer:
        source = DataSource("s", "Elsewhere", "imap", "imap.example.org", folder="258")
        writer.put_account(
            Account(
                ALICE,
                "alice@example.test",
                password=hashed,
                quota=_QUOTA,
                aliases=("a@example.test",),
                data_sources=(source,),
                filters=Filters(incoming=SCRIPT),
            )
        )
        writer.put_account(Account(BOB, "bob@example.test", password=hashed, quota=2 * _QUOTA))
        writer.put_tag(BOB, Tag("64", "urgent"))
        writer.put_folder(BOB, Folder("7", "", "Contacts", view=ItemType.CONTACT))
        card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Carol\r\nEND:VCARD\r\n"
        writer.put_item(
            BOB,
            "1100",
            content=card,
            folder="7",
            date=DAY,
            type=ItemType.CONTACT,
            flags=Flag.FLAGGED,
        )
        flagged = b"Subject: flagged\r\n\r\nbody\r\n"
        flags = Flag.SEEN | Flag.FORWARDED
        writer.put_item(
            BOB, "1101", content=flagged, folder="2", date=DAY, flags=flags, tags=("urgent",)
        )
        writer.finish_scan(later)


def mail(path: tuple[str, ...], number: int) -> Delivery:
    """A message that a filter could have delivered."""
    content = f"Subject: {'/'.join(path)} {number}\n\nx\n".encode()
    item = Item("m", ItemType.MESSAGE, "", DAY + number * 1000, len(content), "", Flag.SEEN)
    name = f"M{number}P{len(path)}"
    return Delivery(name, path, item, ("todo",), lambda: iter([content]))


def restore_until_strays_lie(folder: Path, options: Options) -> None:
    """Restores as far as phase 3, and lets mail arrive where alice's mountpoint belongs."""
    restore_until_phase_3(folder / "reinstate.db", options)
    destination = open_destination(options.destination)
    with destination.mailbox("alice@example.test") as mailbox:
        for path, number in STRAY.items():
            mailbox.deliver([mail(path, one) for one in range(number)])
    destination.close()


class Scene:
    """A backup, and where its restore begins: `whole` with nothing there; `shared` and
    `symlink` before phase 3, with mail in the way of a mountpoint of that kind."""

    def __init__(self, kind: str, folder: Path) -> None:
        """Makes it in the new folder."""
        self.kind = kind
        self.backup = folder / "backup"
        self._template = folder / "template"
        self._template.mkdir(parents=True)
        write_rich_backup(self.backup)
        if kind != "whole":
            restore_until_strays_lie(self._template, self.options(self._template))

    def options(self, folder: Path) -> Options:
        """The options of the restore in `folder`."""
        return Options(
            str(self.backup),
            f"maildir:{folder / 'mail'}",
            mountpoints="shared" if self.kind == "whole" else self.kind,
            concurrent_accounts=1,
        )

    def begin(self, folder: Path) -> list[str]:
        """Puts in `folder` what is there before; answers the arguments of the command."""
        if self.kind != "whole":
            shutil.copytree(self._template / "mail", folder / "mail", symlinks=True)
            shutil.copy(self._template / "reinstate.db", folder / "reinstate.db")
        options = self.options(folder)
        where = ["--journal", str(folder / "reinstate.db"), "--mountpoints", options.mountpoints]
        how = ["--concurrent-accounts", "1", "--quiet"]
        return ["restore", options.source, options.destination, *where, *how]


def settled(folder: Path) -> Outcome:
    """Everything that there is in `folder`."""
    return outcome_of(ADDRESSES, folder / "mail", folder / "reinstate.db")
