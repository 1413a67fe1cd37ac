"""Laws of filters: container-restore rule 9, over whatever scripts there may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import pairwise

from hypothesis import event, example, given
from hypothesis import strategies as st

from reinstate_service.mapping.filters import Redirected, folder_targets, redirect_filters
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.sieve.lexer import tokens
from reinstate_service.mapping.sieve.parser import Fault, parse
from reinstate_service.model import Path
from reinstate_service.testing import law
from reinstate_service.testing.filters import (
    Named,
    Script,
    redirected_scripts,
    redirects,
    script_like_text,
    scripts,
)

SLASHED = Namespace()
namespaces = st.builds(Namespace, st.sampled_from("//./"), st.booleans())
any_text = st.one_of(st.text(), script_like_text(), scripts().map(lambda script: script.text))
OPENERS = (
    "if not ",
    "if anyof(",
    "if true {",
    "if allof(not anyof(",
    "[",
    "{",
    "(",
    "/*",
    '"',
    "\\",
)


@law()
@given(any_text)
@example('"\\')
@example("text:\n.")
@example("/*/")
def test_the_tokens_of_any_text_join_to_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


@law()
@given(any_text)
def test_a_token_stands_in_the_line_that_it_says(text: str) -> None:
    lexed = tokens(text)
    assert all(
        token.line + token.text.count("\n") == after.line for token, after in pairwise(lexed)
    )
    assert not lexed or lexed[0].line == 1


@law()
@given(any_text, redirects(), namespaces)
def test_no_text_makes_redirecting_raise(
    text: str, moved: dict[Path, Path], namespace: Namespace
) -> None:
    outcome = redirect_filters(text, moved, namespace)
    assert outcome.changed or outcome.text == text
    folder_targets(text)


@law()
@given(any_text, namespaces)
def test_with_no_redirects_redirecting_is_the_identity(text: str, namespace: Namespace) -> None:
    assert redirect_filters(text, {}, namespace) == Redirected(text)


@law()
@given(any_text, redirects(), namespaces)
def test_redirecting_any_text_twice_equals_once(
    text: str, moved: dict[Path, Path], namespace: Namespace
) -> None:
    once = redirect_filters(text, moved, namespace)
    twice = redirect_filters(once.text, moved, namespace)
    assert twice == Redirected(once.text, left=once.left)


@law()
@given(redirected_scripts(), namespaces)
def test_redirecting_a_script_twice_equals_once(
    drawn: tuple[Script, dict[Path, Path]], namespace: Namespace
) -> None:
    script, moved = drawn
    once = redirect_filters(script.text, moved, namespace)
    twice = redirect_filters(once.text, moved, namespace)
    assert twice == Redirected(once.text, left=once.left)


@law()
@given(scripts())
def test_every_generated_script_parses(script: Script) -> None:
    assert not isinstance(parse(tokens(script.text)), Fault)


@law()
@given(redirected_scripts(), namespaces)
def test_a_redirected_script_still_parses_with_the_same_calls(
    drawn: tuple[Script, dict[Path, Path]], namespace: Namespace
) -> None:
    script, moved = drawn
    after = redirect_filters(script.text, moved, namespace).text
    assert parse(tokens(after)) == parse(tokens(script.text))


@law()
@given(redirected_scripts(), st.booleans())
def test_a_redirected_script_differs_only_inside_strings_that_named_a_redirected_path(
    drawn: tuple[Script, dict[Path, Path]], case_sensitive: bool
) -> None:
    script, moved = drawn
    outcome = redirect_filters(script.text, moved, Namespace(case_sensitive=case_sensitive))
    expected, changed = [], []
    for piece in script.pieces:
        if isinstance(piece, str):
            expected.append(piece)
            continue
        new = new_value(piece, script, moved, case_sensitive=case_sensitive)
        _tell(piece, new, script)
        if new is None:
            expected.append(piece.text)
        else:
            expected.append('"' + new.replace("\\", "\\\\").replace('"', '\\"') + '"')
            changed.append((piece.value, new))
    assert outcome.text == "".join(expected)
    assert [(old, new) for _, old, new in outcome.changed] == changed


@law()
@given(redirected_scripts())
def test_after_redirecting_no_string_names_an_old_path_unless_that_is_reported(
    drawn: tuple[Script, dict[Path, Path]],
) -> None:
    script, moved = drawn
    outcome = redirect_filters(script.text, moved, SLASHED)
    reported = {left.line for left in outcome.left}
    for target in folder_targets(outcome.text):
        if target.path is not None and target.line not in reported:
            assert covering(target.path, moved, case_sensitive=True) is None


@law(50)
@given(st.sampled_from(OPENERS), st.integers(1, 20_000), any_text)
def test_no_depth_of_nesting_is_too_deep(opener: str, depth: int, rest: str) -> None:
    redirect_filters(opener * depth + rest, {("Work",): ("Elsewhere",)}, SLASHED)
    redirect_filters(rest + opener * depth, {("Work",): ("Elsewhere",)}, SLASHED)


def new_value(
    name: Named, script: Script, moved: Mapping[Path, Path], *, case_sensitive: bool
) -> str | None:
    """What the rule makes of a string, told from what the generator knows; None: it stays."""
    if name.multiline or expanded(name.value, script):
        return None
    old = covering(name.path, moved, case_sensitive=case_sensitive)
    if old is None:
        return None
    rest = name.value
    for segment in name.path[: len(old)]:
        rest = rest.partition(segment)[2]
    lead = name.value[: len(name.value) - len(name.value.lstrip("/"))]
    new = lead + "/".join(moved[old]) + rest.lstrip(" \t")
    again = covering((*moved[old], *name.path[len(old) :]), moved, case_sensitive=case_sensitive)
    return None if again is not None or expanded(new, script) else new


def covering(path: Path, moved: Mapping[Path, Path], *, case_sensitive: bool) -> Path | None:
    """The longest redirect over `path`, found by trying all of them."""
    folded = key(path, case_sensitive=case_sensitive)
    over = [
        old
        for old in sorted(moved)
        if folded[: len(old)] == key(old, case_sensitive=case_sensitive)
    ]
    longest = max(over, key=len, default=None)
    if longest is None:
        return None
    stays = key(longest, case_sensitive=case_sensitive) == key(
        moved[longest], case_sensitive=case_sensitive
    )
    return None if stays else longest


def key(path: Path, *, case_sensitive: bool) -> Path:
    composed = [unicodedata.normalize("NFC", segment) for segment in path]
    if composed[0].upper() == "INBOX":
        composed[0] = "INBOX"
    return tuple(part if case_sensitive else part.casefold() for part in composed)


def expanded(value: str, script: Script) -> bool:
    return bool(
        (script.variables and re.search(r"\$\{.*?\}", value))
        or (script.encoded and re.search(r"\$\{(hex|unicode):.*?\}", value))
    )


def _tell(name: Named, new: str | None, script: Script) -> None:
    """The printed statistics show that what is awkward is really generated."""
    if new is None:
        event("a string stays")
        return
    event("a string is redirected")
    if len(name.path) > 1:
        event("redirected: a path of several segments")
    if re.search(r'["\\]', name.value + new):
        event("redirected: quotes or backslashes")
    if not (name.value + new).isascii():
        event("redirected: not ASCII")
    if "\r\n" in script.text:
        event("redirected: in a script with CRLF")
    if re.search("/{2}|[/ \t]$", name.value):
        event("redirected: stray slashes or blanks")
    if any("fileinto" in piece for piece in script.pieces if isinstance(piece, str)):
        event("redirected: beside a fileinto in a comment, string or command")
