"""Laws of the translation of Zimbra's filters, over every construct of its editor."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import event, example, given
from hypothesis import strategies as st

from pigeonhole import STOCK, needs_pigeonhole, refusal
from reinstate_service.mapping.sieve.zimbra import Translated, translate_script
from reinstate_service.mapping.sieve.zimbra_tests import Surroundings
from reinstate_service.testing import law
from reinstate_service.testing.filters import script_like_text, scripts
from reinstate_service.testing.zimbra import zimbra_scripts

AROUND = Surroundings(("me@example.test",), (("Work",), ("Work", "Sub")), "Asia/Tokyo")


def translate(script: str) -> Translated:
    return translate_script(script, STOCK.split(), AROUND)


@law()
@given(zimbra_scripts())
def test_translating_twice_is_translating_once(drawn: tuple[list[str], str]) -> None:
    once = translate(drawn[1])
    assert translate(once.text) == Translated(once.text)


@law()
@given(zimbra_scripts())
def test_every_rule_is_run_or_a_comment_that_is_reported(drawn: tuple[list[str], str]) -> None:
    rules, script = drawn
    done = translate(script)
    lines = done.text.splitlines()
    reported = {kept.text for kept in done.kept}
    for number in range(len(rules)):
        below = lines[lines.index(f"# rule {number}") + 1 :]
        commented = bool(below) and below[0].startswith("# reinstate: not run, ")
        assert commented == (f"rule {number}" in reported)
        event("a comment" if commented else "run")
        if commented:
            kept = [line.removeprefix("# ").rstrip() for line in below[1:]]
            source = [line.rstrip() for line in rules[number].splitlines()]
            assert ["" if line == "#" else line for line in kept[: len(source)]] == source


@needs_pigeonhole
@law(60)
@given(zimbra_scripts())
def test_pigeonhole_accepts_what_comes_out(drawn: tuple[list[str], str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert refusal(translate(drawn[1]).text, Path(folder)) is None


@law()
@given(st.one_of(st.text(), script_like_text(), scripts().map(lambda script: script.text)))
@example('require["","encoded-character"];fileinto"W///${}";')
def test_no_text_makes_translating_raise(text: str) -> None:
    once = translate(text)
    assert translate(once.text).text == once.text
