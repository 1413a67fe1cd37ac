"""The plan: what a restore would do, and nothing touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from reinstate_service.destination.memory import MemoryDestination
from reinstate_service.model import (
    Account,
    ClassOfService,
    DistributionList,
    Domain,
    Folder,
    Grant,
    GranteeType,
    ItemType,
    Mountpoint,
    Product,
    Role,
)
from reinstate_service.operations.preview import Planner
from reinstate_service.restore.options import Options
from reinstate_service.restore.selection import UnknownAccounts
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter

ANN, BOB = "a0000000-0000-4000-8000-00000000000a", "b0000000-0000-4000-8000-00000000000b"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    with BackupWriter(tmp_path / "b", "server", Product.CARBONIO, lambda: 1000, False) as writer:
        writer.put_domain(Domain("d", "example.com", default_cos="c"))
        writer.put_cos(ClassOfService("c", "staff"))
        writer.put_list(DistributionList("l", "team@example.com"))
        for account, address in ((ANN, "ann@example.com"), (BOB, "bob@example.com")):
            writer.put_account(Account(account, address))
            writer.put_folder(account, Folder("2", "", "Inbox", role=Role.INBOX))
            grants = (Grant(BOB, GranteeType.USER, "r"),) if account == ANN else ()
            writer.put_folder(account, Folder("257", "", "Work", grants=grants))
            for item in ("1000", "1001"):
                writer.put_item(
                    account,
                    item,
                    content=item.encode(),
                    folder="257",
                    date=1,
                    type=ItemType.MESSAGE,
                )
        writer.delete_item(ANN, "1001", 2000)
        writer.put_mountpoint(BOB, Mountpoint("320", "", "Anns", ANN, "257"))
        writer.finish_scan(3000)
    return tmp_path / "b"


def planner(backup: Path, destination: MemoryDestination, **chosen: object) -> Planner:
    options = Options(str(backup), "memory:", **chosen)  # type: ignore[arg-type]
    return Planner(BackupPathSource(backup), destination, options)


def test_on_an_empty_destination_everything_is_created(backup: Path) -> None:
    made = planner(backup, MemoryDestination())
    assert {(one.kind, one.action) for one in made.preview().provisions} == {
        ("domain", "create"),
        ("class of service", "create"),
        ("distribution list", "create"),
    }
    ann, bob = made.accounts()
    assert (ann.action, ann.items, ann.skipped) == ("create", 2, {"deleted": 1})
    assert bob.mountpoints[0].refused == ""


def test_what_the_destination_has_is_used(backup: Path) -> None:
    destination = MemoryDestination()
    destination.put_domain(Domain("x", "example.com"))
    destination.put_class_of_service(ClassOfService("y", "staff"))
    destination.put_account(Account("z", "ann@example.com"))
    with destination.mailbox("ann@example.com") as mailbox:
        mailbox.create_folder(("Work",), Folder("1", "", "Work"))
    made = planner(backup, destination)
    assert [one.action for one in made.preview().provisions] == ["use", "use", "create"]
    ann, bob = made.accounts()
    assert (ann.action, bob.action) == ("use", "create")
    assert {one.source: one.reason.value for one in ann.folders}["Work",] == "existing"


def test_an_account_that_must_exist_and_does_not_is_missing(backup: Path) -> None:
    made = planner(backup, MemoryDestination(), skip_account_provisioning=True)
    assert {one.action for one in made.accounts()} == {"missing"}


def test_nothing_is_made_on_the_destination(backup: Path) -> None:
    destination = MemoryDestination()
    made = planner(backup, destination)
    made.preview()
    list(made.accounts())
    assert not destination.has_domain("example.com")
    assert not destination.has_account("ann@example.com")


def test_a_mountpoint_of_a_folder_that_is_not_shared_any_more_is_refused(backup: Path) -> None:
    with BackupWriter(backup, "server", Product.CARBONIO, lambda: 4000, False) as writer:
        writer.put_folder(ANN, Folder("257", "", "Work"))
        writer.finish_scan(5000)
    _, bob = planner(backup, MemoryDestination()).accounts()
    assert "is not granted to it" in bob.mountpoints[0].refused


def test_unknown_names_are_refused_at_once(backup: Path) -> None:
    with pytest.raises(UnknownAccounts):
        planner(backup, MemoryDestination(), accounts=("ghost@example.com",))
