"""Logging in to a live server with tokens of an authorisation server (RFC 7628, XOAUTH2)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from contract.destination_contract import delivery
from crash.test_fence import must_be_whole, write_backup
from reinstate_service.destination.contract import Delivered
from reinstate_service.destination.imap.errors import LoginRefused
from reinstate_service.model import Account, Filters
from running import run, start
from system.dovecot import needs_dovecot, reachable_folder
from system.introspection import Introspection
from system.leaks import leaked
from system.live import LiveDovecot

pytestmark = needs_dovecot

ALICE, BOB = "alice@example.test", "bob@example.test"
_OAUTH = """
auth_mechanisms = plain oauthbearer xoauth2
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {folder}/oauth2.conf.ext
}}
"""
_EXT = """
introspection_mode = post
introspection_url = {url}
username_attribute = email
active_attribute = active
active_value = true
"""


class Authorised(NamedTuple):
    """A server, who tells it whose a token is, and the command that prints an account's."""

    live: LiveDovecot
    server: Introspection
    command: list[str]


@pytest.fixture(scope="module")
def authorised() -> Iterator[Authorised]:
    with reachable_folder() as folder, Introspection() as server:
        (folder / "oauth2.conf.ext").write_text(_EXT.format(url=server.url))
        live = LiveDovecot(folder, [ALICE, BOB], _OAUTH.format(folder=folder))
        (folder / "tokens").mkdir(mode=0o700)
        with live.dovecot:
            yield Authorised(live, server, ["cat", str(folder / "tokens/{address}")])


def issue(authorised: Authorised, address: str, token: str) -> None:
    """Gives an account a token that its server knows, in the place of the one before."""
    known = authorised.server.tokens
    for old in [one for one, whose in known.items() if whose == address]:
        del known[old]
    known[token] = address
    (authorised.live.folder / "tokens" / address).write_text(token + "\n")


@pytest.mark.parametrize("method", ["oauthbearer", "xoauth2"])
def test_accounts_are_logged_in_to_with_their_tokens(authorised: Authorised, method: str) -> None:
    live = authorised.live
    live.empty()
    live.configure(login={"method": method}, command=authorised.command)
    for address in (ALICE, BOB):
        issue(authorised, address, f"first-{address}")
    destination = live.destination()
    with destination.mailbox(ALICE) as mailbox:
        assert mailbox.deliver([delivery("1")]) == [Delivered()]
    issue(authorised, ALICE, "second")  # a token is asked for at every login
    with destination.mailbox(ALICE) as mailbox:
        assert mailbox.install_filters(Filters(incoming="keep;")) == ["incoming"]
        assert len(list(mailbox.contents())) == 1
    destination.close()


@pytest.mark.parametrize("method", ["oauthbearer", "xoauth2"])
def test_a_token_that_is_not_good_lets_nobody_in_and_is_told_to_nobody(
    authorised: Authorised, method: str
) -> None:
    live = authorised.live
    live.configure(login={"method": method}, command=authorised.command, timeout=5)
    issue(authorised, BOB, "good")
    issue(authorised, ALICE, "old-tok3n")
    destination = live.destination()
    with destination.mailbox(ALICE) as mailbox:
        authorised.server.tokens.clear()
        with pytest.raises(LoginRefused) as refused:
            mailbox.install_filters(Filters(incoming="keep;"))
        assert "tok3n" not in str(refused.value)
    with pytest.raises(LoginRefused) as refused:
        live.destination().put_account(Account("x", ALICE))
    assert "tok3n" not in str(refused.value)
    issue(authorised, ALICE, "of-alice")
    (live.folder / "tokens" / BOB).write_text("of-alice")
    assert not live.destination().has_account(BOB)


def test_no_token_is_in_journal_or_output(authorised: Authorised, tmp_path: Path) -> None:
    live = authorised.live
    live.empty()
    live.configure(login={"method": "oauthbearer"}, command=authorised.command)
    for address in (ALICE, BOB):
        issue(authorised, address, f"tok3n-of-{address}")
    backup, journal = live.folder / "backup", tmp_path / "reinstate.db"
    write_backup(backup)
    listed = ""
    process = start(
        *("restore", backup, live.location, "--config", live.config, "--journal", journal),
    )
    while process.poll() is None:
        ps = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
        listed += ps.stdout
    told = run("report", "--journal", journal, "--json")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("reinstate.db*"))
    assert str(backup) in listed
    assert leaked("tok3n-of-", listed, told, kept) == []
    must_be_whole(live, journal)
