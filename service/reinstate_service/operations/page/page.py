"""The page as a whole: what can be read without scripts, and the data that its tables show."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files

import msgspec

from reinstate_service.operations.advice import advice
from reinstate_service.operations.page.charts import throughput
from reinstate_service.operations.page.figures import Figures
from reinstate_service.operations.page.markup import Markup, element, joined, table
from reinstate_service.operations.report import Failure, Report, Saved
from reinstate_service.operations.verification import COUNTS, Verification

_EXAMPLES = 5
_TABLES = {
    "accounts": "Accounts",
    "folders": "Folders",
    "failures": "Everything that failed",
    "filters": "Filters: before and after",
    "findings": "What the verification found",
}
_SCORES = {
    "perfect": "everything that was asked for is there",
    "good": "something is not as it was, but no item is lost",
    "investigate": "a few items failed, are in doubt, missing or different",
    "poor": "more than one item in a hundred, or an account itself",
}


def render(figures: Figures) -> str:
    """The page. Every name in it comes from a backup and is shown as text."""
    style, script = _resource("report.css"), _resource("report.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    report = figures.report
    title = f"Restore {report.restore.restore}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        Markup(f"<style>{style}</style>"),
    )
    body = element(
        "body",
        element("h1", title),
        _summary(report),
        _section("Totals", _totals(report)),
        _section("Timeline", _timeline(figures)),
        _section("Throughput", throughput(figures.rates, figures.interval), _legend()),
        _section("Failures by cause", *_causes(report.failures)),
        _section("Verification", *_verification(figures.verification)),
        element(
            "noscript",
            element("p", "The tables need JavaScript. Without it: reinstate report --csv accounts"),
        ),
        *(
            element("section", element("h2", heading), id=name, class_="large")
            for name, heading in _TABLES.items()
        ),
        _head(report),
        Markup(f'<script type="application/json" id="data">{_data(figures)}</script>'),
        Markup(f"<script>{script}</script>"),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>\n'


def _resource(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """As a Content-Security-Policy names inline content (CSP Level 3 §2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _section(heading: str, *content: object) -> Markup:
    return element("section", element("h2", heading), *content)


def _summary(report: Report) -> Markup:
    known, last = report.restore, report.runs[-1]
    ended = f"{last.outcome}, {_moment(last.ended_at)}" if last.ended_at else "not ended"
    facts = {
        "from": f"{known.backup} ({known.product})",
        "to": known.destination,
        "runs": f"{len(report.runs)}; the last one: {ended}",
    }
    verdict = "Everything asked for is restored." if report.whole else "Not everything is restored."
    return joined(
        element(
            "p",
            element("strong", verdict),
            " Consistency: ",
            _score(report.score.value),
            f" ({_SCORES[report.score.value]}).",
            class_="verdict",
        ),
        element(
            "dl",
            *(joined(element("dt", name), element("dd", value)) for name, value in facts.items()),
        ),
    )


def _score(score: str) -> Markup:
    return element("span", score, class_=f"score {score}")


def _totals(report: Report) -> Markup:
    totals = report.totals
    rows: list[tuple[object, ...]] = [
        ("accounts", len(report.accounts), ""),
        ("items", totals.items, ""),
        ("restored", totals.restored, _size(totals.size)),
        *(("skipped", count, why) for why, count in sorted(totals.skipped.items())),
        *(("failed", count, why) for why, count in sorted(totals.failed.items())),
        *([("in doubt", totals.doubt, "")] if totals.doubt else []),
        *([_saved(report.saved)] if report.saved.messages else []),
    ]
    scores: defaultdict[str, int] = defaultdict(int)
    for account in report.accounts:
        scores[account.score or ""] += 1
    graded: list[tuple[object, ...]] = [
        (_score(score), scores[score], meaning) for score, meaning in _SCORES.items()
    ]
    return element(
        "div",
        table(("", "count", ""), rows),
        table(("consistency", "accounts", "meaning"), graded),
        class_="side-by-side",
    )


def _saved(saved: Saved) -> tuple[object, ...]:
    """The messages that take less room than their contents, by --compress keep or --dedupe."""
    shared = f", {saved.shared:,} of them by sharing" if saved.shared else ""
    return "packed or shared", saved.messages, f"{_size(saved.bytes)} saved{shared}"


def _timeline(figures: Figures) -> Markup:
    return table(
        ("time", "event", ""),
        [(_moment(one.at), one.position, one.text) for one in figures.timeline],
    )


def _legend() -> Markup:
    return element(
        "p",
        element("span", "items a second", class_="speed-key"),
        " · ",
        element("span", "time left at the average speed so far", class_="left-key"),
    )


def _causes(failures: Iterable[Failure]) -> list[Markup]:
    causes: dict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        causes[failure.failure].append(failure)
    if not causes:
        return [element("p", "Nothing failed.")]
    return [
        element(
            "article",
            element("h3", f"{cause}: {len(those):,}"),
            element("p", advice(cause), "."),
            element(
                "ul",
                *(
                    element("li", f"{one.address or '-'}: {one.what}: {one.reason}")
                    for one in those[:_EXAMPLES]
                ),
                *(
                    [element("li", f"and {len(those) - _EXAMPLES:,} more, in the table below")]
                    if len(those) > _EXAMPLES
                    else []
                ),
            ),
        )
        for cause, those in sorted(causes.items(), key=lambda entry: -len(entry[1]))
    ]


def _verification(found: Verification | None) -> list[Markup]:
    if found is None:
        return [element("p", "The destination has not been compared yet: reinstate verify")]
    how = "by content (SHA-256)" if found.deep else "by name, size, date and flags"
    some = f", {found.sample} items of each account" if found.sample else ""
    verdicts = {
        None: "It was cut off and covers only a part of the accounts.",
        True: "Everything that was restored was there.",
        False: "The destination was not as it was restored.",
    }
    begun = f"Verification {found.number}, begun {_moment(found.started_at)}, {how}{some}."
    rows: list[tuple[object, ...]] = [(name, found.totals[name]) for name in COUNTS]
    return [
        element("p", element("strong", verdicts[found.whole]), " ", begun),
        table(("items", "count"), rows),
    ]


def _head(report: Report) -> Markup:
    position, chain = report.head
    return element(
        "footer",
        element("p", f"Made from a journal of {position:,} events, whose chain ends with"),
        element("p", element("code", chain)),
        element(
            "p",
            "While the journal has no further events, reinstate journal check prints the same.",
        ),
    )


def _data(figures: Figures) -> str:
    """The rows of the tables as JSON that can stand in a script element."""
    report, found = figures.report, figures.verification
    places = {account.account: place for place, account in enumerate(report.accounts)}
    rows: dict[str, object] = {
        "accounts": [
            (
                one.address or one.account,
                one.state,
                one.score or "",
                one.counts.items,
                one.counts.restored,
                sum(one.counts.skipped.values()),
                sum(one.counts.failed.values()),
                one.counts.doubt,
                one.counts.size,
                one.reason,
            )
            for one in report.accounts
        ],
        "folders": figures.folders,
        "failures": [
            (
                places.get(one.account, -1),
                one.what,
                "/".join(one.path),
                one.failure,
                one.reason,
                one.position,
            )
            for one in report.failures
        ],
        "filters": figures.filters,
        "findings": [
            (
                places.get(one.account, -1),
                one.kind,
                one.what,
                one.name,
                "/".join(one.path),
                one.detail,
            )
            for one in (found.findings if found else ())
        ],
    }
    # Nothing in a string may end the element, or begin a comment in it.
    return msgspec.json.encode(rows).decode().replace("<", "\\u003c").replace(">", "\\u003e")


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
