"""How a Maildir destination keeps what is no mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.destination_contract import UNUSUAL_PATHS, delivery, folder
from reinstate_service.destination.contract import AccessGrant, Refused
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.maildir.layout import (
    NAMESPACE,
    Kind,
    collection_path,
    files_path,
    folder_directories,
)
from reinstate_service.destination.names import checked_address
from reinstate_service.model import Account, Domain, ItemType
from reinstate_service.model import Path as FolderPath
from reinstate_service.testing import law

ALICE = "alice@example.test"
SEGMENTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1
)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map(tuple)


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[MaildirDestination]:
    opened = MaildirDestination(tmp_path / "mail")
    opened.put_domain(Domain(id="d", name="example.test"))
    opened.put_account(Account(id="a", address=ALICE))
    yield opened
    opened.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What Radicale shows alice."""
    return tmp_path / "mail" / "radicale" / "collection-root" / ALICE


def properties(collection: Path) -> dict[str, str]:
    found = json.loads((collection / ".Radicale.props").read_text())
    assert isinstance(found, dict)
    return found


def test_a_collection_says_what_it_is(destination: MaildirDestination, home: Path) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.create_folder(("Work", "Team"), folder(ItemType.APPOINTMENT, colour="blue"))
        mailbox.create_folder(("To do",), folder(ItemType.TASK))
        mailbox.create_folder(("Friends",), folder(ItemType.CONTACT, colour="#00FF00"))
    assert properties(home / "Work.Team.ics") == {
        "tag": "VCALENDAR",
        "D:displayname": "Work/Team",
        "ICAL:calendar-color": "#5b9bf2",
        "C:supported-calendar-component-set": "VEVENT",
    }
    assert properties(home / "To do.ics")["C:supported-calendar-component-set"] == "VTODO"
    assert properties(home / "Friends.vcf") == {
        "tag": "VADDRESSBOOK",
        "D:displayname": "Friends",
        "{http://inf-it.com/ns/ab/}addressbook-color": "#00ff00",
    }


def test_one_path_may_hold_mail_calendars_contacts_and_documents(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        types = {type_: delivery(f"r1-{type_}", ("Trash",), type=type_) for type_ in ItemType}
        mailbox.deliver(list(types.values()))
        assert {(item.path, item.name) for item in mailbox.contents()} == {
            (("Trash",), one.name) for one in types.values()
        }
        assert [one.path for one in mailbox.folders()].count(("Trash",)) == 1
    assert sorted(path.name for path in home.iterdir()) == ["Trash.ics", "Trash.vcf"]
    assert sorted(path.name for path in (home / "Trash.ics").iterdir()) == [
        ".Radicale.props",
        "r1-appointment.ics",
        "r1-task.task.ics",
    ]


def test_what_a_collection_is_stays_as_its_user_has_changed_it(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.create_folder(("Calendar",), folder(ItemType.APPOINTMENT))
        props = home / "Calendar.ics" / ".Radicale.props"
        props.write_text('{"tag": "VCALENDAR", "D:displayname": "Mine"}')
        assert not mailbox.create_folder(("Calendar",), folder(ItemType.APPOINTMENT, colour="blue"))
    assert properties(home / "Calendar.ics")["D:displayname"] == "Mine"


def test_a_collection_that_a_client_made_is_none_of_the_backups_folders(
    destination: MaildirDestination, home: Path
) -> None:
    for name in ("5f3c-uuid", ".Radicale.tmp-x", ".ics", "a..b.ics"):
        (home / name).mkdir()
        (home / name / "item.ics").write_text("BEGIN:VCALENDAR")
    with destination.mailbox(ALICE) as mailbox:
        assert list(mailbox.contents()) == []
        assert {one.path for one in mailbox.folders()} == set(NAMESPACE.roles.values())


def test_nothing_of_ours_in_a_collection_is_an_item_to_radicale(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.create_folder(("Contacts",), folder(ItemType.CONTACT))
        mailbox.grant(("Contacts",), [AccessGrant("anyone", "lr")])
        mailbox.deliver([delivery("r1-1", ("Contacts",), type=ItemType.CONTACT, keywords=("x",))])
        assert mailbox.grants(("Contacts",)) == [AccessGrant("anyone", "lr")]
    names = {path.name for path in (home / "Contacts.vcf").iterdir()}
    assert {name for name in names if not name.startswith(".")} == {"r1-1.vcf"}


def test_a_display_name_holds_nothing_that_would_break_the_servers_answer(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.create_folder(("a\uffff<b>&",), folder(ItemType.CONTACT))
    (collection,) = home.iterdir()
    assert properties(collection)["D:displayname"] == "a\ufffd<b>&"


def test_what_stands_where_radicale_looks_for_an_account_stays(tmp_path: Path) -> None:
    opened = MaildirDestination(tmp_path / "mail")
    opened.put_domain(Domain(id="d", name="example.test"))
    there = tmp_path / "mail" / "radicale" / "collection-root" / ALICE
    there.mkdir()
    assert opened.put_account(Account(id="a", address=ALICE))
    opened.close()
    assert not there.is_symlink()


def test_an_address_that_is_longer_than_addresses_are_is_refused() -> None:
    domain = "d" * 60 + ".test"
    assert checked_address(f"{'a' * 64}@{domain}")
    with pytest.raises(Refused, match="cannot be an address"):
        checked_address(f"a@{'.'.join(['d' * 60] * 4)}{'.test' * 2}")


@law()
@given(path=PATHS, kind=st.sampled_from([Kind.CALENDAR, Kind.CONTACTS, Kind.FILES]))
def test_a_folders_path_and_kind_are_found_again_by_its_directories(
    path: FolderPath, kind: Kind
) -> None:
    try:
        within, *names = folder_directories(path, kind)
    except Refused:
        return
    assert within == kind.within
    assert not any(name.startswith(".") or "/" in name for name in names)
    if kind is Kind.FILES:
        assert files_path(tuple(names)) == path
    else:
        (name,) = names
        assert not name.endswith("~")
        assert collection_path(name) == (path, kind)


@pytest.mark.parametrize("path", UNUSUAL_PATHS)
def test_unusual_paths_have_a_place_of_every_kind(path: FolderPath) -> None:
    assert len({folder_directories(path, kind) for kind in Kind}) == len(Kind)


def test_the_longest_path_that_is_mapped_to_fits_a_collections_name() -> None:
    longest = ("x" * (NAMESPACE.path_bytes or 0),)
    (_, name) = folder_directories(longest, Kind.CALENDAR)
    assert len(name) == 255
