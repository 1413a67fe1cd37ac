"""A verification changes the journal and nothing else, and can be killed."""

from __future__ import annotations

from pathlib import Path

import tampering
from crash.syscalls import OPENING, Call, run_traced
from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.events import AccountVerified
from reinstate_service.operations.sample import write_many
from reinstate_service.restore.options import Options
from running import restore_here, run, start
from team import write_backup


def _could_change(call: Call) -> bool:
    opens = any(mode in call.line for mode in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"))
    return opens if call.name in OPENING else True


def test_no_call_of_a_verification_could_change_destination_or_backup(tmp_path: Path) -> None:
    backup, tree, journal = tmp_path / "backup", tmp_path / "mail", tmp_path / "r.db"
    write_backup(backup)
    restore_here(journal, Options(source=str(backup), destination=f"maildir:{tree}"))
    tampering.flag_message(tree / "example.test/bob/Maildir/.Team")
    (tree / "example.test/bob/Maildir/tmp/leftover").write_text("of a dead process")
    traced = run_traced(["verify", "--deep", "--journal", str(journal)], tmp_path, threads=True)
    assert traced.exit == 0, traced.output
    assert "1 changed since" in traced.output
    concerned = [call for call in traced.calls if call.concerns(tree) or call.concerns(backup)]
    assert len(concerned) > 20
    assert [call for call in concerned if _could_change(call)] == []


def test_one_that_is_killed_goes_on_and_compares_no_account_twice(tmp_path: Path) -> None:
    backup, tree, journal = tmp_path / "backup", tmp_path / "mail", tmp_path / "r.db"
    write_many(backup, accounts=150, items=600)
    restore_here(journal, Options(source=str(backup), destination=f"maildir:{tree}"))
    process = start("verify", "--concurrent-accounts", "1", "--journal", journal)
    while not _compared(journal):
        assert process.poll() is None, "it was through before it could be killed"
    process.kill()
    process.wait()
    before = _compared(journal)
    assert 0 < len(before) < 150
    run("verify", "--quiet", "--journal", journal)
    after = _compared(journal)
    assert after[: len(before)] == before
    assert len(after) == len({one.account for one in after}) == 150
    assert {one.verification for one in after} == {1}
    assert check(journal) == []


def _compared(journal: Path) -> list[AccountVerified]:
    with open_reader(journal) as reader:
        events = [recorded.event for recorded in reader.read(types=[AccountVerified])]
    return [event for event in events if isinstance(event, AccountVerified)]
