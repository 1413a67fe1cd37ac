"""The doctor finds what would stop a restore, and only that."""

from __future__ import annotations

from pathlib import Path

from reinstate_journal import open_journal
from reinstate_service.operations.doctor import Finding, examine


def found(journal: Path, place: Path | None = None) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(journal, place)}


def test_it_names_the_versions_that_a_report_of_a_fault_needs(tmp_path: Path) -> None:
    made = found(tmp_path / "j.db")
    assert {"reinstate", "python", "sqlite", "dovecot"} <= set(made)


def test_a_journal_that_is_not_there_yet_is_no_problem_and_is_not_made(tmp_path: Path) -> None:
    assert found(tmp_path / "j.db")["journal"].state == "note"
    assert list(tmp_path.iterdir()) == []


def test_a_sound_journal_is_ok(tmp_path: Path) -> None:
    open_journal(tmp_path / "j.db").close()
    assert found(tmp_path / "j.db")["journal"].state == "ok"


def test_a_journal_that_is_being_written_is_named_with_its_writer(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j.db"):
        texts = [one.text for one in examine(tmp_path / "j.db", None) if one.what == "journal"]
    assert any("is being written by process" in text for text in texts)


def test_garbage_for_a_journal_is_a_problem_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "j.db").write_bytes(b"x" * 9999)
    made = found(tmp_path / "j.db")["journal"]
    assert made.state == "problem"
    assert str(tmp_path / "j.db") in made.text


def test_a_place_that_is_not_there_yet_is_judged_by_what_is_above_it_and_not_made(
    tmp_path: Path,
) -> None:
    made = found(tmp_path / "j.db", tmp_path / "a" / "b")
    assert made["file names"].state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_place_to_restore_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    made = found(tmp_path / "j.db", tmp_path / "file" / "mail")["destination"]
    assert made.state == "problem"
    assert "is no directory" in made.text


def test_a_place_where_nothing_can_be_made_is_a_problem(tmp_path: Path) -> None:
    assert found(tmp_path / "j.db", Path("/proc/nowhere"))["destination"].state == "problem"
