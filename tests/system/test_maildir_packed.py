"""A real Dovecot, configured as we print it, serves messages that are the backup's gzip files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import odd_gzip
from odd_gzip import ADDRESS, BLOBS, LOOKALIKES, Blob, write_odd_backup
from reinstate_service.destination.maildir.dovecot_conf import dovecot_conf
from reinstate_service.restore.options import Options
from running import restore_here, run
from system.dovecot import Dovecot, needs_dovecot, reachable_folder, tree_owner
from team import DAY

pytestmark = needs_dovecot


class Served(NamedTuple):
    """A restore and the server over it."""

    backup: Path
    journal: Path
    tree: Path
    server: Dovecot


@pytest.fixture(scope="module")
def kept() -> Iterator[Served]:
    """Every kind of blob, restored with `--compress keep`."""
    with reachable_folder() as folder:
        write_odd_backup(folder / "backup", BLOBS)
        tree, journal = folder / "mail", folder / "reinstate.db"
        asked = Options(
            str(folder / "backup"), f"maildir:{tree}", owner=tree_owner(), compress="keep"
        )
        restore_here(journal, asked)
        with Dovecot(tree) as server:
            yield Served(folder / "backup", journal, tree, server)


def _over_imap(content: bytes) -> bytes:
    """Dovecot's way to send it: with CRLF, and no NUL (RFC 3501 §4.3.1)."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\0", b"\x80")


def _must_be_served(server: Dovecot, blobs: dict[str, Blob]) -> None:
    with server.imap(ADDRESS, "secret") as client:
        client.select_folder("INBOX", readonly=True)
        fetched = client.fetch(
            client.search(), ["RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]", "FLAGS"]
        )
    assert len(fetched) == len(blobs)
    found = sorted(fetched.values(), key=lambda message: message[b"INTERNALDATE"].timestamp())
    for number, (name, blob) in enumerate(blobs.items()):
        message = found[number]
        assert message[b"BODY[]"] == _over_imap(blob.content), name
        assert message[b"RFC822.SIZE"] == len(_over_imap(blob.content)), name
        date = message[b"INTERNALDATE"].astimezone().timestamp()
        assert date == DAY // 1000 + number * 3600, name


def test_every_message_reads_back_byte_for_byte_also_after_a_resync(kept: Served) -> None:
    _must_be_served(kept.server, BLOBS)
    kept.server.doveadm("force-resync", "-u", ADDRESS, "*")
    _must_be_served(kept.server, BLOBS)
    assert "Error" not in kept.server.log()


def test_sizes_and_quota_are_those_of_the_contents(kept: Served) -> None:
    kept.server.doveadm("force-resync", "-u", ADDRESS, "*")
    told = kept.server.doveadm(
        *("-f", "tab", "fetch", "-u", ADDRESS, "size.physical size.virtual date.received"),
        *("mailbox", "INBOX"),
    )
    found = sorted(line.split("\t")[::-1] for line in told.splitlines()[1:])
    wanted = [[str(len(_crlf(blob.content))), str(len(blob.content))] for blob in BLOBS.values()]
    assert [line[1:] for line in found] == wanted
    told = kept.server.doveadm("-f", "tab", "quota", "get", "-u", ADDRESS)
    counted = {line.split("\t")[1]: line.split("\t")[2] for line in told.splitlines()[1:]}
    assert int(counted["MESSAGE"]) == len(BLOBS)
    total = sum(len(_crlf(blob.content)) for blob in BLOBS.values())
    assert abs(int(counted["STORAGE"]) * 1024 - total) <= 1024


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_search_looks_into_them(kept: Served) -> None:
    with kept.server.imap(ADDRESS, "secret") as client:
        client.select_folder("INBOX", readonly=True)
        found = len(client.search(["BODY", "findme"]))
        subjects = [len(client.search(["SUBJECT", letter])) for letter in "abk"]
    assert found == sum(b"findme" in blob.content for blob in BLOBS.values())
    assert subjects == [1, 1, 1]


def test_copies_moves_and_flags_are_the_servers_own_business(kept: Served) -> None:
    wanted = _over_imap(BLOBS["ordinary"].content)
    with kept.server.imap(ADDRESS, "secret") as client:
        client.select_folder("INBOX")
        (uid,) = client.search(["SUBJECT", "a"])
        client.copy([uid], "Sent")
        client.select_folder("Sent")
        (copied,) = client.search()
        client.add_flags([copied], [b"\\Flagged"])
        assert client.fetch([copied], ["BODY.PEEK[]"])[copied][b"BODY[]"] == wanted
        client.delete_messages([copied])
        client.expunge()


def test_verification_finds_all_there_quickly_and_deep(kept: Served) -> None:
    run("verify", "--journal", kept.journal)
    run("verify", "--deep", "--journal", kept.journal)


def test_the_plugin_is_printed_only_where_it_is_needed(kept: Served) -> None:
    """It would take plain messages for compressed ones that only look so."""
    assert "listescape zlib\n" in dovecot_conf(kept.tree).main
    with reachable_folder() as folder:
        write_odd_backup(folder / "backup", LOOKALIKES)
        tree = folder / "mail"
        asked = Options(str(folder / "backup"), f"maildir:{tree}", owner=tree_owner())
        restore_here(folder / "reinstate.db", asked)
        assert "zlib" not in dovecot_conf(tree).main
        with Dovecot(tree) as server:
            _must_be_served(server, LOOKALIKES)


def test_one_tree_holds_packed_and_plain_messages_of_two_runs() -> None:
    with reachable_folder() as folder:
        journal, tree = folder / "reinstate.db", folder / "mail"
        for compress, most in (("none", len(odd_gzip.MESSAGE)), ("keep", 0)):
            blobs = {name: blob for name, blob in BLOBS.items() if name not in LOOKALIKES}
            if not (folder / "backup").exists():
                write_odd_backup(folder / "backup", blobs)
            asked = Options(
                str(folder / "backup"),
                f"maildir:{tree}",
                owner=tree_owner(),
                compress=compress,
                max_file_size=most,
            )
            restore_here(journal, asked)
        with Dovecot(tree) as server:
            _must_be_served(server, blobs)
