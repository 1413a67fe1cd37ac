"""Sieve is read without losing a byte."""

from __future__ import annotations

import pytest

from reinstate_service.mapping.sieve.folders import folder_arguments
from reinstate_service.mapping.sieve.lexer import Kind, Token, quoted, tokens, value
from reinstate_service.mapping.sieve.parser import Fault, parse


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (" \t\r\n\n", Kind.BLANK),
        ("\ufeff", Kind.BLANK),
        ('# fileinto "Work"; /*', Kind.COMMENT),
        ('/* two\nlines, "a string", ** / */', Kind.COMMENT),
        ("/***/", Kind.COMMENT),
        ('""', Kind.STRING),
        ('"say \\"hi\\" \\\\"', Kind.STRING),
        ('"undefined \\escape # /* text:\n\n.\n"', Kind.STRING),
        ("text:\n.\n", Kind.TEXT),
        ("TEXT: \t# why\r\na\r\n..\r\n.b\r\n.\r\n", Kind.TEXT),
        ("disabled_if", Kind.IDENTIFIER),
        ("_x9", Kind.IDENTIFIER),
        (":copy", Kind.TAG),
        ("100", Kind.NUMBER),
        ("2G", Kind.NUMBER),
        (";", Kind.PUNCTUATION),
        ("\r", Kind.OTHER),
        ("\0", Kind.OTHER),
        ("10Kb", Kind.OTHER),
        ('"never closed\\', Kind.OTHER),
        ("/* never closed *", Kind.OTHER),
        ("text:\nnever closed\n..\n", Kind.OTHER),
    ],
)
def test_what_is_one_token(text: str, kind: Kind) -> None:
    assert tokens(text) == [Token(kind, text, 1)]


def test_a_byte_order_mark_means_something_only_at_the_beginning() -> None:
    assert [token.kind for token in tokens("\ufeff;\ufeff")] == [
        Kind.BLANK,
        Kind.PUNCTUATION,
        Kind.OTHER,
    ]


def test_a_hash_comment_ends_before_the_line_break() -> None:
    assert [token.text for token in tokens("# a\r\nstop;")] == ["# a", "\r\n", "stop", ";"]


def test_every_token_knows_its_line() -> None:
    found = {token.text: token.line for token in tokens('a /*\n*/ b "\n" text:\n.\nc')}
    assert found["b"] == 2
    assert found["text:\n.\n"] == 3
    assert found["c"] == 5


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('"a \\"b\\" \\\\ \\c"', 'a "b" \\ c'),
        ("text:\na\n..\n..b\n.c\n.\n", "a\n.\n.b\n.c\n"),
        ("text: # 1\r\na\r\n.\r\n", "a\r\n"),
        ("text:\n.\n", ""),
    ],
)
def test_what_a_string_says(text: str, meaning: str) -> None:
    (token,) = tokens(text)
    assert value(token) == meaning


@pytest.mark.parametrize("text", ["", "Work", 'say "hi"', "back\\slash\\", '\\"'])
def test_a_quoted_string_says_what_was_quoted(text: str) -> None:
    (token,) = tokens(quoted(text))
    assert token.kind is Kind.STRING
    assert value(token) == text


@pytest.mark.parametrize(
    "script",
    [
        "",
        "# nothing\r\n",
        "stop;",
        "if true {}",
        'if anyof(not true, header "a" ["b", "c"]) { keep; } elsif false { } else { stop; }',
        'disabled_if me :in "to" { tag "x"; flag "y"; }',
        "if anyof () { keep; }",
        'require []; notify "a" "b" text:\nc\n.\n["d"] 10;',
    ],
)
def test_what_parses(script: str) -> None:
    assert not isinstance(parse(tokens(script)), Fault)


