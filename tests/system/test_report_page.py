"""The HTML report in a real browser: a journal of 10,000 accounts, and hostile names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from large_journal import HOSTILE, write_large_journal
from reinstate_journal import open_reader
from reinstate_service.operations.page import gather, render
from system.chromium import Page, chromium, needs_chromium

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write_large_journal(folder / "j.db")
    with open_reader(folder / "j.db") as journal:
        page = folder / "report.html"
        page.write_text(render(gather(journal)), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def page(file: Path) -> Iterator[Page]:
    with chromium() as tab:
        tab.show()
        tab.open(file)
        yield tab


def rows(page: Page, table: str) -> list[list[str]]:
    script = f"[...document.querySelectorAll('#{table} tbody tr')]"
    answer: list[list[str]] = page.ask(
        f"{script}.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return answer


def status(page: Page, table: str) -> str:
    (text,) = page.texts(f"#{table} [role=status]")
    return text


def search(page: Page, table: str, text: str) -> None:
    page.ask(
        f"(() => {{ const one = document.querySelector('#{table} input'); one.value = '{text}';"
        " one.dispatchEvent(new Event('input')); })()"
    )


def click(page: Page, selector: str, text: str) -> None:
    page.ask(
        f"[...document.querySelectorAll('{selector}')].find(one => one.textContent === '{text}')"
        ".click()"
    )


def test_it_asks_for_nothing_and_nobody_complains(page: Page, file: Path) -> None:
    assert page.requested == [file.as_uri()]
    assert page.complaints == []
    assert file.stat().st_size < 4_000_000


def test_ten_thousand_accounts_are_paged(page: Page) -> None:
    assert status(page, "accounts") == "1–50 of 10,000"
    assert len(rows(page, "accounts")) == 50
    click(page, "#accounts button", "Next")
    assert status(page, "accounts") == "51–100 of 10,000"
    click(page, "#accounts button", "Previous")
    assert status(page, "accounts") == "1–50 of 10,000"


def test_they_are_searched(page: Page) -> None:
    search(page, "accounts", "USER04711 completed")
    assert status(page, "accounts") == "1–1 of 1"
    assert [row[0] for row in rows(page, "accounts")] == ["user04711@example.com"]
    search(page, "accounts", "nobody")
    assert status(page, "accounts") == "none"
    search(page, "accounts", "")
    assert status(page, "accounts") == "1–50 of 10,000"


def test_they_are_sorted_by_a_number_both_ways_and_by_score(page: Page) -> None:
    click(page, "#accounts th button", "failed")
    click(page, "#accounts th button", "failed")
    assert {row[6] for row in rows(page, "accounts")} == {"1"}
    assert page.ask("document.querySelectorAll('#accounts th')[6].ariaSort") == "descending"
    click(page, "#accounts th button", "failed")
    assert {row[6] for row in rows(page, "accounts")} == {"0"}
    click(page, "#accounts th button", "score")
    click(page, "#accounts th button", "score")
    worst = rows(page, "accounts")[0]
    assert worst[2] == "investigate"
    click(page, "#accounts th button", "account")
    assert rows(page, "accounts")[1][0] == "user00001@example.com"


def test_totals_causes_verification_and_chain_are_there_without_scripts(
    page: Page, file: Path
) -> None:
    text = file.read_text(encoding="utf-8")
    assert "BlobMissing: 100" in page.texts("article h3")
    assert "put it back under items/" in page.texts("article p")[0]
    assert "The destination was not as it was restored." in text
    with open_reader(file.with_name("j.db")) as journal:
        assert page.texts("footer code") == [journal.head().chain.hex()]
    assert len(page.texts("svg.chart title")) == 1
    assert rows(page, "failures")[0][4] == "blob 7 is not in the backup"
    assert rows(page, "findings") == [
        ["user00001@example.com", "missing", "item", "1001", "INBOX", ""]
    ]


def test_hostile_names_are_text_and_nothing_else(page: Page) -> None:
    search(page, "folders", "alert created")
    ((address, path, source, *_),) = rows(page, "folders")
    shown = HOSTILE.replace("\u202e", "\ufffd").replace("\x07", "\ufffd")
    assert address == f"{shown}@example.com"
    assert path == source == shown
    assert page.ask("document.querySelectorAll('img').length") == 0
    assert page.ask("document.scripts.length") == 2


def test_it_can_be_read_in_light_and_dark(page: Page) -> None:
    contrasts = {}
    for scheme in ("light", "dark"):
        page.show(scheme=scheme)
        colours = page.ask(
            "(() => { const style = getComputedStyle(document.body);"
            " return [style.color, style.backgroundColor]; })()"
        )
        contrasts[scheme] = contrast(*colours)
        if scheme == "dark":
            assert luminance(colours[0]) > luminance(colours[1])
    page.show()
    assert min(contrasts.values()) > 7  # WCAG 2.2 §1.4.6


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_on_paper_controls_are_gone_and_more_rows_are_shown(page: Page) -> None:
    search(page, "folders", "")
    page.show(media="print")
    hidden = page.ask("getComputedStyle(document.querySelector('#accounts input')).display")
    page.show()
    assert hidden == "none"
    page.ask("dispatchEvent(new Event('beforeprint'))")
    assert len(rows(page, "accounts")) == 500
    page.ask("dispatchEvent(new Event('afterprint'))")
    assert len(rows(page, "accounts")) == 50
    assert page.paper().startswith(b"%PDF-")
