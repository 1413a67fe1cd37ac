"""Filters follow their folders: container-restore rule 9."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reinstate_service.mapping.filters import (
    Change,
    FolderTarget,
    Left,
    Redirected,
    folder_targets,
    redirect_filters,
)
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import Path

SLASHED = Namespace()
DOTTED = Namespace(separator=".")
TEAM: dict[Path, Path] = {("Shared", "Team"): ("shared", "example.com", "anna", "Team")}


def filing(path: str) -> str:
    return f'require "fileinto";\nfileinto "{path}";\n'


def redirected(path: str, redirects: Mapping[Path, Path], namespace: Namespace = SLASHED) -> str:
    """What the one path of a script becomes."""
    outcome = redirect_filters(filing(path), redirects, namespace)
    return outcome.text.split('fileinto "')[1].removesuffix('";\n')


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Work", "New"),
        ("/Work", "/New"),
        ("//Work", "//New"),
        ("Work/Sub", "New/Sub"),
        ("/Work//Sub/", "/New//Sub/"),
        ("Work ", "New"),
        ("Work \t/Sub ", "New/Sub "),
        ("/Work /\t", "/New/\t"),
        ("Workshop", "Workshop"),
        ("Work shop", "Work shop"),
        ("work", "work"),
        ("Home/Work", "Home/Work"),
        (" Work", " Work"),
        ("W\\ork", "New"),
    ],
)
def test_a_path_is_compared_segment_by_segment(old: str, new: str) -> None:
    assert redirected(old, {("Work",): ("New",)}) == new


def test_a_namespace_without_case_is_compared_without_case() -> None:
    assert (
        redirected("WORK/Sub", {("Work",): ("New",)}, Namespace(case_sensitive=False)) == "New/Sub"
    )


def test_the_inbox_is_compared_without_case_everywhere() -> None:
    assert redirected("inbox/Later", {("INBOX", "Later"): ("Later",)}) == "Later"
    assert redirected("INBOX/Later", {("Inbox", "Later"): ("Later",)}) == "Later"
    assert redirected("Work/inbox", {("Work", "INBOX"): ("New",)}) == "Work/inbox"


def test_both_normal_forms_are_the_same_name() -> None:
    assert redirected("Wo\u0308rk", {("W\u00f6rk",): ("New",)}) == "New"
    assert redirected("W\u00f6rk", {("Wo\u0308rk",): ("New",)}) == "New"


def test_the_longest_redirect_decides() -> None:
    redirects: dict[Path, Path] = {("Work",): ("Short",), ("Work", "Sub"): ("Long",)}
    assert redirected("Work/Sub/Deep", redirects) == "Long/Deep"
    assert redirected("Work/Other", redirects) == "Short/Other"


def test_a_redirect_to_itself_protects_what_is_below_a_shorter_one() -> None:
    redirects: dict[Path, Path] = {("Work",): ("New",), ("Work", "Sub"): ("Work", "Sub")}
    assert redirect_filters(filing("Work/Sub/x"), redirects, SLASHED) == Redirected(
        filing("Work/Sub/x")
    )


def test_a_new_name_is_quoted_where_it_has_to_be() -> None:
    assert redirected("Work", {("Work",): ('say "hi"', "back\\slash")}) == (
        'say \\"hi\\"/back\\\\slash'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Work", "shared.anna.Work"),
        ("Work.Sub", "shared.anna.Work.Sub"),
        ("Work/Sub", "shared/anna/Work/Sub"),
        ("/Work", "/shared/anna/Work"),
        ("Workshop.Work", "Workshop.Work"),
    ],
)
def test_a_path_is_written_with_the_separator_that_it_had(old: str, new: str) -> None:
    assert redirected(old, {("Work",): ("shared", "anna", "Work")}, DOTTED) == new


def test_a_change_tells_line_old_and_new_path() -> None:
    outcome = redirect_filters(filing("/Shared/Team/\\\\x"), TEAM, SLASHED)
    assert outcome.changed == (Change(2, "/Shared/Team/\\x", "/shared/example.com/anna/Team/\\x"),)
    assert outcome.left == ()


@pytest.mark.parametrize("word", ["fileinto", "discard", 'notify :fcc "x"'])
def test_comments_and_other_strings_stay(word: str) -> None:
    text = (
        f'# {word} "Work";\nif header :is "Work" "fileinto \\"Work\\";" {{ tag "Work"; }}\n'
        'vacation :days 3 text:\nfileinto "Work";\n.\n;\ninclude "Work";\n'
    )
    assert redirect_filters(text, {("Work",): ("New",)}, SLASHED) == Redirected(text)


def test_every_kind_of_folder_argument_is_redirected() -> None:
    text = (
        'if mailboxexists ["Work", "Other", "Work/a"] { fileinto :create :flags "Work" "Work"; }\n'
        'if metadata :is "Work" "/Work" "Work" { vacation :fcc "Work" "Work"; }\n'
        'disabled_if true { fileinto :copy "/Work"; }'
    )
    assert redirect_filters(text, {("Work",): ("New",)}, SLASHED).text == (
        'if mailboxexists ["New", "Other", "New/a"] { fileinto :create :flags "Work" "New"; }\n'
        'if metadata :is "New" "/Work" "Work" { vacation :fcc "New" "Work"; }\n'
        'disabled_if true { fileinto :copy "/New"; }'
    )


@pytest.mark.parametrize(
    "beginning",
    [
        'require ["fileinto", "variables"];',
        'if ihave "variables" { stop; }',
        'set "list" "Work";',
        'tag "x";',
        "disabled_if true { }",
    ],
)
def test_a_target_made_of_variables_is_reported(beginning: str) -> None:
    text = f'{beginning}\nfileinto "Work/${{list}}";'
    assert redirect_filters(text, {("Work",): ("New",)}, SLASHED) == Redirected(
        text, left=(Left(2, "Work/${list}", "its folder depends on variables"),)
    )


def test_without_the_extension_a_dollar_is_a_dollar() -> None:
    assert redirected("Work/${list}", {("Work",): ("New",)}) == "New/${list}"


def test_encoded_characters_are_reported_where_they_are_declared() -> None:
    text = 'require ["fileinto", "encoded-character"]; fileinto "${HEX: 57}ork";'
    outcome = redirect_filters(text, {("Work",): ("New",)}, SLASHED)
    assert outcome.text == text
    assert [left.reason for left in outcome.left] == ["its folder is written in encoded characters"]
    plain = text.replace(', "encoded-character"', "")
    assert redirect_filters(plain, {("Work",): ("New",)}, SLASHED) == Redirected(plain)


def test_a_new_path_that_would_be_read_as_a_variable_is_not_written() -> None:
    text = 'require "variables"; fileinto "Work";'
    outcome = redirect_filters(text, {("Work",): ("${x}",)}, SLASHED)
    assert (outcome.text, len(outcome.left)) == (text, 1)


@pytest.mark.parametrize(
    "new", [(), ("",), ("a", "", "b"), ("a/b",), ("a\nb",), ("\0",), ("\udcff",), (" ",)]
)
def test_a_new_path_that_no_string_can_name_is_reported(new: Path) -> None:
    outcome = redirect_filters(filing("Work/Sub"), {("Work",): new}, SLASHED)
    assert outcome.text == filing("Work/Sub")
    assert [(left.line, left.text) for left in outcome.left] == [(2, "Work/Sub")]


@pytest.mark.parametrize(
    "redirects",
    [
        {("A",): ("B",), ("B",): ("C",)},
        {("A",): ("B",), ("B",): ("A",)},
        {("A",): ("A", "Old")},
        {("A",): ("B", "x"), ("B",): ("C",)},
    ],
)
def test_what_was_redirected_is_never_redirected_again(redirects: dict[Path, Path]) -> None:
    outcome = redirect_filters(filing("A/Sub"), redirects, SLASHED)
    assert outcome.text == filing("A/Sub")
    (left,) = outcome.left
    assert left.reason.endswith("is itself redirected")


def test_a_multi_line_text_that_names_a_redirected_folder_is_reported() -> None:
    text = "fileinto text:\nWork\n.\n;"
    outcome = redirect_filters(text, {("Work",): ("New",)}, SLASHED)
    assert outcome == Redirected(
        text, left=(Left(1, "Work\n", "its folder is named by a multi-line text"),)
    )
    assert redirect_filters(text, {("Other",): ("New",)}, SLASHED) == Redirected(text)


def test_a_script_that_does_not_parse_is_reported_and_left() -> None:
    text = 'fileinto "Work";\nif true {'
    outcome = redirect_filters(text, {("Work",): ("New",)}, SLASHED)
    assert outcome == Redirected(
        text, left=(Left(2, "", "the script ends in the middle of a command"),)
    )
    assert redirect_filters(text, {}, SLASHED) == Redirected(text)


def test_the_root_cannot_be_redirected() -> None:
    assert redirected("Work", {(): ("New",), ("", " "): ("New",)}) == "Work"


def test_the_order_of_redirects_changes_nothing() -> None:
    one: dict[Path, Path] = {("INBOX", "x"): ("a",), ("inbox", "x"): ("b",)}
    other = dict(reversed(one.items()))
    assert redirected("Inbox/x", one) == redirected("Inbox/x", other)


def test_folder_targets_are_the_literal_paths_that_filters_file_to() -> None:
    script = """require ["fileinto", "variables", "tag"];
        # fileinto "Comment";
        if mailboxexists "Tested" { fileinto "/Shared//Team "; }
        if true { fileinto :copy "inbox/Wo\u0308rk"; fileinto "Lists/${1}"; fileinto ""; }
        disabled_if true { fileinto "Off"; }
    """
    assert folder_targets(script) == [
        FolderTarget(3, ("Shared", "Team"), active=True),
        FolderTarget(4, ("INBOX", "W\u00f6rk"), active=True),
        FolderTarget(4, None, active=True),
        FolderTarget(5, ("Off",), active=False),
    ]


def test_folder_targets_are_read_with_the_server_s_separator() -> None:
    assert folder_targets(filing("Work.Sub"), ".") == [
        FolderTarget(2, ("Work", "Sub"), active=True)
    ]
    assert folder_targets(filing("Work.Sub")) == [FolderTarget(2, ("Work.Sub",), active=True)]


def test_a_script_that_does_not_parse_files_nowhere() -> None:
    assert folder_targets('fileinto "Work"') == []
