"""Filters on a live server: stored by ManageSieve, beside what the user has, and run by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reinstate_service.destination.contract import Destination, Missing, Refused
from reinstate_service.destination.imap.accounts import Accounts
from reinstate_service.destination.imap.configuration import read_configuration
from reinstate_service.destination.imap.connection import server_of
from reinstate_service.destination.imap.filters import INCLUDING, included, including
from reinstate_service.destination.imap.managesieve import ManageSieve
from reinstate_service.destination.waiting import Waiting
from reinstate_service.model import Filters
from system.dovecot import needs_dovecot
from system.live import LiveDovecot, live_server
from team import SECRET

pytestmark = needs_dovecot

ADDRESS = "alice@example.test"


def filing(word: str, folder: str) -> str:
    """A script that files what has the word in its subject."""
    test = f'header :contains "subject" "{word}"'
    return f'require ["fileinto", "mailbox"];\r\nif {test} {{ fileinto :create "{folder}"; }}\r\n'


@pytest.fixture
def live() -> Iterator[LiveDovecot]:
    with live_server([ADDRESS]) as server:
        yield server


@pytest.fixture
def destination(live: LiveDovecot) -> Destination:
    return live.destination()


@pytest.fixture
def sieve(live: LiveDovecot) -> Iterator[ManageSieve]:
    imap = read_configuration(str(live.config))
    accounts = Accounts(server_of(live.location), imap, Waiting())
    with accounts.sieve(ADDRESS) as opened:
        yield opened


def filed(live: LiveDovecot, subject: str) -> set[str]:
    """The folders in which a message of this subject arrives."""
    content = f"Message-ID: <{subject}>\r\nSubject: {subject}\r\n\r\nx\r\n"
    live.dovecot.lmtp("x@elsewhere.test", ADDRESS, content.encode())
    found = set()
    with live.dovecot.imap(ADDRESS, SECRET) as client:
        for _, _, name in client.list_folders():
            client.select_folder(name, readonly=True)
            if client.search(["SUBJECT", subject]):
                found.add(name)
    return found


def test_the_incoming_script_becomes_the_active_one(
    live: LiveDovecot, destination: Destination, sieve: ManageSieve
) -> None:
    filters = Filters(incoming=filing("one", "One"), outgoing="# kept only")
    with destination.mailbox(ADDRESS) as mailbox:
        for _ in range(2):
            assert list(mailbox.install_filters(filters)) == ["incoming", "outgoing"]
        assert mailbox.scripts() == {"incoming": filters.incoming, "outgoing": filters.outgoing}
    assert sieve.scripts() == {"reinstate.incoming": True, "reinstate.outgoing": False}
    assert filed(live, "one") == {"One"}


def test_what_the_user_has_active_is_kept_and_run_as_well(
    live: LiveDovecot, destination: Destination, sieve: ManageSieve
) -> None:
    sieve.store('user"s', filing("mine", "Mine"))
    sieve.activate('user"s')
    filters = Filters(incoming=filing("one", "One"), before=filing("first", "First"))
    with destination.mailbox(ADDRESS) as mailbox:
        for _ in range(2):
            mailbox.install_filters(filters)
        assert mailbox.scripts()['user"s'] == filing("mine", "Mine")
    assert included(sieve.script(INCLUDING)) == ["reinstate.before", 'user"s', "reinstate.incoming"]
    assert sieve.scripts()[INCLUDING]
    assert filed(live, "mine") == {"Mine"}
    assert filed(live, "one") == {"One"}
    assert filed(live, "first") == {"First"}


def test_a_script_of_the_users_that_is_called_like_ours_stays(
    live: LiveDovecot, destination: Destination, sieve: ManageSieve
) -> None:
    sieve.store("incoming", filing("mine", "Mine"))
    sieve.activate("incoming")
    with destination.mailbox(ADDRESS) as mailbox:
        mailbox.install_filters(Filters(incoming=filing("one", "One")))
        assert mailbox.scripts() == {
            "./incoming": filing("mine", "Mine"),
            "incoming": filing("one", "One"),
        }
        mailbox.replace_script("./incoming", filing("mine", "Other"))
    assert sieve.script("incoming") == filing("mine", "Other")
    assert filed(live, "mine") == {"Other"}
    assert filed(live, "one") == {"One"}


def test_a_script_is_replaced_in_its_place(
    live: LiveDovecot, destination: Destination, sieve: ManageSieve
) -> None:
    with destination.mailbox(ADDRESS) as mailbox:
        mailbox.install_filters(Filters(incoming=filing("one", "One")))
        mailbox.replace_script("incoming", filing("one", "Other"))
        with pytest.raises(Missing):
            mailbox.replace_script("nobody's", "keep;")
    assert sieve.scripts() == {"reinstate.incoming": True}
    assert filed(live, "one") == {"Other"}


def test_a_script_that_the_server_does_not_take_is_told_with_its_line(
    destination: Destination, sieve: ManageSieve
) -> None:
    with destination.mailbox(ADDRESS) as mailbox, pytest.raises(Refused, match="line 1"):
        mailbox.install_filters(Filters(incoming="no sieve at all"))
    assert sieve.scripts() == {}


def test_the_names_of_scripts_are_no_commands() -> None:
    names = ['a"b', "c\\d", 'e\\"f;\tg', "ü"]
    assert included(including(names)) == names


def test_without_managesieve_the_filters_are_refused_and_nothing_else(live: LiveDovecot) -> None:
    live.config.write_text(
        live.config.read_text().replace(f":{live.sieve_port}", f":{live.imap_port}")
    )
    destination = live.destination()
    with destination.mailbox(ADDRESS) as mailbox:
        assert mailbox.scripts() == {}
        with pytest.raises(Refused, match="no ManageSieve"):
            mailbox.install_filters(Filters(incoming="keep;"))
        assert mailbox.folders()
