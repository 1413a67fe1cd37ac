"""Filters in Zimbra's dialect become standard Sieve, or comments with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from pigeonhole import STOCK, needs_pigeonhole, refusal
from reinstate_service.mapping.sieve.lexer import tokens
from reinstate_service.mapping.sieve.parser import Fault, parse
from reinstate_service.mapping.sieve.vocabulary import WORDS, required
from reinstate_service.mapping.sieve.zimbra import Translated, translate_script
from reinstate_service.mapping.sieve.zimbra_tests import Surroundings

CORPUS = Path(__file__).parents[2] / "corpus" / "sieve"
SCRIPTS = {path.name: path.read_bytes().decode() for path in sorted(CORPUS.glob("*.sieve"))}
ZIMBRAS = [name for name in SCRIPTS if name.startswith(("zimbra-", "carbonio-"))]
AROUND = Surroundings(("me@example.test",), (("Work",), ("Work", "Sub")))


def translate(script: str, around: Surroundings = AROUND, extensions: str = STOCK) -> Translated:
    return translate_script(script, extensions.split(), around)


def reasons(script: str, around: Surroundings = AROUND) -> list[str]:
    return [kept.reason for kept in translate(script, around).kept]


def rule(test: str = "true", action: str = 'fileinto "Work";') -> str:
    return f'require ["fileinto", "tag"];\nif {test} {{ {action} }}\n'


@needs_pigeonhole
@pytest.mark.parametrize("name", ZIMBRAS)
def test_pigeonhole_compiles_every_script_of_zimbra_s(name: str, tmp_path: Path) -> None:
    assert refusal(translate(SCRIPTS[name]).text, tmp_path) is None


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ZIMBRAS])
def test_a_standard_script_stays_where_everything_is_there_that_it_requires(name: str) -> None:
    script = SCRIPTS[name]
    calls = parse(tokens(script))
    there = f"{STOCK} " + (
        "" if isinstance(calls, Fault) else " ".join(required(calls, tokens(script)))
    )
    outcome = translate(script, Surroundings(), there)
    # Zimbra means the same by blanks and doubled slashes in a folder's name as by none.
    assert outcome.text == script or name in {"hand-blanks.sieve", "hand-strings.sieve"}


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ('addressbook :in "from"', "address book"),
        ("attachment", "attachment"),
        ("bulk", "names contain a word"),
        ('contact_ranking :in "from"', "ranks contacts"),
        ('conversation :where "started"', "conversations"),
        ('flagged "unread"', "cannot ask whether a rule above set 'unread'"),
        ('me :in "x-to"', "'x-to' is no header with addresses"),
        ('importance "urgent"', "no importance 'urgent'"),
        ('invite :method ["sing"]', "no method 'sing'"),
        ('current_time :after "2500"', "'2500' is no time of the day"),
        ('current_day_of_week :is ["7"]', "'7' is no day of the week"),
        ('date :before "20260230"', "'20260230' is no day"),
        ("anyof ()", "a list in anyof is empty"),
        ('header :is [] "x"', "a list in header is empty"),
        ('header :is "subject" "${from}"', "${from} is filled by Zimbra alone"),
        ('address :is "subject" "x"', "'subject' is no header with addresses"),
        ("horoscope", "standard Sieve has no horoscope"),
    ],
)
def test_why_a_test_has_no_counterpart(test: str, reason: str) -> None:
    outcome = translate(rule(test))
    assert [reason in kept.reason for kept in outcome.kept] == [True]
    assert f"# if {test} {{" in outcome.text


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ('tag "${1}";', "made of variables"),
        ('flag "odd";', "no flag 'odd'"),
        ("reply text:\nHello\n.\n;", "does not have vacation-seconds"),
        ('notify "a@b.test" "S" "${1}";', "quotes the message"),
        ('notify "a@b.test" "S" "T" ["subject"];', "copies headers"),
        ('notify "a@b.test" "S" "T" 100;', "cut to a size"),
        ('ereject "No";', "does not have ereject"),
        ('addheader "X" "y";', "does not have editheader"),
        ('replaceheader "X" "y";', "only Zimbra has replaceheader"),
        ("zimbravariablesctrl :reset;", "only Zimbra has zimbravariablesctrl"),
        ('fileinto "/";', "'/' names no folder"),
        ('tag "A"; discard;', "keeps a message that it marks and discards"),
        ('fileinto "A"; if list { tag "B"; }', "marks what it has filed"),
        ('if list { keep; } tag "B";', "marks what was filed before"),
    ],
)
def test_why_an_action_has_no_counterpart(action: str, reason: str) -> None:
    outcome = translate(rule(action=action))
    assert [reason in kept.reason for kept in outcome.kept] == [True], outcome
    assert "fileinto" not in outcome.text.partition("#")[0]


def test_a_zone_with_summer_time_has_no_offset() -> None:
    script = rule('current_time :after "0900"')
    assert "summer time" in reasons(script, Surroundings(zone="Europe/Rome"))[0]
    assert "not known" in reasons(script, Surroundings(zone="../../etc/passwd"))[0]
    tokyo = translate(script, Surroundings(zone="Asia/Tokyo"))
    assert ':zone "+0900"' in tokyo.text
    assert not tokyo.kept


@pytest.mark.parametrize(
    ("script", "lost"),
    [
        ("# a\nif bulk { stop; }\n# b\nif true { discard; }\n", ["a", "b"]),
        ('# a\nif bulk { keep; }\n# b\nredirect "x@y.test";\n', ["a", "b"]),
        ('# a\nif bulk { tag "A"; }\n# b\nif true { discard; }\n', ["a"]),
        ('# a\nif bulk { stop; }\n# b\nif true { fileinto "B"; }\n', ["a"]),
        ('# a\nif bulk { set "v" "1"; }\n# b\nfileinto "${v}";\n', ["a", "b"]),
        ('# a\nif bulk { flag "read"; }\n# b\nif flagged "read" { keep; }\n', ["a", "b"]),
        ('# a\nflag "unread";\n# b\nif flagged "read" { keep; }\n', ["b"]),
        ('# a\nif list { fileinto "A"; }\n# b\nif true { tag "B"; }\n', ["b"]),
        ('# a\nif list { fileinto "A"; stop; }\n# b\nif true { tag "B"; }\n', []),
        ('# a\nif list { tag "A"; }\n# b\nif true { discard; }\n', ["b"]),
        ('# a\nif list { tag "A"; stop; }\n# b\nif true { discard; }\n', []),
    ],
)
def test_what_rules_do_to_each_other(script: str, lost: list[str]) -> None:
    outcome = translate('require ["tag", "flag"];\n' + script)
    assert [kept.text for kept in outcome.kept] == lost


def test_a_rule_is_named_by_its_comment_and_what_it_looks_for_is_not_told() -> None:
    (kept,) = translate('require "tag";\n# Boss\nif addressbook :in "secret" { keep; }\n').kept
    assert (kept.line, kept.text) == (3, "Boss")
    assert "secret" not in kept.reason


def test_a_comment_ends_before_what_stands_behind_it_in_its_line() -> None:
    rules = 'if true { log "a"; keep; } disabled_if list { stop; } keep;'
    outcome = translate(f'require "log"; {rules}')
    assert outcome.text == (
        ' if true { # log "a";\n keep; } # reinstate: not run, it was inactive\n'
        "# disabled_if list { stop; }\n keep;"
    )


def test_a_script_that_does_not_parse_stays_and_is_reported() -> None:
    outcome = translate('if true { tag "A" }')
    assert outcome.text == 'if true { tag "A" }'
    assert [(kept.line, kept.text) for kept in outcome.kept] == [(1, "}")]


def test_a_folder_is_written_as_it_is_called_in_the_backup() -> None:
    assert 'fileinto "Work/Sub/New";' in translate(rule(action='fileinto "/work//SUB /New";')).text
    assert 'fileinto "inbox/Later";' in translate(rule(action='fileinto "inbox/Later";')).text


def test_every_word_that_is_known_is_written_small() -> None:
    assert all(word == word.lower() for word in WORDS)
