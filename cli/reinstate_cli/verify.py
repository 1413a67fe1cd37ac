"""`reinstate verify`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from reinstate_cli.console import plural, say, say_json, tell
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Quiet, RestoreId, examples
from reinstate_cli.running import stop_on_signal
from reinstate_journal import open_reader
from reinstate_journal.events import AccountVerified, VerificationFinding
from reinstate_service.operations.session import start_verification
from reinstate_service.operations.verification import Verification, last_verification
from reinstate_service.restore.verification.verify import Request

EPILOG = examples(
    "reinstate verify",
    "reinstate verify --deep --concurrent-accounts 8",
    "reinstate verify --deep --sample 50 --accounts ann@example.com,bob@example.com",
    "reinstate verify --json | jq '.findings[] | select(.kind == \"missing\")'",
)

_HEADINGS = {
    "missing": "Missing",
    "different": "Not as it was restored",
    "extra": "There, though it was not restored",
    "changed": "Changed since, as users do",
    "unchecked": "Not compared",
}


def verify(
    restore: RestoreId = None,
    journal: Journal = DEFAULT_JOURNAL,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every item and compare its SHA-256.")
    ] = False,
    sample: Annotated[
        int,
        typer.Option("--sample", metavar="N", min=0, help="Only N items of each account; 0: all."),
    ] = 0,
    accounts: Annotated[
        str, typer.Option("--accounts", metavar="LIST", help="Addresses or ids, by comma.")
    ] = "",
    concurrent_accounts: Annotated[
        int, typer.Option("--concurrent-accounts", metavar="N", min=1, max=64)
    ] = 4,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="List N of each kind; 0: all.")
    ] = 100,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare the destination with what was restored.

    Every item, by its name, size, date, flags and folder, with --deep by its content; domains,
    classes of service, lists, accounts, quotas, filters, grants and folders as the backup has
    them. The destination is only read. One that was interrupted goes on when it is run again.

    Exits with 0 if everything is there (moved or flagged since by its user or not), with 3 if
    something is missing, different or there twice.
    """
    names = tuple(name for one in accounts.split(",") if (name := one.strip()))
    request = Request(names, deep, sample, concurrent_accounts)

    def heard(account: AccountVerified) -> None:
        found = account.missing + account.different + account.extra
        tell(f"{account.address}: {plural(found, 'difference')}")

    with stop_on_signal() as stop:
        silent = quiet or json
        chosen, _ = start_verification(
            journal, restore, request, (lambda _: None) if silent else heard, stop, notice=tell
        )
    with open_reader(journal) as reader:
        found = last_verification(reader, chosen)
        known = {one.account: one.address for one in reader.progress.accounts(chosen)}
    assert found is not None  # noqa: S101 - it has just been recorded
    if json:
        say_json(found)
    elif not quiet:
        say("\n".join(render(found, known, limit)))
    raise typer.Exit(0 if found.whole else 3)


def render(found: Verification, addresses: dict[str, str], limit: int) -> Iterator[str]:
    """The verification for people; at most `limit` findings of each kind are listed, 0 for all."""
    how = "by content" if found.deep else "by name, size, date and flags"
    some = f", {found.sample} items of each account" if found.sample else ""
    yield f"Verification {found.number}, {how}{some}: {plural(len(found.accounts), 'account')}"
    if not found.backup:
        yield "  the backup is not at hand: flags, dates and settings were not compared"
    yield ""
    totals = found.totals
    items = sum(totals[name] for name in ("there", "changed", "missing", "different"))
    yield (
        f"{plural(items, 'restored item')} = {totals['there']:,} there"
        f" + {totals['changed']:,} changed since + {totals['missing']:,} missing"
        f" + {totals['different']:,} with other bytes"
    )
    yield f"beside them: {totals['extra']:,} extra, {totals['arrived']:,} arrived since" + (
        f", {totals['earlier']:,} from before the restore" if totals["earlier"] else ""
    )
    yield f"{plural(found.objects, 'folder, grant, filter or setting', _OBJECTS)} compared"
    for kind, heading in _HEADINGS.items():
        those = [one for one in found.findings if one.kind == kind]
        if those:
            yield ""
            yield f"{heading}:"
            yield from (_finding(one, addresses) for one in (those[:limit] if limit else those))
            if limit and len(those) > limit:
                yield f"  and {len(those) - limit:,} more: --limit 0 lists all"
    yield ""
    yield (
        "Everything that was restored is there."
        if found.whole
        else "The destination is not as it was restored."
    )


_OBJECTS = "folders, grants, filters and settings"


def _finding(one: VerificationFinding, addresses: dict[str, str]) -> str:
    whose = addresses.get(one.account, one.account)
    is_folder = one.what == "folder"
    place = f" in {'/'.join(one.path)}" if one.path and not is_folder else ""
    name = "" if one.what in {"account", "quota"} else f" {one.name}"
    detail = f": {one.detail}" if one.detail else ""
    return f"  {whose + '  ' if whose else ''}{one.what}{name}{place}{detail}"
