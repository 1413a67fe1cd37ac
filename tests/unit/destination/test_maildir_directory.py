"""The views of directory.sqlite that Dovecot asks, and the configuration that names them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from damage import snapshot
from reinstate_journal.errors import UsageError
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.maildir.dovecot_conf import dovecot_conf
from reinstate_service.destination.open import destination_as_it_is
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
)


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[MaildirDestination]:
    """One domain, one account."""
    opened = MaildirDestination(tmp_path / "mail")
    opened.put_domain(Domain(id="d", name="example.test"))
    opened.put_account(Account(id="a", address="alice@example.test"))
    yield opened
    opened.close()


@pytest.fixture
def db(destination: MaildirDestination, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The directory as Dovecot opens it."""
    assert destination.has_domain("example.test")
    connection = sqlite3.connect(f"file:{tmp_path}/mail/directory.sqlite?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def user(db: sqlite3.Connection, local: str = "alice", domain: str = "example.test") -> sqlite3.Row:
    """What Dovecot's user_query answers."""
    row: sqlite3.Row = db.execute(
        "SELECT * FROM dovecot_userdb WHERE local = ? AND domain = ?", (local, domain)
    ).fetchone()
    return row


def test_the_accounts_own_quota_comes_first_then_the_classes_then_the_domains(
    destination: MaildirDestination, db: sqlite3.Connection
) -> None:
    alice = Account(id="a", address="alice@example.test")
    assert user(db)["quota_rule"] == "*:storage=0B"
    destination.configure_domain(Domain(id="d", name="example.test", account_quota=1))
    assert user(db)["quota_rule"] == "*:storage=1B"
    destination.put_class_of_service(ClassOfService(id="c2", name="basic", quota=2))
    destination.configure_domain(
        Domain(id="d", name="example.test", account_quota=1, default_cos="c2")
    )
    assert user(db)["quota_rule"] == "*:storage=2B"
    destination.put_class_of_service(ClassOfService(id="c3", name="gold", quota=3))
    destination.configure_account(alice, "gold", True)
    assert user(db)["quota_rule"] == "*:storage=3B"
    destination.set_quota("alice@example.test", 4)
    assert user(db)["quota_rule"] == "*:storage=4B"


def test_groups_are_the_lists_an_account_is_in_however_deep_and_in_circles(
    destination: MaildirDestination, db: sqlite3.Connection
) -> None:
    destination.configure_account(
        Account(id="a", address="alice@example.test", aliases=("al@example.test",)),
        "",
        True,
    )
    for address, members, aliases in (
        ("one@example.test", ("AL@example.test",), ("uno@example.test",)),
        ("two@example.test", ("uno@example.test", "three@example.test"), ()),
        ("three@example.test", ("two@example.test",), ()),
        ("other@example.test", ("bob@example.test",), ()),
    ):
        made = DistributionList(id=address, address=address, members=members, aliases=aliases)
        destination.put_list(made)
        destination.configure_list(made, True)
    assert set(user(db)["acl_groups"].split(",")) == {
        "@example.test",
        "one@example.test",
        "two@example.test",
        "three@example.test",
    }


@pytest.mark.parametrize(
    ("status", "logs_in", "receives"),
    [
        ("active", 1, True),
        ("locked", 0, True),
        ("closed", 0, False),
        ("pending", 0, True),
    ],
)
def test_only_active_accounts_log_in(
    destination: MaildirDestination,
    db: sqlite3.Connection,
    status: str,
    logs_in: int,
    receives: bool,
) -> None:
    destination.configure_account(
        Account(id="a", address="alice@example.test", password="{PLAIN}x", status=status),
        "",
        True,
    )
    assert db.execute("SELECT count(*) FROM dovecot_passdb").fetchone()[0] == logs_in
    assert (user(db) is not None) == receives


def test_an_account_without_a_password_cannot_log_in(
    destination: MaildirDestination, db: sqlite3.Connection
) -> None:
    destination.configure_account(Account(id="a", address="alice@example.test"), "", True)
    assert db.execute("SELECT count(*) FROM dovecot_passdb").fetchone()[0] == 0


def test_every_name_of_an_account_leads_to_its_home(
    destination: MaildirDestination, db: sqlite3.Connection, tmp_path: Path
) -> None:
    destination.configure_account(
        Account(id="a", address="alice@example.test", aliases=("al@example.test",)),
        "",
        True,
    )
    destination.configure_domain(Domain(id="d", name="example.test", aliases=("alias.test",)))
    for local, domain in (
        ("alice", "example.test"),
        ("al", "example.test"),
        ("alice", "alias.test"),
    ):
        row = user(db, local, domain)
        assert row["user"] == "alice@example.test"
        assert row["home"] == f"{tmp_path}/mail/example.test/alice"
        assert (row["uid"], row["gid"]) == (os.geteuid(), os.getegid())


def test_a_tree_that_was_moved_is_found_where_it_is(tmp_path: Path) -> None:
    opened = MaildirDestination(tmp_path / "old")
    opened.put_domain(Domain(id="d", name="example.test"))
    opened.put_account(Account(id="a", address="alice@example.test"))
    identity = opened.identity()
    opened.close()
    (tmp_path / "old").rename(tmp_path / "new")
    moved = MaildirDestination(tmp_path / "new")
    assert moved.identity() == identity
    with sqlite3.connect(tmp_path / "new" / "directory.sqlite") as db:
        (home,) = db.execute("SELECT home FROM dovecot_userdb").fetchone()
    db.close()
    assert home == f"{tmp_path}/new/example.test/alice"
    moved.close()


def test_the_gal_shows_whom_it_may(destination: MaildirDestination, db: sqlite3.Connection) -> None:
    hidden = DistributionList(id="l", address="hidden@example.test", hide_in_gal=True)
    shown = DistributionList(id="m", address="shown@example.test", display_name="Shown")
    for one in (hidden, shown):
        destination.put_list(one)
        destination.configure_list(one, True)
    rows = db.execute("SELECT address, kind FROM gal ORDER BY address").fetchall()
    assert [tuple(row) for row in rows] == [
        ("alice@example.test", "account"),
        ("shown@example.test", "list"),
    ]


def test_secrets_of_data_sources_lie_only_in_the_directory(
    destination: MaildirDestination, db: sqlite3.Connection
) -> None:
    source = DataSource(id="s", name="old", type="imap", password="hush")
    destination.put_data_source("alice@example.test", source)
    assert db.execute("SELECT password FROM data_sources").fetchone()[0] == "hush"


def test_a_configuration_needs_a_destination_that_dovecot_may_serve(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="no Maildir destination"):
        dovecot_conf(tmp_path)
    with pytest.raises(UsageError, match="no Maildir destination"):
        dovecot_conf(tmp_path / ("x" * 300))
    if os.geteuid() == 0:
        MaildirDestination(tmp_path / "mail").close()
        with pytest.raises(UsageError, match="belongs to root"):
            dovecot_conf(tmp_path / "mail")
        MaildirDestination(tmp_path / "a b", owner=(1990, 1990)).close()
        with pytest.raises(UsageError, match="cannot hold the path"):
            dovecot_conf(tmp_path / "a b")
        MaildirDestination(tmp_path / "served", owner=(1990, 1990)).close()
    else:
        MaildirDestination(tmp_path / "served").close()
    printed = dovecot_conf(tmp_path / "served", "/etc/dovecot/x.ext")
    assert "args = /etc/dovecot/x.ext" in printed.main
    assert f"connect = {tmp_path}/served/directory.sqlite" in printed.sql


def test_a_tree_that_is_only_looked_at_is_not_written_to_even_where_it_was_moved(
    tmp_path: Path,
) -> None:
    with closing(MaildirDestination(tmp_path / "mail")) as made:
        made.put_domain(Domain(id="d", name="example.test"))
        made.put_account(Account(id="a", address="a@example.test"))
    moved = tmp_path / "moved"
    (tmp_path / "mail").rename(moved)
    (moved / "acl").rmdir()
    before = snapshot(moved)
    with closing(MaildirDestination(moved, create=False)) as looked_at:
        assert looked_at.account("a@example.test").id == "a"
        with looked_at.mailbox("a@example.test") as mailbox:
            assert mailbox.grants(("INBOX",)) == []
            assert list(mailbox.contents()) == []
    assert snapshot(moved) == before
    assert not (moved / "acl").exists()


@pytest.mark.parametrize("content", [b"", b"a journal of SQLite's beside an empty file"])
def test_a_directory_that_was_cut_off_before_it_had_tables_is_none_yet(
    tmp_path: Path, content: bytes
) -> None:
    """So that `plan` and `verify` answer, and the next restore makes it whole."""
    (tmp_path / "directory.sqlite").touch()
    if content:
        (tmp_path / "directory.sqlite-journal").write_bytes(content)
    before = snapshot(tmp_path)
    with closing(destination_as_it_is(f"maildir:{tmp_path}")) as looked_at:
        assert not looked_at.has_domain("example.test")
    assert snapshot(tmp_path) == before
    with closing(MaildirDestination(tmp_path)) as made:
        made.put_domain(Domain(id="d", name="example.test"))
    with closing(destination_as_it_is(f"maildir:{tmp_path}")) as looked_at:
        assert looked_at.has_domain("example.test")
