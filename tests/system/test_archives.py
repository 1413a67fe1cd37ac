"""Archives and an LDIF, restored with the command, killed once, and read over Dovecot."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from imapclient.exceptions import LoginError  # type: ignore[import-untyped]

from archives import directory
from archives.example import Example, build
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.events import account_stream
from reinstate_service.destination.open import open_destination
from reinstate_service.model import MAIL_TYPES
from running import run, start
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from system.served import as_served, served
from unit.cli.waiting import wait_for_the_first_item

SECRET = "correct horse"
ADDRESSES = {directory.ANNA: "anna@example.com", directory.BRUNO: "bruno@example.com"}
MANY = 1_201


class Restored(NamedTuple):
    """What the archives hold, and where it is now."""

    example: Example
    journal: Path
    tree: Path
    restore: str


def hashed(password: str) -> str:
    """The hash that OpenLDAP keeps."""
    salt = b"saltsalt"
    digest = hashlib.sha512(password.encode() + salt).digest()
    return "{SSHA512}" + base64.b64encode(digest + salt).decode()


def _make(folder: Path) -> Example:
    example = build(folder, many=MANY)
    users = ("uid=anna,", "uid=bruno,")
    entries = [
        entry.with_(userPassword=[hashed(SECRET)]) if entry.dn.startswith(users) else entry
        for entry in directory.example()
    ]
    (folder / "directory.ldif").write_bytes(directory.ldapsearch(entries))
    return example


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    with reachable_folder() as folder:
        example = _make(folder / "archives")
        tree, journal = folder / "mail", folder / "reinstate.db"
        owner = tree_owner()
        owned = ["--owner", f"{owner[0]}:{owner[1]}"] if owner else []
        process = start(
            "restore",
            f"archives:{folder / 'archives'}",
            f"maildir:{tree}",
            "--journal",
            journal,
            *owned,
        )
        wait_for_the_first_item(journal, process)
        process.kill()
        process.wait()
        run("resume", "--journal", journal)
        with open_reader(journal) as reader:
            yield Restored(example, journal, tree, reader.progress.restores()[0].restore)


@pytest.fixture(scope="module")
def server(restored: Restored) -> Iterator[Dovecot]:
    with Dovecot(restored.tree) as running:
        yield running


def test_the_restore_was_cut_off_and_then_finished(restored: Restored) -> None:
    with open_reader(restored.journal) as reader:
        run_ = reader.progress.last_run(restored.restore)
        assert run_ is not None
        assert (run_.run, run_.outcome) == (2, "finished")
    assert not check(restored.journal)


def test_a_second_restore_finds_nothing_to_do(restored: Restored) -> None:
    before = _events(restored.journal)
    source = f"archives:{restored.example.path}"
    run("restore", source, f"maildir:{restored.tree}", "--journal", restored.journal)
    assert _events(restored.journal) == before


def _events(journal: Path) -> int:
    with open_reader(journal) as reader:
        return sum(1 for _ in reader.read())


@needs_dovecot
def test_an_imap_client_finds_every_message_byte_for_byte_with_flags_tags_and_date(
    restored: Restored, server: Dovecot
) -> None:
    with open_reader(restored.journal) as reader:
        for account, address in ADDRESSES.items():
            stream = account_stream(restored.restore, account)
            places = {key: place.path for key, place in reader.containers.folders(stream).items()}
            wanted: Counter[tuple[object, ...]] = Counter(
                (
                    "/".join(places[item.folder]),
                    *as_served(item, restored.example.content[item.digest]),
                )
                for item in restored.example.items[account]
                if item.type in MAIL_TYPES
            )
            with server.imap(address, SECRET) as client:
                found = served(client)
                assert (
                    Counter({key: n for key, n in found.items() if key[1:] != ("exists",)})
                    == wanted
                )
            assert wanted.total() > 3


def test_contacts_appointments_and_documents_lie_in_their_collections(restored: Restored) -> None:
    destination = open_destination(f"maildir:{restored.tree}")
    with destination.mailbox("anna@example.com") as mailbox:
        found = Counter(item.digest for item in mailbox.contents())
    destination.close()
    wanted = Counter(item.digest for item in restored.example.items[directory.ANNA])
    assert found == wanted


@needs_dovecot
def test_the_hash_of_the_ldif_lets_its_owner_in_and_nobody_else(server: Dovecot) -> None:
    for address in ("anna@example.com", "rossi@example.com", "bruno@example.com"):
        server.imap(address, SECRET).shutdown()
    for address, password in (("anna@example.com", "wrong"), ("room@example.com", SECRET)):
        with pytest.raises(LoginError):
            server.imap(address, password)


@needs_dovecot
def test_a_mountpoint_shows_what_its_grant_allows(restored: Restored, server: Dovecot) -> None:
    with open_reader(restored.journal) as reader:
        stream = account_stream(restored.restore, directory.BRUNO)
        (mountpoint,) = reader.containers.mountpoints(stream).values()
    assert not mountpoint.refused
    with server.imap("bruno@example.com", SECRET) as client:
        name = "/".join(mountpoint.address)
        client.select_folder(name)
        assert len(client.search()) == MANY
        client.append(name, b"Subject: new\r\n\r\nfrom bruno\r\n")
        assert len(client.search()) == MANY + 1
