"""A verification under strace: it changes the journal and nothing else."""

from __future__ import annotations

from pathlib import Path

import tampering
from crash.syscalls import OPENING, Call, run_traced
from reinstate_service.restore.options import Options
from running import restore_here
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
    run = run_traced(["verify", "--deep", "--journal", str(journal)], tmp_path, threads=True)
    assert run.exit == 0, run.output
    assert "1 changed since" in run.output
    concerned = [call for call in run.calls if call.concerns(tree) or call.concerns(backup)]
    assert len(concerned) > 20
    assert [call for call in concerned if _could_change(call)] == []
