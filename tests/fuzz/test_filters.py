"""Any text as a Sieve script is redirected, or left alone with a reason, in time that grows
with its length."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import strategies as st

from crash.matrix import Row, ran
from fuzz.laws import holds
from fuzz.mutation import Bytes, byte_damages
from fuzz.seeds import SCRIPT
from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.mapping.filters import folder_targets, redirect_filters
from reinstate_service.mapping.sieve.lexer import tokens

SIEVE = Row(
    "9 bad input",
    "any text, and any damaged script, as a Sieve filter",
    "the script as it was",
    "redirected, or left byte for byte with a reason, in linear time",
    "tests/fuzz/test_filters.py",
)
REDIRECTS = {("Projects", "Team"): ("shared", "anna@example.com", "Projects"), ("A",): ("B",)}

_pieces = st.sampled_from(
    [
        *'"\\{}()[],;:#/*.\n\r\t\0é\ufeff\ud800',
        "if ",
        "not ",
        "anyof(",
        "true",
        "elsif ",
        "else ",
        "stop;",
        "require ",
        "variables",
        "fileinto ",
        ":create ",
        ":copy ",
        ":fcc ",
        '"Projects/Team"',
        '"A"',
        "text:\n",
        "\n.\n",
        "..",
        "/*",
        "*/",
        "${x}",
        "${hex:41}",
        "disabled_if ",
        "10K",
        "9" * 5000,
    ]
)
scripts = st.one_of(
    st.lists(_pieces, max_size=60).map("".join),
    st.text(max_size=200),
    st.lists(byte_damages, min_size=1, max_size=4).map(
        lambda damages: _damaged(damages)  # noqa: PLW0108 - defined below
    ),
)


def _damaged(damages: list[Bytes]) -> str:
    content = SCRIPT.encode()
    for damage in damages:
        content = damage.on(content)
    return content.decode("utf-8", "surrogateescape")


def test_any_text_is_redirected_or_left_with_a_reason() -> None:
    def law(script: str) -> None:
        assert "".join(token.text for token in tokens(script)) == script
        done = redirect_filters(script, REDIRECTS, NAMESPACE)
        if not done.changed:
            assert done.text == script
        assert all(left.reason for left in done.left)
        again = redirect_filters(done.text, REDIRECTS, NAMESPACE)
        assert again.text == done.text
        folder_targets(script)
        ran(SIEVE)

    holds(law, scripts, 200)


@pytest.mark.parametrize(
    "unit",
    [
        "if not ",
        "if anyof(",
        "if true {",
        "{",
        "[",
        "(",
        "/*",
        "*/",
        '"',
        '\\"',
        "text:\n",
        "text:\n..\n",
        'fileinto "A";',
        'fileinto "${x}/A";',
        'fileinto ["A", "A"];',
        '"A/',
        "A",
        ":a ",
        "1",
        "#\r",
        "\n.",
        "\ufeff",
    ],
)
@pytest.mark.parametrize("frame", ["{}", 'fileinto "{}";', "fileinto text:\n{}\n.\n;"])
def test_time_grows_with_the_length_and_no_faster(unit: str, frame: str) -> None:
    def taken(length: int) -> float:
        script = frame.replace("{}", unit * (length // len(unit)))
        best = float("inf")
        gc.disable()  # what else this process holds would be gone through as well
        for _ in range(2):
            start = time.process_time()
            redirect_filters(script, REDIRECTS, NAMESPACE)
            folder_targets(script)
            best = min(best, time.process_time() - start)
        gc.enable()
        return best

    short, long = taken(2_000), taken(32_000)
    # Sixteen times as long: linear takes sixteen times the time, quadratic 256 times.
    assert long < 64 * max(short, 0.002)
    ran(SIEVE)
