"""The documented command, as it is typed in run books."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from commands import whole_command
from reinstate_cli.documented import PARAMETERS, VERB, Misread, at_the_front, translate
from reinstate_journal import open_reader
from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.operations.sample_people import account_id
from reinstate_service.operations.session import last_options
from reinstate_service.source.backup_path import BackupWriter
from unit.cli.conftest import Ask

ROOT = Path(__file__).parents[3]
PEOPLE = ("john@example.com", "jack@example.com", "ann@example0.com", "bob@example1.com")


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    with BackupWriter(tmp_path / "path", clock=lambda: 1000, durable=False) as writer:
        for domain in ("example.com", "example0.com", "example1.com"):
            writer.put_domain(Domain(domain, domain))
        for address in PEOPLE:
            account = account_id(address)
            writer.put_account(Account(account, address))
            writer.put_folder(account, Folder("2", "", "Inbox", role=Role.INBOX))
            writer.put_item(account, "1000", content=b"Subject: x\r\n\r\n", folder="2", date=1000)
        writer.finish_scan(1000)
    return tmp_path / "path"


def test_the_three_documented_examples_run(
    ask: Ask, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REINSTATE_DESTINATION", "maildir:mail")
    two = ("accounts", "john@example.com,jack@example.com", "domains", "example.com")
    lines = (
        (*two, "filter_deleted", "false", "skip_system_accounts", "false"),
        (*two, "skip_domain_provisioning", "true"),
        ("domains", "example0.com,example1.com", "concurrent_accounts", "5"),
    )
    asked = []
    for line in lines:
        got = ask("doExternalRestore", backup, *line)
        assert got.code == 0, got.err
        assert f"note: the same as: reinstate restore {backup} maildir:mail --" in got.err
        with open_reader(tmp_path / "reinstate.db") as reader:
            asked.append(last_options(reader)[1])
            known = {
                one.address for one in reader.progress.accounts(last_options(reader)[0].restore)
            }
    assert known == set(PEOPLE)
    assert (asked[0].filter_deleted, asked[0].skip_system_accounts) == (False, False)
    assert asked[0].accounts == PEOPLE[:2]
    assert asked[2].concurrent_accounts == 5


def test_each_parameter_becomes_an_option_of_restore_except_the_one_that_has_no_meaning() -> None:
    known = {
        option
        for parameter in whole_command().commands["restore"].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for name in PARAMETERS:
        words = [
            word
            for value in ("true", "false", "5")
            for word in _translated(name, value)
            if word.startswith("--")
        ]
        assert set(words) <= known
        assert bool(words) == (name != "blobs_archive")


def _translated(name: str, value: str) -> tuple[str, ...]:
    try:
        return translate(["/path", name.upper(), value]).words[1:]
    except Misread:
        return ()


def test_a_parameter_that_has_no_meaning_here_is_named_and_nothing_is_silently_dropped() -> None:
    made = translate(["/path", "blobs_archive", "bucket-1"])
    assert made.words == ("/path",)
    assert any(remark.startswith("blobs_archive: it has no meaning") for remark in made.remarks)


def test_names_and_truths_are_read_in_any_case() -> None:
    shouted = translate(["/path", "PROVISIONING_ONLY", "TRUE", "Filter_Deleted", "False"])
    assert shouted.words == ("/path", "--provisioning-only", "--no-filter-deleted")


def test_all_mistakes_are_named_at_once(ask: Ask, tmp_path: Path) -> None:
    words = ("skip_coses", "yes", "colour", "red", "concurrent_accounts", "many", "domains", "a")
    got = ask("doExternalRestore", "/path", *words, "DOMAINS", "b", "accounts")
    assert got.code == 2
    for mistake in (
        "skip_coses is true or false, not 'yes'",
        "colour is no parameter",
        "concurrent_accounts is a whole number, not 'many'",
        "domains is there twice",
        "accounts has no value",
    ):
        assert mistake in got.err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_path_is_not_taken_for_a_parameter(ask: Ask) -> None:
    got = ask("doExternalRestore", "domains", "example.com", "provisioning_only", "true")
    assert got.code == 2
    assert "SOURCE_PATH is missing" in got.err


def test_without_a_destination_it_says_how_to_name_one(ask: Ask) -> None:
    got = ask("doExternalRestore", "/path", "domains", "example.com")
    assert got.code == 2
    assert "REINSTATE_DESTINATION" in got.err


def test_with_json_the_answer_and_what_is_beside_it_are_json(ask: Ask, backup: Path) -> None:
    got = ask("--json", "backup", "doexternalrestore", backup, "--destination", "maildir:mail")
    assert got.code == 0
    assert json.loads(got.out)["totals"]["restored"] == 4
    assert all("note" in json.loads(line) for line in got.err.splitlines())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["DOEXTERNALRESTORE", "/p"], [VERB, "/p"]),
        (["--progress", "backup", VERB, "/p"], [VERB, "--progress", "/p"]),
        (["backup", "info", VERB], ["backup", "info", VERB]),
        (["status"], ["status"]),
        ([], []),
    ],
)
def test_global_options_may_stand_in_front(typed: list[str], read: list[str]) -> None:
    assert at_the_front(typed) == read


def test_the_page_for_those_who_come_from_carbonio_has_every_parameter() -> None:
    page = (ROOT / "docs" / "coming-from-carbonio.md").read_text(encoding="utf-8")
    for name in ("source_path", *PARAMETERS):
        assert re.search(rf"^\| `{name}` \| .+ \|$", page, re.MULTILINE), name
