"""LDIF (RFC 2849): what is read, and what is said of the rest."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from archives import directory as written
from reinstate_service.source.archives.directory.ldif import Entry, read_entries
from reinstate_service.source.archives.directory.problems import LIMIT, Problems

Read = Callable[..., tuple[list[Entry], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes as a file: its entries, and its problems without the file's path."""

    def read_bytes(data: bytes, limit: int = 2**20) -> tuple[list[Entry], list[str]]:
        file = tmp_path / "a.ldif"
        file.write_bytes(data)
        problems = Problems()
        entries = list(read_entries(file, problems, limit))
        return entries, [str(one).removeprefix(f"{file}:") for one in problems.all()]

    return read_bytes


def test_version_comments_folds_base64_and_crlf_are_read(read: Read) -> None:
    data = (
        b"\xef\xbb\xbfversion: 1\r\n# a comment\r\n  that goes on\r\ndn: cn=a,\r\n dc=example\r\n"
        b"cn:a\r\ndescription::  w7w=\r\n# within\r\nCN: b\r\nempty:\r\n\r\n\r\n"
        b"dn:: Y249w7w=\r\ncn:   spaced\r\n"
    )
    entries, problems = read(data)
    assert problems == []
    assert [(entry.line, entry.dn, entry.attributes) for entry in entries] == [
        (4, "cn=a,dc=example", {"cn": [b"a", b"b"], "description": [b"\xc3\xbc"], "empty": [b""]}),
        (13, "cn=ü", {"cn": [b"spaced"]}),
    ]


def test_what_ldapsearch_prints_beside_the_entries_is_no_entry(read: Read) -> None:
    entries, problems = read(written.ldapsearch(written.example(), bare=False))
    assert [entry.dn for entry in entries] == [entry.dn for entry in written.example()]
    assert problems == []


def test_a_search_that_ended_early_is_said(read: Read) -> None:
    data = written.ldapsearch(written.example()[:2], bare=False, result="4 Size limit exceeded")
    entries, problems = read(data + b"\n# search reference\nref: ldap://other.example/dc=a\n")
    assert len(entries) == 2
    assert [problem.partition(": ")[2] for problem in problems] == [
        "the search ended early: 4 Size limit exceeded",
        "a reference to another server is not followed: export that server too",
    ]


def test_a_url_is_never_followed(read: Read, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    entries, problems = read(f"dn: cn=a\ncn: a\nphoto:< file://{secret}\n".encode())
    assert entries[0].attributes == {"cn": [b"a"]}
    assert problems == [
        "3: cn=a: photo is left out: its value lies elsewhere, and URLs are never followed"
    ]


@pytest.mark.parametrize("kind", ["changetype: delete", "changetype: modify", "control: 1.2.3"])
def test_a_change_record_is_refused_and_the_next_entry_is_read(read: Read, kind: str) -> None:
    entries, problems = read(f"dn: cn=a\n{kind}\nadd: x\nx: y\n-\n\ndn: cn=b\ncn: b\n".encode())
    assert [entry.dn for entry in entries] == ["cn=b"]
    assert problems == [
        "2: cn=a: a change record is no entry: export the entries themselves (slapcat)"
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"cn: a\n", "1: no entry: its first line is no dn"),
        (b" dn: a\n", "1: no entry: its first line is no dn"),
        (b"dn:: %%\ncn: a\n", "1: its dn cannot be read: its base64 is broken"),
        (b"dn:: /w==\ncn: a\n", "1: its dn is not UTF-8"),
        (b"dn:< file:///etc/passwd\n", "1: its dn cannot be read: its value lies elsewhere"),
        (b"version: 2\n", "1: not LDIF version 1, but read as if it were"),
        (b"\xff\xfed\0n\0", " it is UTF-16: save it as UTF-8"),
    ],
)
def test_what_is_no_entry_is_one_problem(read: Read, data: bytes, problem: str) -> None:
    entries, problems = read(data)
    assert entries == []
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_broken_value_costs_itself_alone_and_is_not_shown(read: Read) -> None:
    entries, problems = read(b"dn: cn=a\nuserPassword:: hunter2%\nno rule\ncn: a\n")
    assert entries[0].attributes == {"cn": [b"a"]}
    assert problems == [
        "2: cn=a: userPassword is left out: its base64 is broken",
        "3: cn=a: the line follows no rule of LDIF and is left out",
    ]
    assert "hunter2" not in repr(entries) + str(problems)


@pytest.mark.parametrize(
    "long",
    [
        b"x: " + b"y" * 5000 + b"\n",
        b"x: y\n" + b" z\n" * 5000,
        b"x: y\n" * 5000,
        b"x: " + b"y" * 500_000 + b"\n",
    ],
    ids=["line", "folds", "lines", "longer than a piece"],
)
def test_an_entry_that_is_too_long_is_passed_over_and_the_next_is_read(
    read: Read, long: bytes
) -> None:
    entries, problems = read(b"dn: cn=a\n" + long + b"z: 1\n\ndn: cn=b\n", limit=2000)
    assert [entry.dn for entry in entries] == ["cn=b"]
    assert problems == ["1: the entry takes more than 2000 bytes"]


def test_noise_does_not_fill_the_memory(read: Read) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    entries, problems = read(b"noise\n\n" * (20 * LIMIT) + b"x" * (100 * 2**20))
    assert entries == []
    assert problems[-1].endswith(f"and {19 * LIMIT + 1} further problems")
    assert len(problems) == LIMIT + 1
    # 100 MiB came in one line, and the test itself holds them twice.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    problems = Problems()
    assert list(read_entries(tmp_path / "none.ldif", problems)) == []
    assert list(read_entries(tmp_path, problems)) == []
    assert [str(one) for one in problems.all()] == [
        f"{tmp_path}/none.ldif: No such file or directory",
        f"{tmp_path}: Is a directory",
    ]
