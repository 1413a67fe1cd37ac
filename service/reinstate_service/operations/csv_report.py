"""The report as CSV (RFC 4180): one row for each account or for each item."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum

from reinstate_journal import events
from reinstate_journal.journal import Reader, Recorded
from reinstate_service.operations.report import make_report
from reinstate_service.operations.restores import choose_restore

#: A spreadsheet takes text that begins with one of these for a formula.
_FORMULA = frozenset("=+-@\t\r")


class Rows(StrEnum):
    """What there is a row for."""

    ACCOUNTS = "accounts"
    ITEMS = "items"


def csv_lines(journal: Reader, restore: str | None, rows: Rows) -> Iterator[str]:
    """The lines, the heading first, each with its end. Text that a spreadsheet would take for a
    formula has an apostrophe before it. Raises NoRestore, SeveralRestores."""
    table = _accounts(journal, restore) if rows is Rows.ACCOUNTS else _items(journal, restore)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in table:
        writer.writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA else text


def _accounts(journal: Reader, restore: str | None) -> Iterator[tuple[object, ...]]:
    yield (
        *("account", "address", "state", "score", "items", "restored", "skipped", "failed"),
        *("in_doubt", "bytes", "reason"),
    )
    for one in make_report(journal, restore).accounts:
        counts = one.counts
        yield (
            *(one.account, one.address, one.state, one.score or "", counts.items),
            *(counts.restored, sum(counts.skipped.values()), sum(counts.failed.values())),
            *(counts.doubt, counts.size, one.reason),
        )


def _items(journal: Reader, restore: str | None) -> Iterator[tuple[object, ...]]:
    chosen = choose_restore(journal, restore).restore
    yield (
        *("account", "address", "item", "folder", "path", "outcome", "failure", "reason"),
        *("bytes", "digest", "recorded_at", "event"),
    )
    accounts = {
        events.account_stream(chosen, one.account): one for one in journal.progress.accounts(chosen)
    }
    places: dict[str, dict[str, str]] = {}
    for recorded in journal.statistics.outcomes(chosen):
        account = accounts.get(recorded.stream)
        if recorded.stream not in places:
            mapped = journal.containers.folders(recorded.stream)
            paths = {folder: "/".join(place.path) for folder, place in mapped.items()}
            places[recorded.stream] = paths
        whose = (account.account, account.address) if account else ("", "")
        yield (*whose, *_item(recorded, places[recorded.stream]))


def _item(recorded: Recorded, paths: dict[str, str]) -> tuple[object, ...]:
    event = recorded.event
    outcome = event.ends.value if event.ends else ""
    folder, at = (
        getattr(event, "folder", ""),
        datetime.fromtimestamp(recorded.recorded_at / 1000, UTC),
    )
    return (
        *(getattr(event, "item", ""), folder, paths.get(folder, ""), outcome),
        *(getattr(event, "failure", ""), getattr(event, "reason", "")),
        *(getattr(event, "size", 0), getattr(event, "digest", "")),
        *(at.isoformat(timespec="milliseconds"), recorded.position),
    )
