"""The main job on real messages: a Backup Path restored into a tree that a stock Dovecot serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from imapclient.exceptions import LoginError

import oracle
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_service.destination.open import open_destination
from reinstate_service.model import MAIL_TYPES
from reinstate_service.operations.report import make_report
from reinstate_service.operations.sample import Sample, SampleAccount, build_sample, demo_messages
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupPathSource
from running import restore_here, run
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from system.served import as_served, own_folders, served

REAL_MESSAGES = Path(__file__).parents[3] / "shared" / "data" / "messages"
#: The names that differ between the backup and what a client sees.
_RENAMED = {"Inbox": "INBOX"}


class Restored(NamedTuple):
    """A sample, its restore with the command, and a server over the tree."""

    sample: Sample
    journal: Path
    tree: Path
    restore: str


def _messages(kind: str) -> list[bytes]:
    if kind == "generated":
        return demo_messages()
    if not REAL_MESSAGES.is_dir():
        pytest.skip(f"the real messages are not here: {REAL_MESSAGES}")
    return [path.read_bytes() for path in sorted(REAL_MESSAGES.glob("*.eml"))]


@pytest.fixture(scope="module", params=["real", "generated", "real, kept and linked"])
def restored(request: pytest.FixtureRequest) -> Iterator[Restored]:
    kind, _, kept = request.param.partition(", ")
    messages = _messages(kind)
    with reachable_folder() as folder:
        sample = build_sample(folder / "backup", messages)
        tree, journal = folder / "mail", folder / "reinstate.db"
        owner = tree_owner()
        owned = ["--owner", f"{owner[0]}:{owner[1]}"] if owner else []
        stored = ["--compress", "keep", "--dedupe", "link"] if kept else []
        run(
            *("restore", folder / "backup", f"maildir:{tree}", "--journal", journal),
            *owned,
            *stored,
            expect=3,
        )
        with open_reader(journal) as reader:
            restore = reader.progress.restores()[0].restore
        yield Restored(sample, journal, tree, restore)


@pytest.fixture(scope="module")
def server(restored: Restored) -> Iterator[Dovecot]:
    with Dovecot(restored.tree) as running:
        yield running


def test_every_item_lies_where_the_backup_had_it_with_bytes_flags_keywords_and_date(
    restored: Restored,
) -> None:
    accounts = oracle.restored_accounts(restored.sample)
    with open_reader(restored.journal) as reader:
        places = oracle.places(reader, restored.restore, accounts)
    destination = open_destination(f"maildir:{restored.tree}")
    found = oracle.found(destination, [account.address for account in accounts])
    destination.close()
    assert found == oracle.expected(accounts, places)
    assert found.total() > 200


def test_folders_keep_their_names_unless_the_destination_cannot_hold_them(
    restored: Restored,
) -> None:
    accounts = oracle.restored_accounts(restored.sample)
    with open_reader(restored.journal) as reader:
        places = oracle.places(reader, restored.restore, accounts)
    for account in accounts:
        for folder in account.folders:
            wanted = (_RENAMED.get(folder.path[0], folder.path[0]), *folder.path[1:])
            place = places[account.id][folder.id]
            assert place == wanted or ("/" in folder.path[-1] and "~" in place[-1])


@needs_dovecot
def test_an_imap_client_finds_exactly_the_backup(restored: Restored, server: Dovecot) -> None:
    accounts = oracle.restored_accounts(restored.sample)
    with open_reader(restored.journal) as reader:
        places = oracle.places(reader, restored.restore, accounts)
    source = BackupPathSource(restored.sample.path)
    for account in accounts:
        if source.account(account.id).status != "active":
            with pytest.raises(LoginError):
                server.imap(account.address, account.secret)
            continue
        with server.imap(account.address, account.secret) as client:
            assert served(client) == _wanted(source, account, places[account.id])


def _wanted(
    source: BackupPathSource, account: SampleAccount, places: dict[str, tuple[str, ...]]
) -> Counter[tuple[object, ...]]:
    wanted: Counter[tuple[object, ...]] = Counter()
    collections = {
        folder.id
        for folder in source.containers(account.id).folders
        if folder.view not in MAIL_TYPES
    }
    for folder in account.folders:
        name = "/".join(places[folder.id])
        if folder.id not in collections:
            wanted[name, "exists"] = 1
        for item in folder.items:
            if item.deleted or item.type not in MAIL_TYPES:
                continue
            body = b"".join(source.content(item))
            wanted[name, *as_served(item, body)] += 1
    return wanted


@needs_dovecot
def test_accounts_that_were_left_out_cannot_log_in(restored: Restored, server: Dovecot) -> None:
    system = next(one for one in restored.sample.accounts if one.system)
    with pytest.raises(LoginError):
        server.imap(system.address, system.secret)


@needs_dovecot
def test_a_mountpoint_shows_the_owners_folder_and_dangling_ones_break_no_list(
    restored: Restored, server: Dovecot
) -> None:
    with open_reader(restored.journal) as reader:
        mounted = [
            (account, mountpoint)
            for account in oracle.restored_accounts(restored.sample)
            for mountpoint in reader.containers.mountpoints(
                f"restore/{restored.restore}/{account.id}"
            ).values()
        ]
    working = [(account, one) for account, one in mounted if not one.refused]
    refused = [(account, one) for account, one in mounted if one.refused]
    assert working
    assert len(refused) == 2
    for account, mountpoint in working:
        with server.imap(account.address, account.secret) as client:
            name = "/".join(mountpoint.address)
            assert name in {folder for _, _, folder in client.list_sub_folders()}
            client.select_folder(name, readonly=True)
    for account, _ in refused:
        with server.imap(account.address, account.secret) as client:
            assert len(client.list_folders()) > 10


@needs_dovecot
def test_mail_that_arrives_later_is_filed_by_the_restored_filter(
    restored: Restored, server: Dovecot
) -> None:
    anna = next(one for one in restored.sample.accounts if one.address.startswith("anna@"))
    message = b"From: boss@example.com\r\nSubject: [work] plan\r\n\r\nnew\r\n"
    script = restored.tree / "example.com" / "anna" / ".dovecot.sieve"
    assert script.is_symlink()
    server.lmtp("boss@example.com", anna.address, message)
    with server.imap(anna.address, anna.secret) as client:
        held = 0
        for name in own_folders(client):
            client.select_folder(name, readonly=True)
            held += len(client.search(["SUBJECT", "[work] plan"]))
        assert held == 1


def test_the_report_adds_up_to_the_backup(restored: Restored) -> None:
    source = BackupPathSource(restored.sample.path)
    in_backup = {account.id: source.count_items(account.id) for account in restored.sample.accounts}
    with open_reader(restored.journal) as reader:
        report = make_report(reader)
    assert {one.account: one.counts.items for one in report.accounts} == in_backup
    assert report.totals.items == sum(in_backup.values())
    counts = report.totals
    assert counts.items == counts.restored + sum(counts.skipped.values())
    deleted = sum(
        item.deleted
        for account in oracle.restored_accounts(restored.sample)
        for folder in account.folders
        for item in folder.items
    )
    assert counts.skipped["deleted"] == deleted
    assert {one.what.split()[0] for one in report.failures} == {"mountpoint"}


def test_only_the_classes_of_service_that_are_used_are_made(restored: Restored) -> None:
    classes = {
        cos.id: cos.name for cos in BackupPathSource(restored.sample.path).classes_of_service()
    }
    assert len(classes) == 3
    destination = open_destination(f"maildir:{restored.tree}")
    made = {name for name in classes.values() if destination.has_class_of_service(name)}
    destination.close()
    assert len(made) == 2


def test_quotas_are_back_after_the_restore(restored: Restored) -> None:
    source = BackupPathSource(restored.sample.path)
    destination = open_destination(f"maildir:{restored.tree}")
    accounts = [source.account(one.id) for one in oracle.restored_accounts(restored.sample)]
    assert any(account.quota for account in accounts)
    for account in accounts:
        assert destination.quota(account.address) == account.quota
    destination.close()


def test_a_second_restore_of_the_same_backup_does_nothing(restored: Restored) -> None:
    before = _files(restored.tree)
    with open_reader(restored.journal) as reader:
        events = reader.head()
    options = Options(source=restored.sample.path, destination=f"maildir:{restored.tree}")
    restore_here(restored.journal, options)
    with open_reader(restored.journal) as reader:
        repeated = [recorded.type for recorded in reader.read(after=events.position)]
    assert _files(restored.tree) == before
    assert not [name for name in repeated if not name.startswith(("Run", "Phase"))]


def _files(tree: Path) -> set[tuple[str, int]]:
    """Every file of the mail tree with its size, apart from what a server keeps for itself."""
    return {
        (str(path.relative_to(tree)), path.stat().st_size)
        for path in tree.rglob("*")
        if path.is_file() and "/cur/" in str(path)
    }


def test_the_journal_is_sound_afterwards(restored: Restored) -> None:
    assert check(restored.journal) == []
