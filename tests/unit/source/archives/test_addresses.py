"""Accounts from a table, or from addresses alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from archives import directory as written
from reinstate_service.source.archives.directory import accounts_from_addresses, read_directory


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_gives_accounts_whatever_separates_its_columns(
    tmp_path: Path, separator: str, end: str
) -> None:
    rows = [
        ("E-Mail", "Display Name", "aliases", "quota", "Password Hash", "id"),
        (
            "Anna@example.com",
            '"Rossi, ""A"""',
            "ross@example.com r@example.net",
            "500",
            "{SSHA}x",
            "7",
        ),
        ("", "", "", "", "", ""),
        ("bruno@example.net",),
    ]
    file = tmp_path / "people.csv"
    text = end.join(separator.join(row) for row in rows)
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = read_directory([file])
    assert found.problems == ()
    anna, bruno = found.accounts.values()
    assert (anna.id, anna.address, anna.display_name) == ("7", "anna@example.com", 'Rossi, "A"')
    assert (anna.quota, anna.password) == (500, "{SSHA}x")
    assert anna.aliases == ("ross@example.com", "r@example.net")
    assert bruno == next(iter(accounts_from_addresses(["bruno@example.net"]).accounts.values()))
    assert [domain.name for domain in found.domains] == ["example.com", "example.net"]


def test_all_mistakes_are_said_at_once_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "address,quota,password,colour\na@example.com,,,\nnobody,many,hunter2,\n"
        'A@example.com,,,\n"b@example.com"x,,,\nc@example.com,,,\n'
    )
    found = read_directory([file])
    assert [one.address for one in found.accounts.values()] == ["a@example.com", "c@example.com"]
    assert [(one.line, one.reason) for one in found.problems] == [
        (1, "column 4 is passed over: it has no known name, or one twice"),
        (3, "the row is left out: the address is none"),
        (3, "the row is left out: the quota is no number of bytes"),
        (3, "the row is left out: the password has no scheme such as {SSHA}"),
        (4, "the row is left out: its address stands in line 2 already"),
        (4, "the row is left out: its id stands in line 2 already"),
        (5, "the row cannot be read: ',' expected after '\"'"),
    ]
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"name\nAnna\n", "no column is called address or email: a header row is needed"),
        (b"address\n\xff@example.com\n", "the table is not UTF-8"),
    ],
)
def test_a_table_that_is_none_is_said(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(data)
    found = read_directory([file])
    assert not found.accounts
    assert reason in {problem.reason for problem in found.problems}


def test_an_ldif_counts_before_a_table(tmp_path: Path) -> None:
    ldif, table = tmp_path / "a.ldif", tmp_path / "a.csv"
    ldif.write_bytes(written.slapcat(written.example()))
    table.write_text("address,name\nbru@example.com,Other\nnew@example.org,New\n")
    found = read_directory([table, ldif])
    assert found.accounts[written.BRUNO].display_name == ""
    new = found.account_of("new@example.org")
    assert new is not None
    assert new.display_name == "New"
    assert "bru@example.com is in an LDIF already" in {one.reason for one in found.problems}
    assert [domain.name for domain in found.domains] == ["example.com", "example.org"]


def test_addresses_alone_give_accounts_whose_ids_stay() -> None:
    first, second = (accounts_from_addresses(["A@example.com", "nobody"]) for _ in range(2))
    assert first == second
    assert list(first.by_address) == ["a@example.com"]
    assert [str(one) for one in first.problems] == [
        "nobody: its name is no address: an account needs one"
    ]
