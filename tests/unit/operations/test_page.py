"""The parts of the HTML report that are pure."""

from __future__ import annotations

import re

from reinstate_journal.statistics import Rate
from reinstate_service.operations.page.charts import throughput
from reinstate_service.operations.page.markup import element, joined, table, text


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert text("<b> & \"'") == "&lt;b&gt; &amp; &quot;&#x27;"
    assert element("p", element("b", "<")) == "<p><b>&lt;</b></p>"
    assert joined("a<", element("br")) == "a&lt;<br>"


def test_attributes_are_escaped_and_left_out_if_none() -> None:
    assert element("td", class_=None, aria_label='"><x') == '<td aria-label="&quot;&gt;&lt;x"></td>'


def test_what_turns_or_controls_text_is_shown_as_a_replacement() -> None:
    assert text("a\u202eb\x00c\u2066") == "a\ufffdb\ufffdc\ufffd"


def test_numbers_of_a_table_stand_to_the_right_with_separators() -> None:
    made = table(("what", "count"), [("items", 12345)])
    assert '<th scope="col" class="number">count</th>' in made
    assert '<td class="number">12,345</td>' in made


def test_the_chart_ends_with_nothing_left_and_pauses_lie_on_the_ground() -> None:
    rates = [Rate(0, 100, 1), Rate(1000, 300, 1), Rate(10_000, 100, 1)]
    chart = throughput(rates, 1000)
    (speed,) = re.findall(r'<path d="([^"]+)" class="speed">', chart)
    (left,) = re.findall(r'<path d="([^"]+)" class="left">', chart)
    ground = "204.0"
    assert left.endswith(f",{ground}")
    assert speed.startswith("M64.0,204.0")
    assert speed.count(f"V{ground}") == 2
    assert "500/s" in chart


def test_a_restore_without_items_has_no_chart() -> None:
    assert throughput([], 1000) == "<p>No item was restored.</p>"
