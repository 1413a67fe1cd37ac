"""The absence reply is a vacation that Pigeonhole runs; what was not translated is reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from pigeonhole import STOCK, needs_pigeonhole, outcome, refusal
from reinstate_journal import open_reader
from reinstate_service.mapping.sieve.absence import with_absence
from reinstate_service.model import Account, Domain, Filters, Folder, OutOfOffice, Product, Role
from reinstate_service.operations.container_map import make_account_map
from reinstate_service.operations.report import make_report
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupWriter
from running import restore_here, run
from system.dovecot import reachable_folder, tree_owner

ANN = "11111111-0000-4000-8000-00000000000a"
MAIL = "From: a@elsewhere.test\nTo: me@example.test\nSubject: hi\n{more}\nbody\n"
ALWAYS = OutOfOffice(True, 'Away, "really"\n.\n')
PAST, FUTURE = 1_500_000_000_000, 4_000_000_000_000
BEFORE = 'require ["fileinto"];\n# admin\nif header :is "subject" "hi" { fileinto "A"; stop; }\n'
DIALECT = (
    'require ["fileinto", "tag"];\n# Blue\nif list { fileinto "/work"; tag "Blue"; stop; }\n'
    "# Mass\nif bulk { discard; }\n"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as one:
        yield one


@needs_pigeonhole
@pytest.mark.parametrize(
    ("absence", "more", "answered"),
    [
        (ALWAYS, "", True),
        (ALWAYS, "X-Spam-Flag: YES\n", False),
        (replace(ALWAYS, start=PAST, until=FUTURE), "", True),
        (replace(ALWAYS, start=FUTURE), "", False),
        (replace(ALWAYS, until=PAST), "", False),
        (replace(ALWAYS, enabled=False), "", False),
        (None, "", False),
    ],
)
def test_who_writes_is_answered_while_the_absence_lasts(
    absence: OutOfOffice | None, more: str, answered: bool, folder: Path
) -> None:
    script = with_absence(BEFORE, absence, ["me@example.test"], STOCK.split())
    told = outcome(script, MAIL.format(more=more), folder)
    assert ("send vacation message" in told) is answered
    assert ('Away, "really"' in told) is answered
    assert "store message in folder: A" in told


def write_backup(path: Path, absence: OutOfOffice | None, filters: Filters, scan: int) -> None:
    with BackupWriter(path, "s", Product.CARBONIO, lambda: scan, False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        account = Account(ANN, "ann@example.test", filters=filters, out_of_office=absence)
        writer.put_account(account)
        writer.put_folder(ANN, Folder("2", "", "Inbox", role=Role.INBOX))
        writer.put_folder(ANN, Folder("257", "", "Work"))
        writer.finish_scan(scan)


@needs_pigeonhole
def test_a_restore_translates_the_scripts_and_tells_what_it_could_not(folder: Path) -> None:
    write_backup(folder / "backup", ALWAYS, Filters(incoming=DIALECT, outgoing=DIALECT), 1000)
    journal, mail = folder / "j.db", folder / "mail"
    options = Options(
        source=str(folder / "backup"), destination=f"maildir:{mail}", owner=tree_owner()
    )
    assert "COMMENT    filter incoming, line 5: Mass" in run(
        "plan", options.source, options.destination
    )
    restore_here(journal, options)
    sieve = mail / "example.test/ann/sieve"
    incoming, before = ((sieve / f"{name}.sieve").read_text() for name in ("incoming", "before"))
    assert 'addflag "Blue"; fileinto "Work"; stop;' in incoming
    assert "vacation" in before
    assert (sieve / "outgoing.sieve").read_text() == DIALECT
    assert refusal(incoming, folder) is None
    with open_reader(journal) as reader:
        (note,) = [one for one in make_report(reader).filter_notes if one.text == "Mass"]
        found = make_account_map(reader, "ann@example.test")
    assert (note.script, note.line) == ("incoming", 5)
    assert "names contain a word" in note.reason
    assert set(found.translated) == {"before", "incoming"}
    told = run("map", "ann@example.test", "--journal", journal)
    assert "is not run: it looks for headers" in told


def test_an_absence_that_is_over_is_answered_no_more(folder: Path) -> None:
    journal = folder / "j.db"
    options = Options(
        source=str(folder / "backup"),
        destination=f"maildir:{folder / 'mail'}",
        owner=tree_owner(),
    )
    before = folder / "mail/example.test/ann/sieve/before.sieve"
    write_backup(folder / "backup", ALWAYS, Filters(), 1000)
    restore_here(journal, options)
    assert "vacation" in before.read_text()
    write_backup(folder / "backup", replace(ALWAYS, enabled=False), Filters(), 2000)
    restore_here(journal, options)
    assert "vacation" not in before.read_text()