@pytest.mark.parametrize(
    ("script", "line", "text"),
    [
        ("stop", 1, ""),
        ("if true {\n", 1, ""),
        ("keep;\n}", 2, "}"),
        ("keep }", 1, "}"),
        ("keep;\n;", 2, ";"),
        ('fileinto "a" "b', 1, '"b'),
        ('fileinto ["a" "b"];', 1, '"b"'),
        ('fileinto ["a",];', 1, "]"),
        ('fileinto [,"a"];', 1, ","),
        ("fileinto [5];", 1, "5"),
        ("if anyof (true,) { }", 1, ")"),
        ("if anyof (;) { }", 1, ";"),
        ("keep;\rstop;", 1, "\r"),
        ('"Work";', 1, '"Work"'),
        ("if true { ) }", 1, ")"),
    ],
)
def test_what_does_not_parse_and_where_that_shows(script: str, line: int, text: str) -> None:
    outcome = parse(tokens(script))
    assert isinstance(outcome, Fault)
    assert (outcome.line, outcome.text) == (line, text)


@pytest.mark.parametrize("script", ["if anyof (true false) { }", 'if true "late" { }'])
def test_whether_a_test_may_have_arguments_is_left_to_the_server(script: str) -> None:
    assert not isinstance(parse(tokens(script)), Fault)


def test_a_fault_never_carries_a_whole_script() -> None:
    outcome = parse(tokens('"' + "x" * 10_000))
    assert isinstance(outcome, Fault)
    assert len(outcome.text) == 60


def folders(script: str) -> list[str]:
    lexed = tokens(script)
    calls = parse(lexed)
    assert not isinstance(calls, Fault)
    return [value(lexed[argument.token]) for argument in folder_arguments(calls)]


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ('fileinto "A";', ["A"]),
        ('FILEINTO ["A", "B"];', ["A", "B"]),
        ('fileinto :copy :create "A";', ["A"]),
        ('fileinto :flags ["x", "y"] "A";', ["A"]),
        ('fileinto :mailboxid "x" :specialuse "\\\\Sent" "A";', ["A"]),
        ('fileinto "A" :flags "x";', ["A"]),
        ('fileinto :unheard_of "x" "A";', ["A"]),
        ("fileinto;", []),
        ("fileinto 5;", []),
        ('if mailboxexists ["A", "B"] { }', ["A", "B"]),
        ('if metadata :comparator "i;octet" :is "A" "/x" ["y"] { }', ["A"]),
        ('if metadata :value "ge" "A" "/x" "5" { }', ["A"]),
        ('if metadataexists "A" ["/x"] { }', ["A"]),
        ('if metadata "too" "few" { }', []),
        ('if servermetadata "/x" "A" { }', []),
        ('if specialuse_exists "A" "\\\\Sent" { }', ["A"]),
        ('if specialuse_exists ["\\\\Sent"] { }', []),
        ('vacation :days 3 :fcc "A" :flags "x" "text";', ["A"]),
        ('notify :fcc "A" :message "x" "mailto:a@example.com";', ["A"]),
        ('snooze :mailbox "A" "08:00";', ["A"]),
        ('keep :mailbox "A";', []),
        ('include :personal "A"; redirect "A"; tag "A"; addflag "A";', []),
        ('if header "fileinto" "A" { }', []),
    ],
)
def test_which_arguments_name_a_folder(script: str, named: list[str]) -> None:
    assert folders(script) == named


def test_a_rule_that_zimbra_switched_off_is_not_active() -> None:
    script = """
        if a { fileinto "1"; }
        disabled_if b { fileinto "2"; if c { fileinto "3"; } else { fileinto "4"; } }
        elsif d { fileinto "5"; }
        else { fileinto "6"; }
        if e { fileinto "7"; } else { fileinto "8"; }
    """
    calls = parse(tokens(script))
    assert not isinstance(calls, Fault)
    active = [call.active for call in calls if call.name == "fileinto"]
    assert active == [True, False, False, False, False, False, True, True]


@pytest.mark.parametrize(
    "opener", ["if not ", "if anyof(", "if true {", "[", "{", '"', "/*", "\\", "text:\n", "1"]
)
def test_a_hundred_thousand_levels_are_read(opener: str) -> None:
    text = opener * 100_000
    lexed = tokens(text)
    assert "".join(token.text for token in lexed) == text
    assert isinstance(parse(lexed), Fault)


def test_a_hundred_thousand_levels_that_are_closed_parse() -> None:
    script = "if not true {" * 100_000 + 'fileinto "A";' + "}" * 100_000
    assert folders(script) == ["A"]
